"""Benchmarks. They print ratios and assert nothing."""
