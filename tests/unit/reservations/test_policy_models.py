"""The body of a policy: what it takes, and which field a refusal names."""

from typing import Any

import pytest
from pydantic import ValidationError

from allowance.reservations.policy_models import PolicyTerms

ALLOW = {"unpriced": "allow"}
ASSUME = {"unpriced": "assume", "assumed_input_price": 3, "assumed_output_price": 15}
NO_PRICES = {"assumed_input_price": None, "assumed_output_price": None}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["unpriced"]),
        ({"unpriced": None}, ["unpriced"]),
        ({"unpriced": "Deny"}, ["unpriced"]),
        ({"unpriced": "refuse"} | ASSUME | {"unpriced": "refuse"}, ["unpriced"]),
        ({"unpriced": "assume"}, ["assumed_input_price", "assumed_output_price"]),
        (ASSUME | {"assumed_output_price": None}, ["assumed_output_price"]),
        (ASSUME | {"assumed_input_price": -1}, ["assumed_input_price"]),
        (ASSUME | {"assumed_input_price": 10**12 + 1}, ["assumed_input_price"]),
        (ASSUME | {"assumed_input_price": 1.0}, ["assumed_input_price"]),
        (ASSUME | {"assumed_input_price": "1"}, ["assumed_input_price"]),
        (ASSUME | {"assumed_input_price": True}, ["assumed_input_price"]),
        (ASSUME | ALLOW, ["assumed_input_price", "assumed_output_price"]),
        ({"unpriced": "deny", "assumed_output_price": 0}, ["assumed_output_price"]),
        (ALLOW | {"assumed_cache_price": 1}, ["assumed_cache_price"]),
    ],
)
def test_terms_that_make_no_sense_are_refused(body: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        PolicyTerms.model_validate(body)
    problems = PolicyTerms.refusal(refused.value).problems
    assert [each.field for each in problems] == fields


def test_prices_are_stated_where_they_are_assumed() -> None:
    for body in (ALLOW, ALLOW | NO_PRICES, {"unpriced": "deny"}):
        assert dict(PolicyTerms.model_validate(body)) == body | NO_PRICES
    assert dict(PolicyTerms.model_validate(ASSUME)) == ASSUME
    free = ASSUME | {"assumed_output_price": 0}
    assert dict(PolicyTerms.model_validate(free)) == free
