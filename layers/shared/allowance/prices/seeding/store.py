"""SeedPrices' writes: bring the default prices to a book, as far as nobody has to look
at it first.
"""

import json

from pydantic import TypeAdapter

from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_price_book
from allowance.prices.book import PriceBook
from allowance.prices.models import LockedBook
from allowance.prices.seeding.changes import Comparison
from allowance.prices.seeding.plan import Plan, PlannedHold, PlannedVersion, plan
from allowance.prices.seeding.source import SHIPPED, TakenBook
from allowance.rbac.policy import PRICE_BOOK, Action

VERSIONS = TypeAdapter(list[PlannedVersion])
HOLDS = TypeAdapter(list[PlannedHold])


class BookState(LockedBook):
    """What is remembered of the last complete book: its prices, and the changes that wait, its own
    among them apart.
    """

    entries: int
    held: int
    withheld: int


class SeedCounts(Row):
    """What seeding did to the default prices, in entries; `withdrawn` counts models, `held` changes
    that wait.

    `fallback` says why the shipped file was taken where another book was asked for.
    """

    inserted: int
    updated: int
    unchanged: int
    held: int
    withdrawn: int
    fallback: str | None = None


class SeedingStore(Store):
    """Model prices, as a system actor may change them."""

    def known_etag(self, location: str) -> str | None:
        """The entity tag of the last book, if it is remembered as from there. Raises
        NotAuthorized.
        """
        state = self._gate.open(Action.UPDATE, PRICE_BOOK).one(BookState, "get_price_book")
        return state.etag if state.location == location else None

    def seed_prices(self, taken: TakenBook) -> SeedCounts:
        """Bring the default prices to the book. Idempotent; one transaction, all or nothing. Raises
        Forbidden.
        """
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        if taken.book is None:
            state = db.one(BookState, "get_price_book")
            unchanged = state.entries - state.withheld
            counts = SeedCounts(
                inserted=0, updated=0, unchanged=unchanged, held=state.held, withdrawn=0
            )
            return self._told(counts, taken, Plan())
        book = taken.book
        document = book.model_dump_json(include={"prices"})
        with db.transaction():
            state = db.one(LockedBook, "lock_price_book")
            # What another book said is not taken back by an older one: then the file fills gaps
            # only.
            fills_only = taken.fallback is not None and state.location not in (None, SHIPPED)
            complete = book.complete and not fills_only
            compared = db.one(Comparison, "compare_price_book", book=document, complete=complete)
            made = plan(book.prices, compared, fills_only=fills_only)
            for each in (*made.versions, *made.held):
                each.sources = each.sources or ([book.source] if book.source else [])
            # An event is about some prices: the book of before is read again, whatever its entity
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
                entry_count=sum(each.held is None for each in book.prices) if complete else None,
                **self._origin.parameters,
            )
        return self._told(_counts(book, made, taken.fallback), taken, made)

    def _told(self, counts: SeedCounts, taken: TakenBook, made: Plan) -> SeedCounts:
        """One line of the log, and metrics of what is held and whether the shipped file
        had to do.
        """
        count_price_book(
            held=counts.held, newly_held=len(made.held), fell_back=taken.fallback is not None
        )
        tell = logger().warning if counts.held or taken.fallback else logger().info
        tell(
            "price book",
            request_id=self._origin.request_id,
            **counts.model_dump(),
            title=taken.book.title if taken.book else None,
            taken_from=taken.location,
            not_modified=taken.book is None,
            reasons=dict(made.reasons),
        )
        return counts


def _models(book: PriceBook) -> str:
    names = {(each.provider, each.model) for each in book.prices}
    return json.dumps([{"provider": provider, "model": model} for provider, model in sorted(names)])


def _counts(book: PriceBook, made: Plan, fallback: str | None) -> SeedCounts:
    to_apply = sum(each.held is None for each in book.prices)
    return SeedCounts(
        inserted=made.inserted,
        updated=made.updated,
        unchanged=to_apply - made.inserted - made.updated - made.withheld,
        held=len(made.held) + len(made.still_held),
        withdrawn=made.withdrawn,
        fallback=fallback,
    )
