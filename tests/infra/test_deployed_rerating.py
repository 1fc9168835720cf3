"""RerateUsage ends by itself before Lambda ends it, whatever its last statements take."""

import re

from allowance.usage.rerating import ATTEMPTS, RUN_SECONDS, TURN_SECONDS
from tests.deployed import ROOT, functions


def test_a_run_of_rerating_ends_before_its_timeout() -> None:
    role = (ROOT / "migrations" / "0001_roles.sql").read_text()
    found = re.search(r"statement_timeout = '(\d+)s'", role)
    assert found is not None
    statement = int(found[1])
    # An attempt reads a page, its prices and its users, and writes; then come the position and the
    # count of what is left.
    last_page = ATTEMPTS * 4 * statement + 2 * statement
    assert TURN_SECONDS < RUN_SECONDS
    assert RUN_SECONDS + last_page < functions()["RerateUsage"]["Timeout"]
