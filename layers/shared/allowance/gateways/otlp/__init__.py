"""OpenTelemetry: log records that count the tokens of calls to models, from any collector.

Owns what an attribute means. Does not own whom a call counts for: the settings of the source say
which attribute names the user. Invariant: no body and no text of a log record goes on.
"""
