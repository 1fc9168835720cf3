"""Vendors' usage objects, read into our classes and units.

Owns each vendor's way of counting. Knows no price and no ledger. Invariants: an object is read
whole or not at all: a number that no rule explains, or a total that differs from its parts, leaves
it unread, with the name of the counter.
"""
