"""A file in a response: its text stays as it is."""

from allowance.http.request import Request
from allowance.http.responses import success
from allowance.tables.csv import CsvPage


def test_a_file_gets_no_dollars_beside_what_looks_like_an_amount() -> None:
    text = '{"cost_micros":5}\r\n'
    made = success(Request.of({}, "the-id"), CsvPage(text, "x.csv", None), CsvPage)
    assert (made["statusCode"], made["body"]) == (200, text)
    assert made["headers"]["Content-Type"].startswith("text/csv")
    assert made["headers"]["X-Request-Id"] == "the-id"
