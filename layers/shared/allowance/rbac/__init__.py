"""Authorization: objects and actions (policy), roles as data, the rule (authorize), system actors.

Pure: no I/O, and no module outside this package. It decides; the gate enforces.
The truth table in the tests has every role, object and action. Nothing is allowed by default.
"""
