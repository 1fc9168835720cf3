"""OpenMeter's CloudEvents, which Kong sends too: one event counts one kind of token of a call.

Owns what an event means. Does not own prices or limits: nothing is decided before a call.
Invariant: an event that is not understood is refused by its index, and its neighbours count.
"""
