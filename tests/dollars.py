"""The dollars beside each amount of a response: check them, and leave them out."""

from decimal import Context, Decimal
from typing import Any

EXACT = Context(prec=60)


def dollars_of(micros: int | None) -> str | None:
    return None if micros is None else f"{Decimal(micros).scaleb(-6, EXACT):.6f}"


def without_dollars(document: Any) -> Any:
    """The document without `x_usd`, after asserting that it stands beside each `x_micros`, and has
    the same amount.
    """
    if isinstance(document, list):
        return [without_dollars(each) for each in document]
    if not isinstance(document, dict):
        return document
    dollars = {
        f"{name.removesuffix('_micros')}_usd": dollars_of(value)
        for name, value in document.items()
        if name.endswith("_micros")
    }
    assert {name: document.get(name, "absent") for name in dollars} == dollars
    return {name: without_dollars(value) for name, value in document.items() if name not in dollars}
