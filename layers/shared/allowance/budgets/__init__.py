"""Budgets: whose money, how much, in which period.

Owns the budgets of groups, the overrides of users, the rule of the effective budget and the period.
Does not count spend. Invariants: one budget for each group, one override for each user; a limit is
0 to 1e12 micro-units of US dollars; the audit entries of a budget form a chain, each `before` the
`after` of the entry before it.
"""
