"""What always holds for the counters of organizations' budgets."""

from tests.postgres import Database

HOLDS_DIFFER = (
    "SELECT b.name, coalesce(c.subject, h.subject), coalesce(c.slice, h.slice),"
    " c.reserved_micros, h.micros"
    " FROM ai_budget_counters AS c"
    " FULL JOIN (SELECT budget_id, subject, slice, sum(amount_micros) AS micros,"
    " min(expires_at) AS first FROM ai_budget_holds GROUP BY 1, 2, 3) AS h"
    " ON h.budget_id = c.budget_id AND h.subject = c.subject AND h.slice = c.slice"
    " JOIN ai_budgets AS b ON b.id = coalesce(c.budget_id, h.budget_id)"
    " WHERE c.reserved_micros IS DISTINCT FROM coalesce(h.micros, 0) OR h.first < c.next_expiry"
)
SPEND_DIFFERS = (
    "SELECT k.*, s.summed FROM ("
    " SELECT budget_id, subject, period_start, sum(spent_micros) AS spent, count(*) AS parts"
    " FROM ai_budget_counters GROUP BY 1, 2, 3"
    " UNION ALL SELECT budget_id, subject, period_start, spent_micros, 0 FROM ai_budget_spend"
    ") AS k JOIN ai_budgets AS b ON b.id = k.budget_id AND b.ended_at IS NULL"
    " CROSS JOIN LATERAL ai_budget_period(b, k.period_start) AS p"
    " CROSS JOIN LATERAL (SELECT ai_budget_spent(b, k.subject, p.starts, p.ends) AS summed) AS s"
    " WHERE k.spent <> s.summed OR (k.parts > 0 AND k.parts < b.slices)"
)
"""What is kept of a period is the sum of its usage, and all parts of a counter are of one."""
ROOM_DIFFERS = (
    "SELECT b.name, b.limit_micros, sum(c.spent_micros + c.reserved_micros), sum(c.room_micros)"
    " FROM ai_budgets AS b JOIN ai_budget_counters AS c ON c.budget_id = b.id"
    " WHERE b.enforcement = 'enforce' AND c.room_revision = b.revision"
    " GROUP BY b.id, c.subject"
    " HAVING count(*) <> b.slices OR sum(c.room_micros)"
    " <> b.limit_micros - sum(c.spent_micros + c.reserved_micros)"
)
"""All parts know the limit or none, and what they may grant is what is left."""


def assert_counters_agree(database: Database) -> None:
    """Counters equal the holds and the usage, and their parts have no more room than is left."""
    assert database.rows(HOLDS_DIFFER) == []
    assert database.rows(SPEND_DIFFERS) == []
    assert database.rows(ROOM_DIFFERS) == []
