"""Requests and responses: shared shapes, strict JSON, query parameters, pages, preconditions.

Owns the base classes of rows and bodies, and the wording of validation errors. Knows no domain and
does no I/O. Invariants: unknown fields are refused; every problem names its field; times are RFC
3339 in UTC.
"""
