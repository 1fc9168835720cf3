"""Usage: what each call to a model used, recorded once and priced as of its time.

Owns the readers of records and of vendors' usage objects, the ledger and its sums, re-rating and
retention. Does not decide budgets. Invariants: the ledger is append-only, and a correction is
another entry. A record counts once, by the digest of source and id. Sums equal the ledger.
"""
