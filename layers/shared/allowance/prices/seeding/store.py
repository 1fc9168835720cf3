"""Writes of SeedPrices: apply a price book to the default prices, and hold what an owner must
review.
"""

import json

from pydantic import TypeAdapter

from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_price_book
from allowance.prices.book import PriceBook
from allowance.prices.models import LockedBook
from allowance.prices.seeding.changes import Comparison, PlannedHold, PlannedVersion
from allowance.prices.seeding.documents import counts_by_reason
from allowance.prices.seeding.outcome import Plan
from allowance.prices.seeding.plan import plan
from allowance.prices.seeding.source import SHIPPED, TakenBook
from allowance.rbac.policy import PRICE_BOOK, Action

VERSIONS = TypeAdapter(list[PlannedVersion])
HOLDS = TypeAdapter(list[PlannedHold])


class BookState(LockedBook):
    """The record of the last complete book: its number of prices, the held changes, and those of
    them that withhold one of its prices.
    """

    entries: int
    held: int
    withheld: int


class SeedCounts(Row):
    """The result of seeding, in entries; `withdrawn` counts models, `held` waiting changes.

    `fallback` says why the shipped file replaced another book.
    """

    inserted: int
    updated: int
    unchanged: int
    held: int
    withdrawn: int
    fallback: str | None = None


class MapCounts(SeedCounts):
    """The result of seeding LiteLLM's map, with what of it is not understood: models by the reason,
    the number of all of them, and how many read rows have another price, by its field.
    """

    left_out: dict[str, list[str]]
    left_out_count: int
    unread_fields: dict[str, int]


class SeedingStore(Store):
    """Default model prices, for a system actor."""

    def known_etag(self, location: str) -> str | None:
        """Return the entity tag of the last book if it came from there, or None. Raise
        NotAuthorized.
        """
        state = self._gate.open(Action.UPDATE, PRICE_BOOK).one(BookState, "get_price_book")
        return state.etag if state.location == location else None

    def seed_prices(self, taken: TakenBook) -> SeedCounts:
        """Apply the book to the default prices and return the counts. Raise Forbidden.

        Idempotent; one transaction, all or nothing.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        if taken.book is None:
            state = db.one(BookState, "get_price_book")
            unchanged = state.entries - state.withheld
            counts = SeedCounts(
                inserted=0, updated=0, unchanged=unchanged, held=state.held, withdrawn=0
            )
            return self._reported(counts, taken, Plan())
        book = taken.book
        document = book.model_dump_json(include={"prices"})
        with db.transaction():
            state = db.one(LockedBook, "lock_price_book")
            # An older book must not undo another one: the shipped file then only fills gaps.
            fills_only = taken.fallback is not None and state.location not in (None, SHIPPED)
            complete = book.complete and not fills_only
            compared = db.one(Comparison, "compare_price_book", book=document, complete=complete)
            made = plan(book.prices, compared, fills_only=fills_only)
            for each in (*made.versions, *made.held):
                each.sources = each.sources or ([book.source] if book.source else [])
            # An event has only some prices. The earlier book is read again, whatever its entity
            # tag.
            remembered = taken.remembered_as if complete else state.location
            db.run(
                "apply_price_book",
                versions=VERSIONS.dump_json(made.versions).decode(),
                held=HOLDS.dump_json(made.held).decode(),
                still_held=made.still_held,
                models=_models(book) if not fills_only else "[]",
                complete=complete,
                in_book=book.complete,
                origin=f"{book.title}, from {taken.location}",
                location=remembered,
                etag=taken.etag if complete else None,
                entry_count=_to_apply(book, made) if complete else None,
                **self._origin.parameters,
            )
        return self._reported(_counts(book, made, taken.fallback), taken, made)

    def _reported(self, counts: SeedCounts, taken: TakenBook, made: Plan) -> SeedCounts:
        """Return the counts, after one log line and the metrics of held changes and fallback."""
        rest = taken.not_read
        count_price_book(
            held=counts.held, newly_held=len(made.held), fell_back=taken.fallback is not None
        )
        log = logger().warning if counts.held or taken.fallback else logger().info
        log(
            "price book",
            request_id=self._origin.request_id,
            **counts.model_dump(),
            title=taken.book.title if taken.book else None,
            taken_from=taken.location,
            not_modified=taken.book is None,
            reasons=dict(made.reasons),
            left_out=counts_by_reason(rest) if rest else {},
        )
        if rest is None:
            return counts
        return MapCounts(
            **counts.model_dump(),
            left_out=rest.left_out,
            left_out_count=rest.left_out_count,
            unread_fields=rest.fields,
        )


def _models(book: PriceBook) -> str:
    names = {(each.provider, each.model) for each in book.prices}
    return json.dumps([{"provider": provider, "model": model} for provider, model in sorted(names)])


def _to_apply(book: PriceBook, made: Plan) -> int:
    return sum(each.held is None for each in book.prices) - made.not_applied


def _counts(book: PriceBook, made: Plan, fallback: str | None) -> SeedCounts:
    return SeedCounts(
        inserted=made.inserted,
        updated=made.updated,
        unchanged=_to_apply(book, made) - made.inserted - made.updated - made.withheld,
        held=len(made.held) + len(made.still_held),
        withdrawn=made.withdrawn,
        fallback=fallback,
    )
