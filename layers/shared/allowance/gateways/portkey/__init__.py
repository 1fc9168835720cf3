"""Portkey's webhook guardrail: a verdict before a call, and a usage record after it.

Owns what a message means. Does not hold money: no id is in both messages.
Invariant: no prompt and no answer of a model goes on.
"""
