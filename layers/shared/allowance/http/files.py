"""Results of routes that are no JSON of the contract: a page, a document, and another address."""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another address, relative to the one of the request: the API may have a prefix."""

    location: str


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """A JSON document that is sent as it is."""

    content: str


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page that loads nothing. Its policy permits the styles inside it, and no script."""

    content: str
    content_security_policy: str


@cache
def json_document(file: Path) -> JsonDocument:
    """Return the document in a file. Read once."""
    return JsonDocument(file.read_text("utf-8"))


@cache
def html_page(file: Path) -> HtmlPage:
    """Return the page in a file. Read once. Only its own styles apply, by their digests."""
    content = file.read_text("utf-8")
    sources = " ".join(f"'sha256-{_digest(style)}'" for style in STYLE.findall(content))
    return HtmlPage(
        content,
        f"default-src 'none'; style-src {sources or "'none'"}; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'",
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
