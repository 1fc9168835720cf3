"""RerateUsage ends by itself before Lambda ends it, whatever its last statements take."""

from allowance.database.role_settings import SETTINGS
from allowance.rbac.system import Login
from allowance.usage.rerating import (
    ATTEMPTS,
    ROLL_UP_SECONDS,
    RUN_SECONDS,
    TURN_SECONDS,
)
from tests.deployed import functions


def test_a_run_of_rerating_ends_before_its_timeout() -> None:
    statement = int(SETTINGS[Login.JOBS]["statement_timeout"].removesuffix("s"))
    # An attempt reads a page, its prices and its users, and writes; then come the position and the
    # count of what is left.
    last_page = ATTEMPTS * 4 * statement + 2 * statement
    # The last day that is rolled up, and the list of the next ones.
    last_day = ROLL_UP_SECONDS + 2 * statement
    assert TURN_SECONDS < RUN_SECONDS
    assert RUN_SECONDS + last_page + last_day < functions()["RerateUsage"]["Timeout"]
