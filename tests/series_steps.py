"""Kinds of series for a random history of usage: each step compares the next one with the ledger,
and the overview.
"""

from itertools import cycle, product

from tests.gateway import Client
from tests.overview import overview
from tests.people import Acme
from tests.postgres import Database
from tests.rolled_days import assert_overview_agrees, roll_up
from tests.series_model import Entry, assert_series_agree, entries, utc

PERIOD = utc(2026, 8, 1), utc(2027, 8, 1)
KINDS: list[dict[str, str]] = [
    {"by": "month"},
    *({"by": "month", "split": each} for each in ("model", "provider", "group", "user", "client")),
    {"by": "week", "split": "label:project", "top": "1"},
]


class SeriesSteps:
    """The series of acme, of its Everyone group and of olivia, by every split in turn."""

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        everyone = acme.groups["acme/Everyone"]
        paths = ("organizations/acme", f"groups/{everyone}", "users/olivia")
        self._next = cycle(product(paths, KINDS))

    def check(self, client: Client, database: Database) -> None:
        path, kind = next(self._next)
        every = entries(database)
        found = [each for each in every if self._counts(path, each)]
        assert_series_agree(client, f"/api/v2/{path}", found, *PERIOD, **kind)
        of_acme = [each for each in every if self._counts("organizations", each)]
        assert_overview_agrees(overview(client), of_acme)

    def roll_up(self, database: Database) -> None:
        counts = roll_up(database)
        assert (counts.busy, counts.failed) == (0, 0)

    def _counts(self, path: str, entry: Entry) -> bool:
        match path.partition("/")[0]:
            case "organizations":
                return entry.organization_id == self._acme.organizations["acme"]
            case "groups":
                return entry.group_id == self._acme.groups["acme/Everyone"]
            case _:
                return entry.user_id == self._acme.users["olivia"]
