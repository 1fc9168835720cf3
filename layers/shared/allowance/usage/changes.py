"""What has to be rated again: find the models whose usage may cost something else now.

A new version of a price leads to two passes over the usage of its models. The first pass begins at
once. A batch that read the old price may be written after it, so a second pass, SETTLING later,
reads usage that was recorded since the version. A changed alias leads to both too, over usage of
every name that it matches. Other code leads to passes over usage without a cost, because better
rules may find a price for it. A run without any of these reads one row.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.prices.alias_models import PATTERN_MARK
from allowance.usage.look_ups import candidates_of
from allowance.usage.records import FIRST_MOMENT

SETTLING = timedelta(hours=1)
"""Longer than a batch takes from reading its prices until it is committed."""

NAMES = 1000
"""Models per page."""

PACKAGE = Path(__file__).parents[1]
FOLDERS = ("prices", "usage", "usage/reading")


class RatingState(Row):
    """What rerating has taken into account, and what there is: numbers of versions of prices and of
    changes of aliases.

    All versions up to `settling_version_id` are older than SETTLING. `rules_changed_at` is None
    once the second pass for the current code was requested.
    """

    seen_version_id: int
    settled_version_id: int
    latest_version_id: int
    settling_version_id: int
    rules: str
    rules_changed_at: datetime | None
    now: datetime


class UsedModel(Row):
    """A model as it was sent."""

    provider: str
    model: str


class ChangedPrice(UsedModel):
    """A model with new versions of its price, or an alias that is new or has another price. It
    matters to usage from `since` on that was recorded since `recorded_since`.
    """

    is_alias: bool
    since: datetime
    recorded_since: datetime


class Span(NamedTuple):
    """The usage that a pass reads: from `since` on, recorded since `recorded_since`."""

    since: datetime
    recorded_since: datetime


ALL = Span(FIRST_MOMENT, FIRST_MOMENT)


@cache
def rules() -> str:
    """Return a digest of the code that reads usage, finds prices and computes costs."""
    files = sorted(each for folder in FOLDERS for each in PACKAGE.glob(f"{folder}/*.py"))
    return sha256(b"".join(each.read_bytes() for each in files)).hexdigest()


def request_passes(db: Handle) -> None:
    """Request a pass for each model whose usage may cost something else since the last run.

    If this ends early, the next run repeats it.
    """
    state = db.one(RatingState, "get_usage_rating", settling=SETTLING)
    are_rules_new = state.rules != rules()
    are_rules_settled = (
        state.rules_changed_at is not None and state.now - state.rules_changed_at >= SETTLING
    )
    unsettled = min(state.seen_version_id, state.settling_version_id)
    if state.latest_version_id > state.seen_version_id or unsettled > state.settled_version_id:
        _request_for_prices(db, state)
    elif not (are_rules_new or are_rules_settled):
        return
    if are_rules_new or are_rules_settled:
        for page in _used_models(db, unpriced_only=True):
            _request(db, {(each.provider, each.model): ALL for each in page}, unpriced_only=True)
    changed_at = (
        state.now if are_rules_new else None if are_rules_settled else state.rules_changed_at
    )
    db.run(
        "set_usage_rating",
        seen=state.latest_version_id,
        settled=state.settling_version_id,
        rules=rules(),
        rules_changed_at=changed_at,
    )


def _request_for_prices(db: Handle, state: RatingState) -> None:
    changed = db.many(
        ChangedPrice,
        "list_changed_prices",
        seen=state.seen_version_id,
        settled=state.settled_version_id,
        latest=state.latest_version_id,
        settling_version=state.settling_version_id,
        settling=SETTLING,
        first=FIRST_MOMENT,
    )
    spans: dict[bool, dict[tuple[str, str], Span]] = {False: {}, True: {}}
    for each in changed:
        # Names of prices compare without regard to case, by Postgres' rule. This rule joins more.
        name = each.provider.lower(), each.model.lower()
        of_kind = spans[each.is_alias]
        of_kind[name] = _joined([Span(each.since, each.recorded_since), of_kind.get(name)])
    for page in _used_models(db, unpriced_only=False):
        found: dict[tuple[str, str], Span] = {}
        for used in page:
            names = (
                (each.provider.lower(), each.model.lower())
                for each in candidates_of(used.provider, used.model)
            )
            names_of_aliases = _aliases(used) if spans[True] else ()
            of_model = [
                *(spans[False][name] for name in names if name in spans[False]),
                *(spans[True][name] for name in names_of_aliases if name in spans[True]),
            ]
            if of_model:
                found[used.provider, used.model] = _joined(of_model)
        _request(db, found, unpriced_only=False)


def _aliases(used: UsedModel) -> Iterator[tuple[str, str]]:
    """Yield each name that an alias of the model can have: its own, and all patterns of it."""
    provider, model = used.provider.lower(), used.model.lower()
    yield provider, model
    yield from ((provider, f"{model[:length]}{PATTERN_MARK}") for length in range(len(model) + 1))


def _joined(spans: Iterable[Span | None]) -> Span:
    given = [each for each in spans if each is not None]
    return Span(min(each.since for each in given), min(each.recorded_since for each in given))


def _used_models(db: Handle, *, unpriced_only: bool) -> Iterator[list[UsedModel]]:
    after = UsedModel(provider="", model="")
    while True:
        page = db.many(
            UsedModel,
            "list_used_models",
            unpriced_only=unpriced_only,
            after_provider=after.provider,
            after_model=after.model,
            limit=NAMES,
        )
        if page:
            yield page
        if len(page) < NAMES:
            return
        after = page[-1]


def _request(db: Handle, spans: dict[tuple[str, str], Span], *, unpriced_only: bool) -> None:
    if spans:
        db.run(
            "request_rating_passes",
            providers=[provider for provider, _ in spans],
            models=[model for _, model in spans],
            sinces=[each.since for each in spans.values()],
            recorded_sinces=[each.recorded_since for each in spans.values()],
            unpriced_only=unpriced_only,
        )
