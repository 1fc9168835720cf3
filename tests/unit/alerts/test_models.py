"""A spend alert: exact money, and a message that every receiver accepts."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from allowance.alerts.models import Alert
from allowance.alerts.texts import text_of
from tests.made_alerts import MAYA, alert, notice


def test_the_examples_in_the_guide_are_real_messages() -> None:
    guide = (Path(__file__).parents[3] / "docs/alerts.md").read_text()
    examples = [
        json.loads(each)
        for each in re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
        if "raised_at" in each
    ]
    assert [each["kind"] for each in examples] == ["threshold", "unpriced_models"]
    for example in examples:
        assert Alert.model_validate_json(json.dumps(example)).document() == example


def test_the_message_has_every_field_whatever_the_kind() -> None:
    assert alert().document().keys() == notice().document().keys() == Alert.model_fields.keys()


@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=255))
def test_a_message_is_ascii(name: str) -> None:
    made = alert(group_name=name, organization_name=name, budget_name=name)
    assert made.message().isascii()
    assert json.loads(made.message())["group_name"] == name


def test_a_message_of_the_longest_names_fits_both_receivers() -> None:
    """SNS and EventBridge take 256 KiB: the longest names of ten models and twenty admins fit."""
    long, used = "\U0001f600" * 255, {"usage_count": 1 << 62, "tokens": 10**30}
    made = notice(
        models=[{"provider": long, "model": long} | used] * 10,
        admins=[{"username": "a" * 64, "email": f"{'a' * 300}@acme.example"}] * 20,
        group_name=long,
        organization_name=long,
    )
    by_protocol = {"default": made.message(), "email": text_of(made)}
    assert len(json.dumps(by_protocol)) < 256 * 1024


def test_the_text_is_exact_and_the_message_whole() -> None:
    made = alert(spent_micros=Decimal("21250000.500001"))
    assert '"spent_micros": 21250001,' in made.message()


def test_alerts_of_one_budget_or_allowance_have_an_order() -> None:
    def key(**changes: Any) -> str:
        return alert(**changes).ordering_key

    budget = {"budget_kind": "budget", "limit_source": None, "budget_name": "all"}
    id_ = "770c105b-7660-409f-b893-15370afaf43a"
    assert key() == str(MAYA)
    assert key(**budget, budget_id=id_) == id_
    assert notice().ordering_key == str(notice().organization_id)
