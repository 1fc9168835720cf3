"""Tables of exports: columns with kinds, and CSV.

Owns how a value is written to a table. Knows no domain. Invariant: no spreadsheet runs a cell as a
formula.
"""
