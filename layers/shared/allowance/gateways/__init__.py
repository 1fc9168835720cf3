"""Gateways: the doors of other people's protocols, one folder or module a sender.

Owns what a sender's message means: who, which model, how much. Does not own the ledger (usage) or
decisions (reservations): a door makes their records and requests. Invariants: no door keeps or logs
a prompt; a message that is not understood is refused, or kept and named.
"""
