"""Spend alerts: who hears that a user reached a share of a limit.

Owns the text of an alert, the receivers, and the delivery from the outbox table. Does not raise
alerts: recording usage does, in its own statement. Invariants: one alert for each user, threshold
and month; each receiver gets it at least once, with one id; a failing receiver blocks no other.
"""
