"""Count times price for each usage of the ledger: what must be booked for it."""

from collections.abc import Iterator
from decimal import Decimal

from tests.postgres import Database

OPEN = (
    "u.corrects IS NULL AND NOT EXISTS (SELECT 1 FROM ai_usage_ever AS c"
    " WHERE c.corrects = u.id AND c.reason <> 'rerate')"
)
"""The entries that have the present content of a usage, of the ledger that drops no month."""

BOOKED = f"""
SELECT u.source_id, b.micros, u.stated_cost_micros, u.cost_from, b.input, b.units, b.requests,
    p.input_price, coalesce(p.unit_prices, '{{}}'), p.id IS NOT NULL
FROM ai_usage AS u
CROSS JOIN LATERAL (
    SELECT sum(e.cost_micros) AS micros, sum(e.input_tokens)::bigint AS input,
        sum(e.usage_count)::bigint AS requests,
        coalesce(jsonb_agg(e.other_units) FILTER (WHERE e.other_units IS NOT NULL), '[]') AS units
    FROM ai_usage AS e WHERE e.id = u.id OR e.corrects = u.id
) AS b
LEFT JOIN LATERAL (
    SELECT v.id, v.input_price, v.unit_prices FROM ai_model_prices_at(u.occurred_at) AS v
    WHERE v.provider = u.provider AND v.model = u.model ORDER BY v.source LIMIT 1
) AS p ON true
WHERE {OPEN} AND (b.micros IS NOT NULL OR u.usage_object IS NULL)
"""
"""The usages with a cost, or at least read whole, and the price in effect for each."""


def priced_by_hand(database: Database) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    """Each usage that was read whole, what is booked for it, and what it costs by hand.

    None: it has no price, or no longer.
    """
    for each in database.rows(BOOKED):
        name, booked, stated, cost_from, given, maps, requests, price, unit_prices, is_known = each
        if cost_from == "record":
            yield name, booked, stated
            continue
        used = [(given, price), (requests, unit_prices.get("requests", 0))]
        used += [
            (count, unit_prices.get(unit)) for each in maps for unit, count in each.items() if count
        ]
        is_priced = is_known and all(each is not None for count, each in used if count)
        due = sum(Decimal(count * (each or 0)) for count, each in used).scaleb(-6)
        yield name, booked, due if is_priced else None
