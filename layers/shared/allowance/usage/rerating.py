"""RerateUsage's writes: corrections to what usage costs at the current prices.

A correction is another entry, in the period of its usage: the difference to the sum that is booked
already. Its key is the corrected entry and the number of its corrections. So only one of two
concurrent runs books it, and a repeated run books nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.errors import UsageKeyTaken, UsageOutOfRange
from allowance.prices.cost import Tokens
from allowance.prices.terms import Variant
from allowance.rbac.policy import USAGE, Action
from allowance.usage.ledger import Entry, write
from allowance.usage.rating import Attribution, Rated, UsagePrices
from allowance.usage.recording import call_of_keys, call_of_prices, call_of_users, candidates_of
from allowance.usage.records import OWN_SOURCE, Usage, key_digest_of

PAGE = 1000


class RatingState(Row):
    """The time up to which prices are taken into account, and the current time."""

    rated_until: datetime
    now: datetime


class ChangedPrice(Row):
    """A model, in lower case, whose price has a new version."""

    provider: str
    model: str


class UsedModel(Row):
    """A model as it was sent, and the number of its usages without a cost."""

    provider: str
    model: str
    unpriced_usage_count: int


class BookedUsage(Row):
    """The entry of a usage, the sum booked for it, and the number of its corrections.

    The sum is None while the usage has no cost.
    """

    id: int
    user_id: str
    group_id: str
    organization_id: str
    provider: str
    model: str
    variant: Variant | None
    occurred_at: datetime
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    booked_micros: int | None
    corrections: int


class RerateCounts(Row):
    """The counts of a run: usages examined, corrections booked, and the sum of the corrections."""

    examined: int
    corrected: int
    difference_micros: int


class UsageRerater(Store):
    """Corrections of the ledger, by a system actor."""

    def rerate(self) -> RerateCounts:
        """Rate again each usage without a cost, or of a model whose price changed since the last
        run. Return the counts.

        Idempotent. A usage whose price is gone keeps its cost. Raise NotAuthorized.
        """
        db = self._gate.open(Action.UPDATE, USAGE)
        state = db.one(RatingState, "get_usage_rating")
        prices = db.many(ChangedPrice, "list_changed_prices", rated_until=state.rated_until)
        changed = {(each.provider, each.model) for each in prices}
        examined = corrected = difference = 0
        for used in db.many(UsedModel, "list_used_models"):
            names = {
                (each.provider.lower(), each.model.lower())
                for each in candidates_of(used.provider, used.model)
            }
            has_changed = not names.isdisjoint(changed)
            if not has_changed and not used.unpriced_usage_count:
                continue
            for page in _pages(db, used, unpriced_only=not has_changed):
                entries = _corrections(db, used, page)
                examined += len(page)
                booked = _book(db, entries)
                corrected += len(booked)
                difference += sum(each.rated.cost_micros or 0 for each in booked)
        db.run("set_usage_rating", rated_until=state.now)
        return RerateCounts(examined=examined, corrected=corrected, difference_micros=difference)


def _book(db: Handle, entries: list[Entry]) -> list[Entry]:
    """Write the corrections that no other run has booked, and return them."""
    while entries:
        users = db.rows_of(call_of_users({each.attribution.user_id for each in entries}))
        try:
            write(db, entries, users)
        except UsageKeyTaken:
            known = {
                each.key_digest for each in db.rows_of(call_of_keys(each.usage for each in entries))
            }
            if not known:
                raise
            entries = [each for each in entries if each.usage.key_digest not in known]
        else:
            break
    return entries


def _pages(db: Handle, used: UsedModel, *, unpriced_only: bool) -> Iterator[list[BookedUsage]]:
    """Return the usages of a model in the order of the ledger, up to PAGE at a time."""
    last: BookedUsage | None = None
    while True:
        page = db.many(
            BookedUsage,
            "list_booked_usage",
            provider=used.provider,
            model=used.model,
            unpriced_only=unpriced_only,
            after_organization=last and last.organization_id,
            after_moment=last and last.occurred_at,
            after_entry=last and last.id,
            limit=PAGE,
        )
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1]


def _corrections(db: Handle, used: UsedModel, page: list[BookedUsage]) -> list[Entry]:
    """Return the entries that bring the usages of a page to their current cost."""
    name = used.provider, used.model
    times = [each.occurred_at for each in page]
    query = call_of_prices({name: (min(times), max(times))})
    prices = UsagePrices([name], db.rows_of(query))
    entries: list[Entry] = []
    for booked in page:
        try:
            rated = prices.rate(*name, booked.variant, booked.occurred_at, _tokens(booked))
        except UsageOutOfRange:
            continue  # The price is a mistake. A run after its correction rates this usage.
        if rated.cost_micros is None or rated.cost_micros == booked.booked_micros:
            continue
        entries.append(_correction(booked, rated, rated.cost_micros))
    return entries


def _tokens(booked: BookedUsage) -> Tokens:
    return Tokens(
        booked.input_tokens,
        booked.output_tokens,
        booked.cache_read_tokens,
        booked.cache_write_tokens,
        booked.cache_write_1h_tokens,
    )


def _correction(booked: BookedUsage, rated: Rated, cost_micros: int) -> Entry:
    key = f"{booked.id}/{booked.corrections + 1}"
    usage = Usage(
        source=OWN_SOURCE,
        id=key,
        key_digest=key_digest_of(OWN_SOURCE, key),
        user=booked.user_id,
        provider=booked.provider,
        model=booked.model,
        variant=booked.variant,
        occurred_at=booked.occurred_at,
        tokens=Tokens(),
        content_sha256=sha256(f"{key} {cost_micros}".encode()).digest(),
    )
    return Entry(
        usage,
        Attribution(booked.user_id, booked.group_id, booked.organization_id),
        Rated(cost_micros - (booked.booked_micros or 0), rated.price, rated.rates, rated.tier),
        corrects=booked.id,
        unpriced_count=-1 if booked.booked_micros is None else 0,
    )
