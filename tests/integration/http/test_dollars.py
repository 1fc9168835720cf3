"""Dollars beside the amounts of responses, over the whole path of a request.

`Answer.json` checks them in every response that a test reads.
"""

from tests.gateway import Client
from tests.people import Acme
from tests.reservations import PATH, of_cost


def test_a_limit_and_its_audit_entry_show_dollars(adam: Client, acme: Acme) -> None:
    amount = '"spend_limit_micros":25000000,"spend_limit_usd":"25.000000"'
    assert amount in adam.put(acme.budget_path(), {"spend_limit_micros": 25_000_000}).body
    assert f'"after":{{{amount}}}' in adam.get("/api/v2/audit").body


def test_a_refusal_shows_dollars_in_decision_and_budget(
    adam: Client, gateway: Client, acme: Acme
) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 25})
    refused = gateway.post(PATH, of_cost(26))
    assert refused.status == 403
    assert refused.body.count('"remaining_micros":25,"remaining_usd":"0.000025"') == 2
    assert '"would_fit_micros":25,"would_fit_usd":"0.000025"' in refused.body
