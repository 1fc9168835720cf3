"""Which rights a login of the functions needs, by the plans of its queries, and which it has.

Postgres puts into each plan the rights that it checks before it runs the plan (`permInfos`), and
writes plans to the client on request (`debug_print_plan`).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import psycopg

from tests.postgres import Database

BITS = {1: "INSERT", 2: "SELECT", 4: "UPDATE", 8: "DELETE"}
"""The bits of privileges in Postgres' `parsenodes.h`. A query needs no others."""

WHOLE_ROW, FIRST = 7, 8
"""The numbers of a whole row and of the first column in a set of columns."""

ANY = "*"
"""In place of a column: the right to any column is enough, as for a lock or a count of rows."""

PERMISSION = re.compile(
    r"\{RTEPERMISSIONINFO :relid (\d+) :inh \w+ :requiredPerms (\d+) :checkAsUser (\d+)"
    r" :selectedCols \(b([ \d]*)\) :insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)\}"
)
COLUMNS = (
    "SELECT c.oid::int, c.relname, array_agg(a.attname::text ORDER BY a.attnum)"
    " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
    " GROUP BY c.oid, c.relname"
)
FUNCTIONS = """
SELECT p.proname, p.prosrc,
    ARRAY(SELECT 'NULL::' || each.type::regtype FROM unnest(p.proargtypes) AS each (type)),
    l.lanname = 'sql' AND NOT p.prosecdef
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace
"""
GRANTED = """
SELECT p.privilege, c.relname, CASE WHEN p.by_column THEN a.attname END
FROM (VALUES
    ('SELECT', true), ('INSERT', true), ('UPDATE', true), ('REFERENCES', true),
    ('DELETE', false), ('TRUNCATE', false), ('TRIGGER', false)
) AS p (privilege, by_column)
CROSS JOIN pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    AND CASE
        WHEN p.by_column THEN has_column_privilege(%s, c.oid, a.attnum, p.privilege)
        ELSE has_table_privilege(%s, c.oid, p.privilege)
    END
"""
CALLABLE = """
SELECT p.proname FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege(%s, p.oid, 'EXECUTE')
"""


class Right(NamedTuple):
    """A privilege on a column; on a table or a function, if there is no column."""

    privilege: str
    of: str
    column: str | None = None


def needed_by(database: Database, statements: Iterable[str]) -> set[Right]:
    """The rights that statements need, with those of the functions that run as their caller."""
    plans: list[str] = []
    with database.connect() as owner:
        columns: dict[int, tuple[str, list[str]]] = {
            number: (name, names) for number, name, names in owner.execute(COLUMNS)
        }
        functions = owner.execute(FUNCTIONS).fetchall()
        # Postgres wraps the lines of a plan.
        owner.add_notice_handler(lambda n: plans.append(" ".join((n.message_detail or "").split())))
        owner.execute("SET debug_print_plan = on; SET debug_pretty_print = off")
        owner.execute("SET client_min_messages = log")
        called = set[str]()
        texts = list(statements)
        for text in texts:
            owner.execute(f"EXPLAIN {text}".encode())
        while texts:
            text = texts.pop()
            for name, source, arguments, runs_as_caller in functions:
                if name in called or not re.search(rf"\b{name}\(", text):
                    continue
                called.add(name)
                if runs_as_caller:
                    texts.append(source)
                    owner.execute(f"SELECT {name}({', '.join(arguments)})".encode())
    needed = {right for plan in plans for right in _of_plan(plan, columns)}
    return needed | {Right("EXECUTE", name) for name in called}


def _of_plan(plan: str, columns: dict[int, tuple[str, list[str]]]) -> Iterator[Right]:
    for number, mask, checked_as, *sets in PERMISSION.findall(plan):
        if checked_as != "0" or int(number) not in columns:
            continue
        table, names = columns[int(number)]
        touched = dict(zip(("SELECT", "INSERT", "UPDATE"), sets, strict=True))
        for privilege in (each for bit, each in BITS.items() if int(mask) & bit):
            if privilege == "DELETE":
                yield Right(privilege, table)
                continue
            members = [int(each) for each in touched[privilege].split()]
            if WHOLE_ROW in members:
                members = list(range(FIRST, FIRST + len(names)))
            found = [names[each - FIRST] for each in members if each >= FIRST]
            for column in found or [ANY]:
                yield Right(privilege, table, column)


def granted_to(database: Database, login: str) -> set[Right]:
    """The rights of a role in the schema, column by column, with those that everybody has."""
    return {Right(*row) for row in database.rows(GRANTED, login, login)} | {
        Right("EXECUTE", name) for (name,) in database.rows(CALLABLE, login)
    }


def shown(rights: Iterable[Right]) -> list[str]:
    """A line for each privilege on a table or a function, with the columns."""
    by_object: dict[tuple[str, str], list[str]] = {}
    for privilege, of, column in sorted(rights, key=str):
        by_object.setdefault((of, privilege), []).extend([column] if column else [])
    return [
        f"{privilege} {of}" + (f" ({', '.join(sorted(columns))})" if columns else "")
        for (of, privilege), columns in sorted(by_object.items())
    ]


def of_server(owner: psycopg.Connection[Any], login: str) -> list[str]:
    """A line for each right of a role outside of tables and functions, and for each attribute."""
    (attributes,) = owner.execute(
        "SELECT to_jsonb(r) - ARRAY['oid', 'rolname', 'rolpassword', 'rolconfig'] FROM pg_roles r"
        " WHERE rolname = %s",
        (login,),
    ).fetchone() or ({},)
    held = {
        "database": (
            "SELECT p FROM unnest(ARRAY['CREATE', 'CONNECT', 'TEMPORARY']) AS p"
            " WHERE has_database_privilege(%s, current_database(), p)"
        ),
        "schema": (
            "SELECT p || ' ' || nspname FROM pg_namespace, unnest(ARRAY['CREATE', 'USAGE']) AS p"
            " WHERE nspname !~ '^pg_|^information_schema$' AND has_schema_privilege(%s, oid, p)"
        ),
        "sequence": (
            "SELECT p || ' ' || relname FROM pg_class, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p"
            " WHERE relkind = 'S' AND has_sequence_privilege(%s, oid, p)"
        ),
        "member of": (
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole"
        ),
        "owner of": "SELECT relname FROM pg_class WHERE relowner = %s::regrole",
        "setting": ("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = %s::regrole"),
    }
    lines = [f"{name} {value}" for name, value in sorted(attributes.items())]
    for kind, query in held.items():
        found = sorted(text for (text,) in owner.execute(query.encode(), (login,)))
        lines += [f"{kind}: {each}" for each in found or ["none"]]
    return lines
