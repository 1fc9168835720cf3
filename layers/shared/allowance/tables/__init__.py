"""Tables that are exported: columns with kinds, and CSV.

Owns how a value is written to a table. Knows no domain. Invariant: a cell that a spreadsheet would
run as a formula is made harmless.
"""
