"""The audit log: who changed what, when, from what to what.

Owns the shape of an entry, the SQL fragment that writes one, and the listing. Does not decide what
is a change: each domain writes its entry in the statement of the change. Invariants: append-only;
an entry commits with its change or not at all.
"""
