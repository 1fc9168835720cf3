"""Health: whether the function runs, and on request whether it reaches the database."""

from typing import Annotated, Literal

from pydantic import Field

from allowance.access.session import ping_database
from allowance.contract.fields import Row
from allowance.contract.query import Query


class Health(Row):
    """Alive."""

    status: Literal["ok"] = "ok"


class HealthQuery(Query):
    """Whether to try the database too."""

    database: Annotated[Literal["0", "1"], Field(description="1 tries the database too.")] = "0"


def check(query: HealthQuery) -> Health:
    """Return that the function runs. Raises DatabaseUnavailable where the query asks for it."""
    if query.database == "1":
        ping_database()
    return Health()
