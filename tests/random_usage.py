"""Random usage records of a few users, models and times: with other units, as aggregates, with a
stated cost, or with an object that is not read whole.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from allowance.contract.fields import rfc3339
from tests.surroundings import MODELS, USERS
from tests.usage import record

NOBODY = "nobody"
TO_COME = "2999-01-01T00:00:00Z"
MOMENTS = (
    "2026-08-31T23:59:59.999999Z",
    "2026-09-01T00:00:00Z",
    "2026-09-30T23:59:59.999999Z",
    "2026-10-01T00:00:00Z",
    "2026-10-01T00:30:00+01:00",
    "2026-10-25T02:30:00+02:00",
    "2026-10-31T20:00:00-04:00",
    "2026-11-20T10:00:00Z",
    TO_COME,
    *(rfc3339(datetime.now(UTC) + timedelta(minutes=each)) for each in (-1, 3)),
)
MYSTERY = "mystery_tokens"
"""A counter that no format knows."""


def counting(tokens: int, *, is_read: bool) -> dict[str, Any]:
    """The counts of a record, or a usage object that is not read whole."""
    if is_read:
        return {"tokens": {"input": tokens}}
    usage = {"prompt_tokens": tokens, MYSTERY: 1}
    return {"tokens": None, "usage_format": "openai", "usage": usage}


MORE = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.sampled_from([{"project": "a"}, {"project": "b", "env": "x"}]),
        "group": st.sampled_from(["platform", "globex/sales", "Everyone"]),
        "requests": st.integers(2, 500),
        "cost_usd": st.integers(0, 10**9).map(lambda picos: str(Decimal(picos).scaleb(-12))),
    },
)
"""What any record may state, with an object too."""

OTHERS = st.fixed_dictionaries(
    {}, optional={"input_audio": st.integers(1, 10**7), "web_searches": st.integers(1, 9)}
)


def with_others(made: dict[str, Any], others: dict[str, int]) -> dict[str, Any]:
    """The record with other units, if its counts are read."""
    if "usage" in made or not others:
        return made
    audio = {name: count for name, count in others.items() if name == "input_audio"}
    units = {name: count for name, count in others.items() if name != "input_audio"}
    return made | {"tokens": made["tokens"] | audio, "units": units}


RECORDS = st.builds(
    lambda number, user, model, moment, tokens, is_read, more, others: with_others(
        record(
            number,
            user=user,
            model=model,
            occurred_at=moment,
            **counting(tokens, is_read=is_read),
            **more,
        ),
        others,
    ),
    st.integers(1, 30),
    st.sampled_from((*USERS, NOBODY)),
    st.sampled_from(MODELS),
    st.sampled_from(MOMENTS),
    st.integers(0, 10**7),
    st.sampled_from((True, True, False)),
    MORE,
    OTHERS,
)


def micros_of(each: dict[str, Any]) -> Decimal:
    """The cost that a record states."""
    return Decimal(each["cost_usd"]).scaleb(6)


def said_by(each: dict[str, Any]) -> tuple[Any, ...]:
    """What the ledger keeps of a record: id, input, other units, requests, stated cost, labels."""
    tokens = each.get("tokens", {"input": 0})
    others = {name: count for name, count in tokens.items() if name != "input"}
    stated = micros_of(each).quantize(Decimal("1e-6")) if "cost_usd" in each else None
    units = others | each.get("units", {})
    return each["id"], tokens["input"], units, each.get("requests", 1), stated, each.get("labels")
