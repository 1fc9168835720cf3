"""A plain batch becomes the same entries and results by columns as one by one."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from allowance.prices.terms import PriceTerms
from allowance.usage.changing import Changes
from allowance.usage.columns import columns_of
from allowance.usage.deciding import decide, decide_plain
from allowance.usage.entries import UsageUser
from allowance.usage.fast_path import plain_columns, plain_usages
from allowance.usage.rating import UsagePrice, UsagePrices
from allowance.usage.settling import NOBODY, Settling
from allowance.usage.unknown import NO_RULES

START = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 2, tzinfo=UTC)
FLAT = {"input_price": 3_000_000, "output_price": 15_000_001}
TERMS = {
    "flat": [FLAT],
    "partial": [{"input_price": 3_000_000}],
    "tiered": [FLAT | {"tiers": [FLAT | {"above_input_tokens": 100}]}],
    "changed": [FLAT, FLAT | {"input_price": 1}],
    "batched": [FLAT | {"variants": {"batch": FLAT}}],
    "none": [None],
}
NAMES = [("openai", model) for model in TERMS]
PRICES = UsagePrices(
    NAMES,
    [
        UsagePrice(
            place=place,
            starts=(START, LATER)[number],
            provider="openai",
            model=model,
            version_id=None if terms is None else 10 * place + number,
            terms=None if terms is None else PriceTerms.model_validate(terms),
            free=False,
        )
        for place, (model, versions) in enumerate(TERMS.items())
        for number, terms in enumerate(versions)
    ],
)


def user(name: str, group: str | None, id_: str) -> UsageUser:
    return UsageUser(
        name=name,
        named_group=group,
        user_id=id_,
        group_id=f"group of {group}",
        organization_id="organization",
        spend_limit_micros=None,
        limit_source=None,
    )


USERS = [
    user("maya", None, "1"),
    user("maya", "platform", "1"),
    user("otto", None, "2"),
    user("twins", None, "3"),
    user("twins", None, "4"),
]
RECORDS = st.fixed_dictionaries(
    {
        "source": st.just("gateway"),
        "id": st.integers(1, 40).map(str),
        "user": st.sampled_from(["maya", "maya", "otto", "twins", "nobody"]),
        "provider": st.just("openai"),
        "model": st.sampled_from(["flat", "flat", *TERMS]),
        "occurred_at": st.sampled_from(["2026-11-01T00:00:00Z", "2026-11-03T10:00:00.5Z"]),
        "tokens": st.fixed_dictionaries(
            {"input": st.integers(0, 10**12)}, optional={"output": st.integers(0, 10**12)}
        ),
    },
    optional={
        "group": st.sampled_from(["platform", "research"]),
        "labels": st.just({"project": "search"}),
        "variant": st.sampled_from(["batch", None]),
    },
)


@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_columns_become_what_single_usages_become(records: list[dict[str, object]]) -> None:
    columns = plain_columns(records)
    assert columns is not None
    assert [*columns.usages()] == plain_usages(records)
    plain = decide_plain(columns, USERS, PRICES)
    if plain is None:
        return
    decided = decide(
        dict(enumerate(columns.usages())),
        USERS,
        {},
        PRICES,
        (),
        Settling((), NOBODY),
        Changes((), NOBODY),
        NO_RULES,
    )
    entries, results = plain
    assert [*map(tuple, entries)] == [*map(tuple, columns_of(decided.entries))]
    assert dict(enumerate(results)) == decided.results


def test_only_what_is_plain_is_decided_by_columns() -> None:
    base = {
        "source": "gateway",
        "id": "1",
        "user": "maya",
        "provider": "openai",
        "model": "flat",
        "occurred_at": "2026-11-01T00:00:00Z",
        "tokens": {"input": 1},
    }

    def is_plain(*changes: dict[str, object]) -> bool:
        columns = plain_columns([base | change for change in changes])
        assert columns is not None
        return decide_plain(columns, USERS, PRICES) is not None

    assert is_plain({}, {"id": "2", "group": "platform"})
    assert not is_plain({}, {})
    for change in (
        {"user": "nobody"},
        {"user": "twins"},
        {"group": "research"},
        {"variant": "batch", "model": "batched"},
        {"model": "partial", "tokens": {"output": 1}},
        {"model": "tiered"},
        {"model": "changed"},
        {"model": "none"},
        {"tokens": {"input": 10**12, "output": 10**12}},
    ):
        assert not is_plain({}, {"id": "2"} | change), change
