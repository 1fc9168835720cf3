"""NUL and half of a surrogate pair, in every text of every JSON that comes in.

Postgres stores neither, and no encoding has the second. Each door refuses them as a problem of a
field, or does not look at them.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import import_directory
import seed_prices
from allowance.errors import ValidationFailed
from tests.gateway import Client, Context
from tests.people import Acme
from tests.usage import failed, message

BAD = ("a\x00b", "a\ud800b")

PERMISSION = {"resource_type": "group", "action": "read"}
DIRECTORY = {
    "organizations": [{"name": "acme", "groups": ["platform", "research"]}],
    "users": [
        {
            "username": "new",
            "email": "new@acme.example",
            "roles": ["auditor"],
            "status": "active",
            "organizations": [
                {"name": "acme", "roles": ["organization-admin"], "groups": ["platform"]}
            ],
        }
    ],
    "tokens": [
        {
            "username": "new",
            "name": "laptop",
            "expires_at": "2099-01-01T00:00:00Z",
            "scope": {
                "site": [PERMISSION],
                "user": [PERMISSION],
                "by_org_id": {"acme": {"org": [PERMISSION], "member": [PERMISSION]}},
                "allow_list": [{"type": "group", "id": "acme/platform"}],
            },
        }
    ],
}
PRICES = {"prices": [{"provider": "p", "model": "m", "input_price": 1, "output_price": 2}]}
BOOK = PRICES | {"source": "s", "version": "1", "date": "2026-11-01", "roundings": [{"why": "w"}]}
USAGE = {
    "records": [
        {
            "source": "s",
            "id": "1",
            "user": "maya",
            "provider": "p",
            "model": "m",
            "occurred_at": "2026-11-20T10:00:00Z",
            "usage_format": "openai",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "kind": "k"},
        }
    ]
}

type Place = tuple[int | str, ...]


def texts(value: object, place: Place = ()) -> Iterator[Place]:
    """The places of all texts: a value by its path, a key by its path and an empty name."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*place, key, "")
            yield from texts(each, (*place, key))
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from texts(each, (*place, i))
    elif isinstance(value, str):
        yield place


def spoilt(value: Any, place: Place, text: str) -> Any:
    """A copy of the document with the text at the place."""
    if place == ():
        return text
    if isinstance(value, list):
        return [spoilt(e, place[1:], text) if i == place[0] else e for i, e in enumerate(value)]
    if place[1:] == ("",):
        return {text if key == place[0] else key: each for key, each in value.items()}
    return {k: spoilt(e, place[1:], text) if k == place[0] else e for k, e in value.items()}


def spoilt_documents(good: dict[str, Any]) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    for place in texts(good):
        for text in BAD:
            yield place, text, spoilt(good, place, text)


def in_vendors_object(place: Place) -> bool:
    """Whether the text is in an object of which we read the counters and keep nothing else."""
    return place[:3] == ("records", 0, "usage") and place[3:] not in ((), ("",))


def path_of(place: Place) -> str:
    """Where a problem of the text is reported, up to its last name."""
    known = place[:-2] if place[-1] == "" else place
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in known)
    return path.removeprefix(".")


@pytest.mark.parametrize(
    ("handler", "good", "passes"),
    [
        (import_directory.handler, DIRECTORY, set[Place]()),
        # An event without its key `prices` is one of a schedule. Nobody reads the roundings.
        (
            seed_prices.handler,
            BOOK,
            {("prices", ""), ("roundings", 0, "why"), ("roundings", 0, "why", "")},
        ),
    ],
    ids=["ImportDirectory", "SeedPrices"],
)
@pytest.mark.usefixtures("database")
def test_an_event_is_refused_by_the_path_of_the_text(
    handler: Callable[..., Any], good: dict[str, Any], passes: set[Place]
) -> None:
    for place, text, document in spoilt_documents(good):
        if place in passes:
            continue
        with pytest.raises(ValidationFailed) as caught:
            handler(document, Context())
        lines = str(caught.value).splitlines()
        assert any(line.startswith(path_of(place)) for line in lines), (place, text, lines)
        assert str(caught.value).isascii(), "the error is JSON in UTF-8"


@pytest.mark.parametrize("door", ["budget", "override", "prices", "usage"])
def test_a_body_is_refused_or_the_text_is_not_looked_at(acme: Acme, door: str) -> None:
    group = str(acme.groups["acme/platform"])
    olivia = acme.client("olivia")
    paths: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
        "budget": (Client.put, acme.budget_path(), {"spend_limit_micros": 1, "note": "n"}),
        "override": (
            Client.put,
            "/api/v2/users/maya/ai/budget/override",
            {"group_id": group, "spend_limit_micros": 1},
        ),
        "prices": (Client.post, "/api/v2/ai/model-prices", PRICES),
        "usage": (Client.post, "/api/v2/ai/usage", USAGE),
    }
    send, path, good = paths[door]
    for place, text, document in spoilt_documents(good):
        answer = send(olivia, path, document)
        if text == "a\ud800b":
            assert answer.status == 400, place
            assert answer.json()["message"] == "Request body must be valid JSON."
        elif answer.status == 200:
            (result,) = answer.json()["results"]
            refused = result["status"] == "rejected"
            assert refused or in_vendors_object(place), (place, result)
            assert not refused or result["validations"][0]["field"], place
        else:
            assert answer.status == 400, place
            assert answer.json()["validations"][0]["field"], place


@pytest.mark.usefixtures("database")
def test_a_message_is_refused_or_the_text_is_not_looked_at() -> None:
    for place, text, document in spoilt_documents(USAGE):
        refused = failed(message("a", body=json.dumps(document)))
        assert refused or (text == "a\x00b" and in_vendors_object(place)), place
