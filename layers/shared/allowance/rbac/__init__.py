"""Authorization: objects and actions (policy), roles as data, the rule (authorize), system actors.

Owns the decision; the gate enforces it. Pure: no I/O, and no module outside this package.
Invariants: nothing is allowed by default; the truth table in the tests has every role, object and
action.
"""
