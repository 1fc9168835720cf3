"""`/`, `/docs` and `/docs/openapi.json`: readable without a token, and the page loads nothing."""

import base64
import hashlib
import json
import re
from html import escape
from html.parser import HTMLParser
from typing import override

from allowance.http.routes import ROUTES
from local.openapi_page import page
from tests.gateway import Client
from tests.openapi import DOCUMENT

LOADS = {"src", "srcset", "data", "poster", "background", "action", "style", "http-equiv"}


class Page(HTMLParser):
    """The tags of a page, its links, its places and its styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.places: list[str] = []
        self.open: list[str] = []
        self.styles: list[str] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.places += [value or "" for name, value in attrs if name == "id"]
        if tag != "meta":
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)


def test_the_root_leads_to_the_page() -> None:
    answer = Client().get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "docs")
    shown = Client().get("/docs")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert shown.body == page(DOCUMENT)


def test_the_document_is_served_as_it_is_committed() -> None:
    answer = Client().get("/docs/openapi.json")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.body) == DOCUMENT


def test_the_page_names_every_route_and_object() -> None:
    text = Client().get("/docs").body
    for method, path in ROUTES:
        route = f"<h3><code><b>{method}</b> {escape(path.replace('+}', '}'))}</code></h3>"
        assert text.count(route) == 1, route
    for name in DOCUMENT["components"]["schemas"]:
        assert text.count(f"<h3>{name}</h3>") == 1


def test_the_page_loads_nothing_and_its_policy_permits_its_style_only() -> None:
    answer = Client().get("/docs")
    shown = Page(answer.body)
    assert not shown.open
    assert not shown.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not shown.attributes & LOADS
    (style,) = shown.styles
    assert not re.search(r"url\(|@import|//", style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def test_every_link_of_the_page_leads_somewhere() -> None:
    shown = Page(Client().get("/docs").body)
    assert len(shown.places) == len(set(shown.places))
    inside = {f"#{place}" for place in shown.places}
    assert set(shown.links) - inside == {"docs/openapi.json"}


def test_a_hostile_text_stays_text() -> None:
    hostile = "<script>alert(1)</script>"
    made = json.loads(json.dumps(DOCUMENT).replace('"Allowance"', json.dumps(hostile)))
    schemas = made["components"]["schemas"]
    schemas["Error"]["properties"]["message"]["description"] = hostile
    schemas["Error"]["properties"][hostile] = {"enum": [hostile], "default": hostile}
    assert "script" not in Page(page(made)).tags
