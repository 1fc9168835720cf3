"""What a first page shows of an organization, and how its budgets end.

Owns the shapes and queries of the overview, and the forecast. Does not write. Invariants: one
statement answers the overview, so its figures are of one time; no query reads single usages; and
it leaves out what its caller may not read.
"""
