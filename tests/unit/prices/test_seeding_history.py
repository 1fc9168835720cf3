"""What a new model cost before comes with its current price, and is not judged as a move."""

from typing import Any

import pytest

from allowance.prices.book import BookEntry
from allowance.prices.seeding.changes import Comparison, PriceDifference
from allowance.prices.seeding.outcome import Plan
from allowance.prices.seeding.plan import plan
from allowance.prices.terms import PriceTerms

PAST, SINCE = 400_000, 1_500_000
"""mistral-medium-latest until 16 June 2026, and since then: 3.75 times as much."""


def terms(price: int) -> PriceTerms:
    return PriceTerms(input_price=price)


def entry(price: int, start: str | None = None, **more: Any) -> BookEntry:
    stated = {"provider": "p", "model": "m", "input_price": price, "effective_from": start}
    return BookEntry.model_validate(stated | more)


def difference(n: int, start: str | None = None, **more: Any) -> PriceDifference:
    stated: dict[str, Any] = {
        "n": n, "provider": "p", "model": "m", "effective_from": start, "starts": start or "ever",
        "before": None, "was_withdrawn": False, "is_present": False, "is_past": False,
        "decisions": [],
    }  # fmt: skip
    return PriceDifference.model_validate(stated | more)


DAY, SOON = "2026-06-16T00:00:00Z", "2099-01-01T00:00:00Z"


def planned(entries: list[BookEntry], *more: PriceDifference, priced: int = 100) -> Plan:
    """The plan of a new model whose second entry states the current price."""
    differences = [difference(0, is_past=True), difference(1, DAY, is_present=True), *more]
    return plan(entries, Comparison(known=0, priced=priced, differences=differences))


def written(made: Plan) -> list[tuple[str, int | None]]:
    return sorted((each.effective_from, each.terms.input_price) for each in made.versions)


def test_a_step_of_the_history_is_no_move() -> None:
    made = planned([entry(PAST), entry(SINCE, DAY)])
    assert written(made) == [(DAY, SINCE), ("ever", PAST)]
    assert (made.inserted, made.held, made.not_applied) == (2, [], 0)


def test_a_future_price_is_compared_with_the_current_one() -> None:
    soon = difference(2, SOON)
    assert planned([entry(PAST), entry(SINCE, DAY), entry(3 * SINCE, SOON)], soon).held == []
    made = planned([entry(PAST), entry(SINCE, DAY), entry(PAST, SOON)], soon)
    assert [each.reasons for each in made.held] == [
        ["input_price: moves by more than a factor of 3 from 1500000 to 400000"]
    ]


@pytest.mark.parametrize(("past", "since"), [(1, SINCE), (PAST, 1)])
def test_an_implausible_history_or_current_price_leaves_it_out(past: int, since: int) -> None:
    made = planned([entry(past), entry(since, DAY)])
    # An owner approves prices from now on, so a past one is never held.
    assert [each.proposed for each in made.held] == ([] if past == 1 else [terms(since)])
    assert written(made) == ([(DAY, since)] if past == 1 else [])
    assert (made.not_applied, made.reasons["a past price is left out"]) == (1, 1)


def test_a_dispute_about_the_current_price_is_about_no_past_one() -> None:
    dispute = entry(SINCE + 1, held={"reason": "another source"})
    made = planned([entry(PAST), entry(SINCE, DAY), dispute], difference(2, is_present=True))
    assert written(made) == [(DAY, SINCE), ("ever", PAST)]
    (held,) = made.held
    assert (held.before, held.proposed) == (terms(SINCE), terms(SINCE + 1))


def test_a_known_price_that_moves_at_a_date_is_held_if_it_is_disputed() -> None:
    entries = [entry(2 * SINCE, DAY), entry(SINCE + 1, held={"reason": "another source"})]
    moved = difference(0, DAY, before=terms(SINCE), is_present=True)
    made = plan(entries, Comparison(known=1, priced=100, differences=[moved]))
    assert [each.reasons for each in made.held] == [["the sources of this price disagree"]]


def test_a_past_price_of_a_known_model_is_a_move_of_recorded_usage() -> None:
    restated = difference(0, DAY, before=terms(PAST), is_past=True)
    made = plan([entry(SINCE, DAY)], Comparison(known=1, priced=100, differences=[restated]))
    assert (made.versions, len(made.held)) == ([], 1)
