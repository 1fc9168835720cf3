"""Benchmarks. They print ratios, and are not tests."""
