"""Parquet, for the only function that writes it.

The library is several times the size of everything else.
"""
