"""What the deployment says about calls without a price: the default, and what is refused."""

import pytest

from allowance.prices.terms import MAX_PRICE_MICROS
from allowance.reservations.policy_models import UnpricedTerms
from allowance.reservations.settings import unpriced_default
from allowance.settings import BadSetting
from tests.conftest import environment

IN, OUT = "ASSUMED_INPUT_PRICE", "ASSUMED_OUTPUT_PRICE"


@pytest.mark.parametrize(
    ("variables", "terms"),
    [
        ({}, ("deny", None, None)),
        ({"UNPRICED_MODELS": "", IN: "", OUT: ""}, ("deny", None, None)),
        ({"UNPRICED_MODELS": "deny"}, ("deny", None, None)),
        ({"UNPRICED_MODELS": "allow"}, ("allow", None, None)),
        ({"UNPRICED_MODELS": "assume", IN: "3", OUT: "15"}, ("assume", 3, 15)),
        (
            {"UNPRICED_MODELS": "assume", IN: "0", OUT: str(MAX_PRICE_MICROS)},
            ("assume", 0, MAX_PRICE_MICROS),
        ),
    ],
)
def test_a_deployment_denies_unless_it_says_otherwise(
    variables: dict[str, str], terms: tuple[str, int | None, int | None]
) -> None:
    with environment(**variables):
        found = unpriced_default()
    assert isinstance(found, UnpricedTerms)
    assert (found.unpriced, found.assumed_input_price, found.assumed_output_price) == terms


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"UNPRICED_MODELS": "Deny"}, "UNPRICED_MODELS"),
        ({"UNPRICED_MODELS": "no"}, "UNPRICED_MODELS"),
        ({"UNPRICED_MODELS": "assume"}, IN),
        ({"UNPRICED_MODELS": "assume", IN: "1"}, OUT),
        ({"UNPRICED_MODELS": "assume", OUT: "1"}, IN),
        ({"UNPRICED_MODELS": "allow", IN: "1"}, IN),
        ({OUT: "1"}, OUT),
        *(
            ({"UNPRICED_MODELS": "assume", IN: "1", OUT: wrong}, OUT)
            for wrong in ("-1", "1.0", "1e3", " 1", "²", "٣", str(MAX_PRICE_MICROS + 1), "9" * 5000)
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(variables: dict[str, str], word: str) -> None:
    with environment(**variables), pytest.raises(BadSetting, match=f"^{word} must be "):
        unpriced_default()
