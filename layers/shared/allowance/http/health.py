"""Health: the function runs, and if the request asks, it reaches the database."""

from typing import Annotated, Literal

from pydantic import Field

from allowance.access.session import ping_database
from allowance.contract.fields import Row
from allowance.contract.query import Query


class Health(Row):
    """The function runs."""

    status: Literal["ok"] = "ok"


class HealthQuery(Query):
    """Whether to check the database too."""

    database: Annotated[Literal["0", "1"], Field(description="1 checks the database too.")] = "0"


def check(query: HealthQuery) -> Health:
    """Return that the function runs. If the query includes the database, raise DatabaseUnavailable
    unless it responds.
    """
    if query.database == "1":
        ping_database()
    return Health()
