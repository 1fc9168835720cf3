"""Seeding: default prices from a book, as far as they are plausible.

Owns fetching a book, comparing it with the prices in effect, and the rules that hold a change for
an owner. Does not decide held changes: owners do. Invariants: all or nothing; the same book twice
changes nothing; a custom price is never touched.
"""
