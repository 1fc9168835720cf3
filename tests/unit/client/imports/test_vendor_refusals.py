"""Reports of vendors that are not understood, are not whole or count something twice."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.imports import refusal, sample, vendor_rows


def pages(name: str, **changes: Any) -> str:
    """The sample's first page, with a change in its first bucket, or in the first result of it."""
    page = json.loads(sample(name).split("\n{")[0])
    for key, value in changes.items():
        place, _, inner = key.partition("__")
        target = {"page": page, "bucket": page["data"][0]}.get(place) or page["data"][0]["results"][
            0
        ]
        target[inner] = value
    return json.dumps({**page, "has_more": False} if "page__has_more" not in changes else page)


BUCKET = "page 1, bucket 1"
RESULT = f"{BUCKET}, result 1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pages("openai-usage.json", page__has_more=True), "page 1, has_more: More pages follow"),
        (pages("openai-usage.json", page__extra=1), "page 1: Is no page of this report."),
        (
            pages("openai-usage.json", bucket__results=None),
            f"{BUCKET}: Is no bucket of this report.",
        ),
        (pages("openai-usage.json", bucket__results=[1]), f"{BUCKET}, results: Is no bucket of"),
        (
            pages("openai-usage.json", bucket__start_time=None),
            f"{BUCKET}, start_time: must be a time",
        ),
        (
            pages("openai-usage.json", bucket__end_time=1793836800),
            f"{BUCKET}, end_time: must be inside of one day in UTC",
        ),
        (pages("openai-usage.json", result__object="x"), f"{RESULT}, object: must be one of"),
        (
            pages("openai-usage.json", result__video_tokens=1),
            f"{RESULT}, video_tokens: unknown field",
        ),
        (
            pages("openai-usage.json", result__input_cached_tokens=1001),
            f"{RESULT}, input_tokens: the parts are more than the whole (input)",
        ),
        (
            pages("openai-costs.json", result__amount={"value": 1, "currency": "eur"}),
            f"{RESULT}, amount.currency: must be usd",
        ),
        (
            pages("openai-costs.json", result__amount={"currency": "usd"}),
            f"{RESULT}, amount.value: req",
        ),
        (sample("openai-usage.json") * 2, "page 3, bucket 1, start_time: The same bucket is there"),
        (
            sample("openai-completions.csv") + sample("openai-completions.csv").split("\n")[1],
            "line 5, start_time: the same bucket is there twice",
        ),
    ],
)
def test_a_report_of_openai_is_whole_and_unambiguous(content: str, problem: str) -> None:
    assert refusal("openai", content)[0].startswith(problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            pages("anthropic-costs.json", result__amount=123.5),
            f"{RESULT}, amount: must be a decimal",
        ),
        (pages("anthropic-costs.json", result__currency="EUR"), f"{RESULT}, currency: must be USD"),
        (
            pages("anthropic-usage.json", result__cache_creation={"ephemeral_1d_input_tokens": 1}),
            f"{RESULT}, cache_creation.ephemeral_1d_input_tokens: unknown field",
        ),
        (
            pages("anthropic-usage.json", bucket__starting_at="2026-11-03T00:00:00"),
            f"{BUCKET}, starting_at: must have a time zone",
        ),
        (
            sample("anthropic-usage.csv") + sample("anthropic-usage.csv").split("\n")[1],
            "line 4, usage_date_utc: the same row is there twice",
        ),
    ],
)
def test_a_report_of_anthropic_is_whole_and_unambiguous(content: str, problem: str) -> None:
    assert refusal("anthropic", content)[0].startswith(problem)


NOTHING = "file: It has no usage and no cost: nothing to import."


def report(*buckets: str, name: str = "openai") -> str:
    """Pages of one bucket each, like `03T00 04T00`, of November 2026 in UTC."""
    made: list[dict[str, Any]] = []
    for each in buckets:
        start, end = (f"2026-11-{time}:00:00Z" for time in each.split())
        if name == "openai":
            times = [int(datetime.fromisoformat(time).timestamp()) for time in (start, end)]
            result = {"object": "organization.usage.completions.result", "input_tokens": 1}
            made.append({"start_time": times[0], "end_time": times[1], "results": [result]})
        else:
            result = {"uncached_input_tokens": 1, "output_tokens": 1}
            made.append({"starting_at": start, "ending_at": end, "results": [result]})
    last = len(made) - 1
    pages = [{"data": [each], "has_more": number < last} for number, each in enumerate(made)]
    return "\n".join(json.dumps(each) for each in pages)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_report_has_whole_days_without_gaps(name: str) -> None:
    whole = report("03T00 03T12", "03T12 04T00", "04T00 05T00", name=name)
    assert [each["day"] for each in vendor_rows(name, whole)] == ["2026-11-03", "2026-11-04"]
    assert len(vendor_rows(name, whole + "\n" + report("07T00 08T00", name=name))) == 3
    gap = refusal(name, report("03T00 04T00", "05T00 06T00", name=name))[0]
    assert "page 2, bucket 1, " in gap
    assert gap.endswith("The bucket from 2026-11-04 00:00 UTC is missing: is a page missing?")
    (late,) = refusal(name, report("03T01 04T00", name=name))
    assert late.endswith("The report begins at 01:00 UTC: export whole days.")
    (early,) = refusal(name, report("03T00 03T23", name=name))
    assert early.endswith("The report ends at 23:00 UTC: export whole days.")


def test_a_report_of_nothing_is_refused() -> None:
    assert refusal("openai", sample("openai-completions.csv").split("\n")[0]) == [NOTHING]
    assert refusal("openai", '{"object": "page", "data": [], "has_more": false}') == [NOTHING]
    assert refusal("focus", sample("focus.csv").split("\n")[0]) == [NOTHING]


def test_what_the_service_refuses_is_refused_before_it_is_sent() -> None:
    now = datetime(2026, 11, 2, 23, 59, tzinfo=UTC)
    (problem,) = refusal("openai", report("03T00 04T00"), now=now)
    assert problem == "sum of None on 2026-11-03, day: is in the future"
    assert refusal("openai", report("03T00 04T00"), account="a\x1b") == [
        "--account: must have no control characters, nor spaces around it"
    ]


def test_other_reports_are_refused_by_field() -> None:
    activity = sample("openrouter.csv")
    twice = activity + activity.split("\n")[1]
    assert refusal("openrouter", twice) == [
        "line 5, generation_id: the same generation is there twice"
    ]
    assert refusal("openrouter", activity.replace(",389,", ",99999,")) == [
        "line 2, tokens_cached: is more than tokens_prompt"
    ]
    charges = sample("focus.csv")
    euros = refusal("focus", charges.replace(",USD,", ",EUR,", 1))
    assert euros == ["line 2, BillingCurrency: must be USD"]
    month = refusal("focus", charges.replace("2026-11-03T11:00:00Z", "2026-12-01T00:00:00Z", 1))
    assert month == [
        "line 2, ChargePeriodEnd: must be inside of one day in UTC: export by day or finer"
    ]
