"""Reservations: hold money before a call to a model, then settle with what it used, or release it.

Owns the decision whether a call fits the budget, and what is held. Does not own limits (budgets)
or the ledger (usage). Invariants: what a user has spent and what is held never exceed the limit
when a reservation is granted; each reservation is closed once; an expired one counts for nothing.
"""
