"""Spend alerts: who hears that a budget is nearly used up, used up, or refuses calls.

Owns what an alert says, the receivers, the looks that follow a change, and the delivery from the
outbox. Does not compare spend with limits: functions of the schema do. Invariants: one alert for
the highest threshold reached, again only after the spend was below it; each receiver gets it at
least once, with one id; a failing receiver blocks no other.
"""
