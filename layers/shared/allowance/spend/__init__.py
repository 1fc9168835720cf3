"""Spend: what users, groups and members spent in a period, against which limit.

Owns the shapes and queries of spend. Does not write: recording usage keeps the sums. Invariant: no
query reads single usages.
"""
