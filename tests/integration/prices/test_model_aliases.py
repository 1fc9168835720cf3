"""The routes of aliases: set, list and remove, what is refused, versions and the audit log."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.model_aliases import (
    ALIASES,
    FREE,
    alias,
    free,
    listed_aliases,
    path_of,
    problems,
    put_alias,
)
from tests.model_prices import FORBIDDEN, PRICES, confirmed, set_prices
from tests.people import Acme
from tests.price_books import price, seed

TO_M = {"provider": "p", "model": "m"}


def test_an_alias_is_set_replaced_listed_and_removed(olivia: Client) -> None:
    seed(price("m", input_price=5), price("n", input_price=6))
    made = put_alias(olivia, "azure", "Team/Chat", TO_M)
    assert made.status == 200
    first = made.json()
    assert first == {
        "provider": "azure",
        "model": "Team/Chat",
        "target": TO_M,
        "free": False,
        "created_at": first["updated_at"],
        "updated_at": first["updated_at"],
    }
    assert made.headers["ETag"] == f'"{first["updated_at"]}"'
    assert olivia.get(ALIASES).json() == {"aliases": [first], "next": None}
    # The same name in another case is the same alias.
    second = put_alias(olivia, "AZURE", "team/chat", {"provider": "P", "model": "N"}).json()
    assert (second["model"], second["target"]) == ("Team/Chat", {"provider": "p", "model": "n"})
    assert second["created_at"] == first["created_at"] < second["updated_at"]
    third = put_alias(olivia, "azure", "Team/Chat", FREE).json()
    assert (third["target"], third["free"]) == (None, True)
    assert olivia.delete(path_of("Azure", "team/Chat")).status == 204
    assert olivia.get(ALIASES).json()["aliases"] == []
    assert olivia.delete(path_of("azure", "Team/Chat")).status == 404
    again = put_alias(olivia, "azure", "Team/Chat", TO_M).json()
    assert again["created_at"] == again["updated_at"] > third["updated_at"]


def test_aliases_come_in_pages_by_provider_and_model(olivia: Client) -> None:
    seed(price("m", input_price=5))
    names = [("a", "x"), ("a", "y/*"), ("b", "*"), ("b", "z")]
    for provider, model in reversed(names):
        alias(olivia, provider, model)
    assert listed_aliases(olivia) == names
    page = olivia.get(f"{ALIASES}?limit=3").json()
    assert len(page["aliases"]) == 3
    assert listed_aliases(olivia, f"?limit=3&after={page['next']}") == names[3:]
    assert listed_aliases(olivia, "?provider=b") == names[2:]
    for query in ("?limit=0", "?after=x", "?model=m"):
        assert olivia.get(ALIASES + query).status == 400


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"(document)"}),
        ({"provider": "p"}, {"(document)"}),
        ({"model": "m", "free": True, "confirm": True}, {"(document)"}),
        (TO_M | FREE, {"(document)"}),
        ({"free": False}, {"(document)"}),
        ({"free": "yes"}, {"free"}),
        (TO_M | {"price": 1}, {"price"}),
        ({"provider": "p", "model": ""}, {"model"}),
        ({"free": True}, {"confirm"}),
        ({"provider": "p", "model": "unheard-of"}, {"model"}),
        ({"provider": "p", "model": "*"}, {"model"}),
    ],
)
def test_a_meaning_that_is_none_is_refused(
    olivia: Client, body: dict[str, Any], fields: set[str]
) -> None:
    seed(price("m", input_price=5))
    assert problems(put_alias(olivia, "azure", "chat", body)).keys() == fields
    assert listed_aliases(olivia) == []


@pytest.mark.parametrize(
    ("provider", "model", "field"),
    [
        ("az*", "chat", "path.provider"),
        ("*", "chat", "path.provider"),
        ("azure", "ch*t", "path.model"),
        ("azure", "**", "path.model"),
        ("azure", " chat", "path.model"),
        ("azure", "a\tb", "path.model"),
        ("azure", "x" * 256, "path.model"),
    ],
)
def test_a_name_that_no_usage_can_have_is_refused(
    olivia: Client, provider: str, model: str, field: str
) -> None:
    seed(price("m", input_price=5))
    assert problems(put_alias(olivia, provider, model, TO_M)).keys() == {field}


def test_a_name_with_a_price_needs_confirmation(olivia: Client) -> None:
    seed(price("m", input_price=5), price("n", input_price=6))
    found = problems(put_alias(olivia, "P", "n-2026-01-01", TO_M))
    assert found == {"confirm": "Must be true: p/n is a price for this name."}
    set_prices(olivia, price("n", input_price=7))
    found = problems(put_alias(olivia, "P", "n-2026-01-01", TO_M))
    assert found == {"confirm": "Must be true: the custom price of p/n comes before this alias."}
    assert problems(put_alias(olivia, "p", "n", {"free": True})).keys() == {"confirm"}
    alias(olivia, "p", "n", confirm=True)
    # The price list comes before a pattern, so a pattern replaces nothing.
    alias(olivia, "p", "n*")


def test_an_alias_leads_to_no_other_alias(olivia: Client) -> None:
    seed(*(price(name, input_price=n) for n, name in enumerate("mno", 5)))
    alias(olivia, "azure", "chat")
    to_chat = {"provider": "Azure", "model": "CHAT"}
    detail = "azure/chat is an alias itself. Name the model that it means."
    assert problems(put_alias(olivia, "azure", "other", to_chat))["model"] == detail
    alias(olivia, "p", "o", "p/n", confirm=True)
    found = problems(put_alias(olivia, "azure", "other", {"provider": "p", "model": "o"}))
    assert found == {"model": "p/o is an alias itself. Name the model that it means."}
    assert olivia.delete(path_of("p", "o")).status == 204
    to_n = {"provider": "p", "model": "n", "confirm": True}
    found = problems(put_alias(olivia, "P", "M", to_n))
    assert found == {"path.model": "The alias azure/chat leads to this name."}
    itself = problems(put_alias(olivia, "p", "n", to_n))
    assert itself == {"model": "Must not be the name of the alias itself."}
    assert olivia.delete(path_of("azure", "chat")).status == 204
    alias(olivia, "p", "m", "p/n", confirm=True)


def test_a_target_is_the_row_that_its_name_leads_to(olivia: Client) -> None:
    seed({"provider": "openai", "model": "gpt-4o", "input_price": 5})
    made = put_alias(
        olivia, "azure", "chat", {"provider": "litellm", "model": "openai/gpt-4o-2024-08-06"}
    )
    assert made.json()["target"] == {"provider": "openai", "model": "gpt-4o"}


def test_a_write_happens_only_on_the_version_that_it_names(olivia: Client) -> None:
    seed(price("m", input_price=5))
    tag = put_alias(olivia, "azure", "chat", TO_M).headers["ETag"]
    newer = put_alias(olivia, "azure", "chat", TO_M, **{"if-match": tag}).headers["ETag"]
    changed = {"message": "It was changed by someone else."}
    for refused in (
        put_alias(olivia, "azure", "chat", FREE, **{"if-match": tag}),
        put_alias(olivia, "azure", "chat", FREE, **{"if-none-match": "*"}),
        put_alias(olivia, "azure", "other", TO_M, **{"if-match": "*"}),
        olivia.delete(path_of("azure", "chat"), headers={"if-match": tag}),
    ):
        assert (refused.status, refused.json()) == (412, changed)
    assert listed_aliases(olivia) == [("azure", "chat")]
    removed = olivia.delete(path_of("azure", "chat"), headers={"if-match": newer})
    assert removed.status == 204
    assert put_alias(olivia, "azure", "chat", TO_M, **{"if-none-match": "*"}).status == 200


def test_each_change_has_its_audit_entry(olivia: Client) -> None:
    seed(price("m", input_price=5))
    alias(olivia, "azure", "chat")
    free(olivia, "AZURE", "chat")
    assert problems(put_alias(olivia, "azure", "chat", {"free": True})).keys() == {"confirm"}
    olivia.delete(path_of("azure", "chat"))
    olivia.delete(path_of("azure", "chat"))
    entries = [
        each
        for each in olivia.get("/api/v2/audit").json()["entries"]
        if each["resource_type"] == "ai_model_alias"
    ]
    to_m = TO_M | {"free": False}
    for_free = {"provider": None, "model": None, "free": True}
    assert [
        (each["action"], each["resource_id"], each["before"], each["after"])
        for each in reversed(entries)
    ] == [
        ("create", "azure/chat", None, to_m),
        ("update", "azure/chat", to_m, for_free),
        ("delete", "azure/chat", for_free, None),
    ]


def test_readers_of_prices_list_aliases_and_change_none(
    acme: Acme, olivia: Client, price_reader: Client
) -> None:
    seed(price("m", input_price=5))
    alias(olivia, "azure", "chat")
    assert listed_aliases(price_reader) == [("azure", "chat")]
    for client in (price_reader, acme.client("adam")):
        for refused in (
            put_alias(client, "azure", "chat", FREE),
            client.delete(path_of("azure", "chat")),
        ):
            assert (refused.status, refused.json()) == (403, FORBIDDEN)
    assert acme.client("adam").get(ALIASES).status == 200
    assert acme.client("maya").get(ALIASES).status == 403
    assert listed_aliases(olivia) == [("azure", "chat")]


def test_prices_and_aliases_are_apart(olivia: Client) -> None:
    """A custom price of a name, set after its alias, needs no confirmation and comes first."""
    seed(price("m", input_price=5))
    alias(olivia, "azure", "chat")
    custom = {"provider": "azure", "model": "chat", "input_price": 7}
    assert olivia.post(PRICES, confirmed([custom])).status == 200
    assert olivia.delete(f"{PRICES}/azure/chat").status == 204
    assert listed_aliases(olivia) == [("azure", "chat")]
