"""The settings of the functions' logins in the database, which Migrate sets at each deployment.

They belong to the roles, so no session sends a SET. Postgres lets every role change its own
settings, so that a stolen login could remove a time limit for all later sessions. Migrate puts them
back and reports what it found.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from allowance.rbac.system import Login

# Lock < statement < Lambda (10 s) < gateway (30 s): each layer times out before the layer that
# waits for it.
_TIME_LIMITS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}

# A session keeps the plans of its foreign-key checks. A plan of a time with few users would read
# the whole table for each check, also when a later import makes the table large.
_OF_IMPORTS = {"enable_seqscan": "off"}

SETTINGS: Mapping[Login, Mapping[str, str]] = {
    login: {
        **_TIME_LIMITS,
        "TimeZone": "UTC",
        # Compiling a query takes longer than any of ours runs.
        "jit": "off",
        **(_OF_IMPORTS if login is Login.DIRECTORY else {}),
    }
    for login in Login
}
"""The settings of each login. It has no others."""

# A setting may be for one database of the server or, as ours, for all.
_FOUND = """
SELECT r.rolname, d.datname, unnest(s.setconfig) AS setting
FROM pg_db_role_setting AS s
JOIN pg_roles AS r ON r.oid = s.setrole
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
WHERE r.rolname = ANY(%s)
ORDER BY 1, 2 NULLS FIRST, 3
"""


def restore_settings(owner: psycopg.Connection[Any]) -> list[str]:
    """Give each login its settings and no others. Return the differences, one text for each.

    A login without any setting is new: no difference.
    """
    found = owner.execute(_FOUND, (list(Login),)).fetchall()
    differences: list[str] = []
    for login in Login:
        others = {(place, text) for role, place, text in found if role == login}
        ours = {(None, f"{name}={value}") for name, value in SETTINGS[login].items()}
        if others == ours:
            continue
        for place in sorted({place for place, _ in others if place is not None}):
            _alter(owner, login, sql.SQL("IN DATABASE {} RESET ALL").format(sql.Identifier(place)))
        _alter(owner, login, sql.SQL("RESET ALL"))
        for name, value in SETTINGS[login].items():
            change = sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            _alter(owner, login, change)
        if others:
            differences += _shown(login, others - ours, "was set to")
            differences += _shown(login, ours - others, "was not set to")
    return differences


def _alter(owner: psycopg.Connection[Any], login: Login, change: sql.Composable) -> None:
    owner.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(login), change))


def _shown(login: Login, settings: Iterable[tuple[str | None, str]], what: str) -> list[str]:
    """Return a text for each setting, with the database if it is for one only."""
    return [
        f"{login}{f' in {place}' if place else ''}: {name} {what} {value}"
        for place, setting in sorted(settings, key=str)
        for name, _, value in [setting.partition("=")]
    ]
