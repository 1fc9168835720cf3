"""The HTTP border: an API Gateway event in, a response of the contract out.

Owns routing within a function, credentials, the order of errors, statuses and headers. Knows no
domain: a store declares what it needs of the path. Invariants: every outcome is one response and
one log line; no response contains the text of an internal error.
"""
