"""The border of functions without routes: schedules, deployments, operators, queues.

Owns running a store as a system actor, its log line and its metrics. Knows no domain. Invariant: an
error fails the invocation, or the one message that caused it.
"""
