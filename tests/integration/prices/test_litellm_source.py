"""LiteLLM's map at the configured location and in an event, and events that are no book."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

import seed_prices
from allowance.errors import ValidationFailed
from allowance.settings import BadSetting
from tests.configured_books import SHIPPED_MODELS, document, run
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import counts, price, rows
from tests.tls import Site

pytestmark = pytest.mark.usefixtures("small_shipped_book")

MAP = {
    "sample_spec": {"litellm_provider": "one of https://docs.litellm.ai/docs/providers"},
    "gpt-9": {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.5e-05,
        "input_cost_per_audio_token": 4e-05,
    },
    "dall-e-9": {"litellm_provider": "openai", "mode": "image_generation"},
}
REST = {
    "left_out": {
        "its provider is one of https://docs.litellm.ai/docs/providers": ["sample_spec"],
        "its mode is image_generation": ["dall-e-9"],
    },
    "left_out_count": 2,
    "unread_fields": {"input_cost_per_audio_token": 1},
}
GPT_9 = ("openai", "gpt-9", "default", 3_000_000, 15_000_000, None, None, None)


def settings(database: Database, site: Site, form: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database.app_url,
        "PRICE_BOOK": site.url,
        "PRICE_BOOK_CA_FILE": site.ca_file,
        "PRICE_BOOK_FORMAT": form,
    }


def serve_once_by_etag(site: Site, content: bytes) -> None:
    """Answer 304 to a client that names the entity tag."""
    site.serve(content, ETag='"1"')
    respond = site.respond

    def by_etag(request: BaseHTTPRequestHandler) -> None:
        if request.headers["If-None-Match"] == '"1"':
            request.send_response(304)
            request.end_headers()
        else:
            respond(request)

    site.respond = by_etag


def test_a_map_at_the_location_is_the_book_and_the_rest_is_named(
    site: Site, empty_database: Database
) -> None:
    serve_once_by_etag(site, json.dumps(MAP).encode())
    with environment(**settings(empty_database, site, "litellm")):
        assert run() == counts(inserted=1) | REST
        assert run() == counts(unchanged=1), "the document is the same"
    assert rows(empty_database) == [GPT_9]
    with environment(**settings(empty_database, site, "allowance")):
        outcome = run()
    assert "looks like LiteLLM's map of prices: set PriceBookFormat" in outcome["fallback"]
    assert GPT_9 in rows(empty_database)


def test_another_format_reads_the_same_document_again(site: Site, empty_database: Database) -> None:
    serve_once_by_etag(site, document(price(input_price=1)))
    with environment(**settings(empty_database, site, "allowance")):
        assert run() == counts(inserted=1)
    with environment(**settings(empty_database, site, "litellm")):
        assert "set PriceBookFormat to allowance" in run()["fallback"]


def test_an_unknown_format_is_refused(site: Site, empty_database: Database) -> None:
    with environment(**settings(empty_database, site, "csv")), pytest.raises(BadSetting):
        run()


def test_a_map_in_an_event_adds_its_prices(empty_database: Database) -> None:
    event = {"format": "litellm", "prices": MAP}
    assert seed_prices.handler(event, Context()) == counts(inserted=1) | REST
    assert seed_prices.handler(event, Context()) == counts(unchanged=1) | REST
    assert rows(empty_database) == [GPT_9]


@pytest.mark.parametrize("event", [{"price": [price(input_price=1)]}, MAP, {"prices": MAP}])
def test_what_is_no_book_seeds_nothing(empty_database: Database, event: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        seed_prices.handler(event, Context())
    assert rows(empty_database) == []


def test_an_empty_event_seeds_the_shipped_file(empty_database: Database) -> None:
    assert seed_prices.handler({}, Context())["inserted"] > SHIPPED_MODELS
