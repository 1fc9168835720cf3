"""The documentation of the routes, without a credential."""

from pathlib import Path

from allowance.http.api import Api
from allowance.http.files import HtmlPage, JsonDocument, Redirect, html_page, json_document

PAGE = Path(__file__).with_name("openapi.html")
DOCUMENT = Path(__file__).with_name("openapi.json")

app = Api()


@app.get("/", public=True)
def root() -> Redirect:
    """Lead to the page of the routes."""
    return Redirect("docs")


@app.get("/docs", public=True)
def docs() -> HtmlPage:
    """Show every route, its parameters, its body and its responses as a page."""
    return html_page(PAGE)


@app.get("/docs/openapi.json", public=True)
def openapi() -> JsonDocument:
    """Return the OpenAPI document of every route."""
    return json_document(DOCUMENT)


handler = app.handler
