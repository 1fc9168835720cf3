"""The database: connections, logins, and the SQL files of every domain.

Owns the only import of psycopg and the one warm connection of a process. Knows no domain: it runs
queries by name and does not decide who may run them. Invariants: autocommit, one implicit
transaction for each statement or batch, no prepared statement, no SET.
"""
