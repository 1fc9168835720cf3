"""The rules of holding, without a database: moves, new prices, and decisions of an owner."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.prices.book import BookEntry
from allowance.prices.seeding.changes import Comparison, Decision, PriceDifference
from allowance.prices.seeding.moves import moves, new_rates
from allowance.prices.seeding.outcome import Plan
from allowance.prices.seeding.plan import plan
from allowance.prices.seeding.plausibility import THRESHOLDS
from allowance.prices.terms import RATES, PriceTerms


def terms(**rates: Any) -> PriceTerms:
    return PriceTerms.model_validate(rates)


def entry(**stated: Any) -> BookEntry:
    return BookEntry.model_validate({"provider": "p", "model": "m"} | stated)


def difference(
    before: PriceTerms | None, n: int | None = 0, *decisions: Decision
) -> PriceDifference:
    return PriceDifference(
        n=n, provider="p", model="m", effective_from=None, starts="now", before=before,
        was_withdrawn=False, is_present=True, is_past=False, decisions=list(decisions),
    )  # fmt: skip


def planned(entries: list[BookEntry], *differences: PriceDifference, **more: Any) -> Plan:
    return plan(entries, Comparison(known=1, priced=1, differences=list(differences)), **more)


def decided(before: PriceTerms | None, proposed: PriceTerms, decision: Any) -> Decision:
    return Decision(
        id=UUID(int=1), effective_from=None, before=before, proposed=proposed, decision=decision
    )


rates = st.none() | st.integers(0, 10**12)
all_terms = (
    st.tuples(*[rates] * 5)
    .filter(lambda values: values != (None,) * 5)
    .map(lambda values: terms(**dict(zip(RATES, values, strict=True))))
)


def test_terms_with_nulls_equal_terms_without_them() -> None:
    nulls: dict[str, Any] = dict.fromkeys(RATES) | {"unit_prices": {}}
    stored: dict[str, Any] = nulls | {
        "input_price": 1,
        "tiers": [nulls | {"above_input_tokens": 5, "input_price": 2}],
        "variants": {"batch": nulls | {"output_price": 3, "tiers": []}},
    }
    stated = entry(
        input_price=1,
        tiers=[{"above_input_tokens": 5, "input_price": 2}],
        variants={"batch": {"output_price": 3}},
    )
    assert PriceTerms.model_validate(stored) == stated.terms
    assert stated.terms.model_dump(mode="json") == stored
    assert entry(input_price=1).terms != stated.terms


@given(all_terms)
def test_nothing_moves_between_the_same_terms(stated: PriceTerms) -> None:
    assert list(moves(stated, stated, 3, 10, 32_000)) == []
    assert list(new_rates(stated, stated)) == []


@given(all_terms, all_terms)
def test_every_rate_that_differs_is_a_move_or_becomes_known(
    before: PriceTerms, after: PriceTerms
) -> None:
    moved = {move.path for move in moves(before, after, 3, 10, 32_000)}
    known = {path for path, _ in new_rates(before, after)}
    assert moved | known == {
        name
        for name, one, other in zip(RATES, before.prices, after.prices, strict=True)
        if one != other
    }
    assert not moved & known


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_move_passes_up_to_the_factor_both_ways(known: int, rate: int) -> None:
    found = [
        move.why is None
        for move in moves(terms(input_price=known), terms(input_price=rate), 3, 10, 32_000)
    ]
    assert found == ([] if known == rate else [rate <= 3 * known and known <= 3 * rate])


def test_a_tier_that_goes_is_compared_with_the_base_that_comes_instead() -> None:
    tiered = terms(input_price=10, tiers=[{"above_input_tokens": 5, "input_price": 100}])
    (gone,) = moves(tiered, terms(input_price=10), 3, 10, 32_000)
    assert gone.path == "tiers[5].input_price"
    assert gone.why is not None


@pytest.mark.parametrize(
    ("above", "rate", "passes"),
    [
        (32_000, 1000, True), (32_000, 1001, False), (31_999, 300, True), (31_999, 301, False),
        (200_000, 34, True), (200_000, 33, False), (1, 1, False), (200_000, 0, False),
    ],
)  # fmt: skip
def test_a_new_tier_is_compared_with_the_base_of_before(
    above: int, rate: int, passes: bool
) -> None:
    tiered = terms(input_price=100, tiers=[{"above_input_tokens": above, "input_price": rate}])
    (new,) = moves(terms(input_price=100), tiered, 3, 10, 32_000)
    assert (new.why is None) is passes
    made = planned(
        [entry(**tiered.model_dump())],
        difference(None),
    )
    assert (not made.held) is passes, "and of a new model with the base that comes with it"


def test_a_price_that_an_owner_rejected_is_not_proposed_again() -> None:
    before, proposed = terms(input_price=10), terms(input_price=100)
    made = planned(
        [entry(input_price=100)], difference(before, 0, decided(before, proposed, "rejected"))
    )
    assert (made.versions, made.held, made.withheld) == ([], [], 0)


def test_a_price_that_waits_stays_waiting_even_if_it_could_pass() -> None:
    before, proposed = terms(input_price=10), terms(input_price=11)
    made = planned([entry(input_price=11)], difference(before, 0, decided(before, proposed, None)))
    assert (made.versions, made.still_held, made.withheld) == ([], [UUID(int=1)], 1)


def test_a_price_that_returns_to_its_value_before_an_approval_is_a_change() -> None:
    before, proposed = terms(input_price=20), terms(input_price=10)
    made = planned(
        [entry(input_price=10)], difference(before, 0, decided(proposed, before, "approved"))
    )
    assert made.updated == 1


def test_where_gaps_are_filled_only_nothing_known_changes() -> None:
    entries = [entry(input_price=11), entry(model="n", input_price=1)]
    new = difference(None, 1).model_copy(update={"model": "n"})
    made = planned(entries, difference(terms(input_price=10)), new, fills_only=True)
    assert [each.model for each in made.versions] == ["n"]


def test_a_book_in_doubt_still_withdraws_since_that_changes_no_price() -> None:
    entries = [entry(model=f"m{n}", input_price=1) for n in range(THRESHOLDS.sample)]
    new = [
        difference(None, n).model_copy(update={"model": f"m{n}"}) for n in range(THRESHOLDS.sample)
    ]
    gone = terms(input_price=10)
    made = planned(entries, *new, difference(gone, None))
    assert (made.withdrawn, made.inserted, made.withheld) == (1, 0, THRESHOLDS.sample)
    assert [(each.terms, each.withdrawn) for each in made.versions] == [(gone, True)]
    assert all("no plausible median" in each.reasons[0] for each in made.held)


@pytest.mark.parametrize("priced", [0, THRESHOLDS.sample])
def test_a_new_price_is_held_against_a_distribution_only(priced: int) -> None:
    comparison = Comparison(known=0, priced=priced, differences=[difference(None)])
    assert bool(plan([entry(input_price=1)], comparison).held) == (priced >= THRESHOLDS.sample)
