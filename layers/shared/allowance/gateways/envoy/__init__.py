"""Envoy AI Gateway: the check before a call, and its access log after it.

Owns which headers and attributes are the call's. Does not own the form of the log (otlp).
Invariant: a request id holds money once.
"""
