"""The warning about a limit below one cent, of every route that sets or shows one."""

import pytest

from tests.gateway import Answer, Client
from tests.organization_budgets import BUDGETS, body
from tests.overrides import MAYA, limit
from tests.people import Acme

FINE = [0, 10_000]
SMALL = {1: "US$ 0.000001", 25: "US$ 0.000025", 9_999: "US$ 0.009999"}


def warnings(*answers: Answer) -> set[str | None]:
    assert all(answer.status in (200, 201) for answer in answers)
    return {answer.json().get("warning", "absent") for answer in answers}


def about(dollars: str) -> str:
    return (
        f"The limit is {dollars}. Limits are in micro-units of US dollars: 25000000 is US$ 25.00."
    )


@pytest.mark.parametrize(
    ("micros", "warning"),
    [(each, "absent") for each in FINE] + [(each, about(text)) for each, text in SMALL.items()],
)
def test_a_limit_below_one_cent_is_named_in_dollars(
    adam: Client, olivia: Client, acme: Acme, micros: int, warning: str
) -> None:
    group = acme.budget_path()
    set_, shown = adam.put(group, {"spend_limit_micros": micros}), adam.get(group)
    assert warnings(set_, shown) == {warning}
    set_, shown = olivia.put(MAYA, limit(acme, micros)), olivia.get(MAYA)
    assert warnings(set_, shown) == {warning}
    made = adam.post(BUDGETS, body(limit_micros=micros))
    shown, changed = adam.get(f"{BUDGETS}/all"), adam.put(f"{BUDGETS}/all", body(limit_micros=1))
    assert warnings(made, shown) == {warning}
    assert warnings(changed) == {about("US$ 0.000001")}
