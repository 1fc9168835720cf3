"""Files of other programs, read whole or not at all: gateways' logs, vendors' reports, budgets and
users.

Owns the shapes of these files. Sends nothing. Needs the standard library alone, because a Lambda
layer carries it. Invariant: a reader refuses what it does not understand, by row and field, or
names what it leaves out.
"""
