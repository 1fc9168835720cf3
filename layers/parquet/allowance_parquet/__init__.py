"""Parquet, for the one function that writes it: the library is several times the size of everything
else.
"""
