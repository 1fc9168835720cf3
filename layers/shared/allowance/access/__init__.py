"""Who calls, what the caller may do, and the only way to the data.

Owns tokens, scopes, the caller, the session and the gate. Decides nothing by itself: the rule is
`allowance.rbac`. Invariants: only the gate and the session hold a database; a store gets a handle
for an action on an object, and the handle runs only queries that need exactly that.
"""
