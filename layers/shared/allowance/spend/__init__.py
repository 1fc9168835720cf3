"""Spend."""
