"""LiteLLM's proxy asks Allowance before each call, and reports after it what the call used.

Owns what LiteLLM's hooks mean. Only `callback` and `deployments` import LiteLLM, which the proxy
has: this package never depends on it. Invariants: no hook after a call raises, and no prompt is
sent or logged.
"""
