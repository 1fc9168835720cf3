"""Prices as rows, in dollars per million tokens."""

from typing import Any

from allowance_client.cli.amounts import dollars
from allowance_client.cli.tables import Row, figures, texts
from allowance_client.cli.times import shown

CLASSES = (
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "cache_write_1h_price",
)

PRICE_COLUMNS = [
    *texts("MODEL", "SOURCE"),
    *figures("INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "CACHE WRITE 1H"),
    *texts("MORE", "FROM"),
]

ALIAS_COLUMNS = texts("NAME", "MEANS", "CHANGED")


def price_row(price: dict[str, Any]) -> Row:
    """A price of a model."""
    return [
        f"{price['provider']}/{price['model']}",
        price["source"],
        *(dollars(price[each]) for each in CLASSES),
        ", ".join(_more(price)),
        shown(price["effective_from"]),
    ]


def alias_row(alias: dict[str, Any]) -> Row:
    """An alias and what it means."""
    target = alias["target"]
    means = "free" if alias["free"] else f"{target['provider']}/{target['model']}"
    return [f"{alias['provider']}/{alias['model']}", means, shown(alias["updated_at"])]


def resolution_rows(found: dict[str, Any]) -> list[Row]:
    """How a name leads to its price, field by field."""
    rows: list[Row] = [["name", f"{found['provider']}/{found['model']}"]]
    if found["alias"] is not None:
        target = found["alias"]["target"]
        named = f"{found['alias']['provider']}/{found['alias']['model']}"
        means = "free" if target is None else f"{target['provider']}/{target['model']}"
        rows.append(["alias", f"{named} means {means}"])
    price = found["price"]
    if price is None:
        tried = ", ".join(f"{each['provider']}/{each['model']}" for each in found["considered"])
        return [*rows, ["price", "none"], ["tried", tried]]
    rows += [
        ["price of", f"{price['provider']}/{price['model']}"],
        ["because", found["rule"] or found["via"] or ""],
        ["source", price["source"]],
    ]
    for each in CLASSES:
        if price[each] is not None:
            rows.append([each.removesuffix("_price").replace("_", " "), dollars(price[each])])
    for unit, per_million in price["unit_prices"].items():
        rows.append([f"a million {unit}", dollars(per_million)])
    if price["tiers"] or price["variants"]:
        rows.append(["more", ", ".join(each for each in _more(price) if each != "units")])
    return [*rows, ["from", shown(price["effective_from"]) or "always"]]


def _more(price: dict[str, Any]) -> list[str]:
    """What else has prices: no column shows it."""
    named = (("tiers", "tiers"), ("variants", "variants"), ("units", "unit_prices"))
    return [title for title, key in named if price[key]]
