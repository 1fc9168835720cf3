"""The history of what is held and spent, in the order of commits, as triggers write it.

A deferred trigger runs when its transaction commits. It takes a lock that the commit releases,
after the decision is made, so the numbers of the history are the order of commits.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from tests.postgres import Database

HISTORY = (
    "CREATE TABLE history (number bigint GENERATED ALWAYS AS IDENTITY, transaction xid8,"
    " user_id uuid, kind text, id text, amount numeric, expires_at timestamptz,"
    " at timestamptz DEFAULT clock_timestamp())",
    """
    CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(-1);
        IF TG_TABLE_NAME = 'ai_user_spend_monthly' THEN
            INSERT INTO public.history (transaction, user_id, kind, id, amount)
            VALUES (pg_current_xact_id(), new.user_id, 'spent', new.month, new.cost_micros);
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO public.history (transaction, user_id, kind, id)
            VALUES (pg_current_xact_id(), old.user_id, 'freed', old.reservation_id);
        ELSE
            INSERT INTO public.history (transaction, user_id, kind, id, amount, expires_at)
            VALUES (
                pg_current_xact_id(), new.user_id,
                CASE TG_OP WHEN 'INSERT' THEN 'granted' ELSE 'changed' END,
                new.reservation_id, new.amount_micros, new.expires_at
            );
        END IF;
        RETURN NULL;
    END
    $$""",
    "CREATE CONSTRAINT TRIGGER remember AFTER INSERT OR UPDATE ON ai_user_spend_monthly"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION remember()",
    "CREATE CONSTRAINT TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON ai_reservation_holds"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION remember()",
)


class Committed(NamedTuple):
    """What is spent and held of a user's limit when the transaction of a grant commits."""

    user_id: UUID
    spent: Decimal
    held: Decimal


def remember_holds(database: Database) -> None:
    """Write the history of all transactions from now on."""
    for statement in HISTORY:
        database.run(statement)


def commits_of_grants(database: Database) -> Iterator[Committed]:
    """Yield the state of a user at the commit of each grant, in this order."""
    spent: dict[UUID, dict[str, Decimal]] = {}
    holds: dict[UUID, dict[str, tuple[Decimal, datetime]]] = {}
    rows = database.rows(
        "SELECT transaction, user_id, kind, id, amount, expires_at, at FROM history ORDER BY number"
    )
    for _, changes in groupby(rows, key=lambda row: row[0]):
        granted: list[tuple[UUID, Any]] = []
        for _, user_id, kind, id_, amount, expires_at, at in changes:
            of_user = holds.setdefault(user_id, {})
            if kind == "spent":
                spent.setdefault(user_id, {})[id_] = amount
            elif kind == "freed":
                del of_user[id_]
            else:
                of_user[id_] = amount, expires_at
                granted += [(user_id, at)] if kind == "granted" else []
        for user_id, at in granted:
            held = sum(
                (amount for amount, until in holds[user_id].values() if until > at), Decimal(0)
            )
            yield Committed(user_id, max(spent[user_id].values()), held)
