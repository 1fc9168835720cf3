"""The history of what is held and spent, in the order of commits, as triggers write it.

A deferred trigger runs when its transaction commits. It takes a lock that the commit releases,
after the decision is made, so the numbers of the history are the order of commits.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from tests.postgres import Database

ALLOWANCE = ""
"""Takes the place of a budget's id where the limit of a user is meant."""

HISTORY = (
    "CREATE TABLE history (number bigint GENERATED ALWAYS AS IDENTITY, transaction xid8,"
    " budget_id text, subject text, kind text, id text, amount numeric, expires_at timestamptz,"
    " began timestamptz DEFAULT now(), at timestamptz DEFAULT clock_timestamp())",
    """
    CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        changed jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(old) ELSE to_jsonb(new) END;
    BEGIN
        PERFORM pg_advisory_xact_lock(-1);
        INSERT INTO public.history (
            transaction, budget_id, subject, kind, id, amount, expires_at
        )
        SELECT pg_current_xact_id(), coalesce(changed ->> 'budget_id', ''),
            coalesce(changed ->> 'subject', changed ->> 'user_id'),
            CASE
                WHEN NOT changed ? 'reservation_id' THEN 'spent'
                ELSE CASE TG_OP WHEN 'INSERT' THEN 'granted' WHEN 'UPDATE' THEN 'changed'
                    ELSE 'freed' END
            END,
            coalesce(changed ->> 'reservation_id', changed ->> 'slice', changed ->> 'month'),
            coalesce(changed ->> 'amount_micros', changed ->> 'spent_micros',
                changed ->> 'cost_micros')::numeric,
            (changed ->> 'expires_at')::timestamptz;
        RETURN NULL;
    END
    $$""",
    *(
        f"CREATE CONSTRAINT TRIGGER remember AFTER INSERT OR UPDATE{also} ON {table}"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION remember()"
        for table, also in (
            ("ai_user_spend_monthly", ""),
            ("ai_reservation_holds", " OR DELETE"),
            ("ai_budget_counters", " OF spent_micros"),
            ("ai_budget_holds", " OR DELETE"),
        )
    ),
)

Limited = tuple[str, str]
"""The id of a budget, or ALLOWANCE, and the subject that its limit is for."""


class Committed(NamedTuple):
    """What is spent and held of a limit when the transaction of a grant commits, and the times
    between which it decided.
    """

    limited: Limited
    spent: Decimal
    held: Decimal
    began: datetime
    at: datetime

    @property
    def total(self) -> Decimal:
        """What the limit is compared with."""
        return self.spent + self.held


def remember_holds(database: Database) -> None:
    """Write the history of all transactions from now on."""
    for statement in HISTORY:
        database.run(statement)


def commits_of_grants(database: Database) -> Iterator[Committed]:
    """Yield the state of each limit at the commit of each grant that it holds, in this order."""
    spent: dict[Limited, dict[str, Decimal]] = {}
    holds: dict[Limited, dict[str, tuple[Decimal, datetime]]] = {}
    rows = database.rows(
        "SELECT transaction, budget_id, subject, kind, id, amount, expires_at, began, at"
        " FROM history ORDER BY number"
    )
    for _, changes in groupby(rows, key=lambda row: row[0]):
        granted: list[tuple[Limited, Any, Any]] = []
        for _, budget_id, subject, kind, id_, amount, expires_at, began, at in changes:
            limited = budget_id, subject
            of_limit = holds.setdefault(limited, {})
            if kind == "spent":
                spent.setdefault(limited, {})[id_] = amount
            elif kind == "freed":
                del of_limit[id_]
            else:
                of_limit[id_] = amount, expires_at
                granted += [(limited, began, at)] if kind == "granted" else []
        for limited, began, at in granted:
            held = sum(
                (amount for amount, until in holds[limited].values() if until > at), Decimal(0)
            )
            yield Committed(limited, _spent(limited, spent.get(limited, {})), held, began, at)


def _spent(limited: Limited, parts: dict[str, Decimal]) -> Decimal:
    """Return the sum of a counter's parts, or what a user spent in the latest month."""
    if limited[0] == ALLOWANCE:
        return parts[max(parts)]
    return sum(parts.values(), Decimal(0))
