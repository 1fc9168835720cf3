"""The series of an organization's or group's users, of which there may be very many."""

from uuid import UUID

from allowance.database.queries import Call, call
from allowance.spend.series_models import SeriesRow
from allowance.spend.series_query import TOKEN_UNITS, Asked, SeriesQuery


def call_by_user(organization_id: UUID, query: SeriesQuery, asked: Asked) -> Call[SeriesRow]:
    """Return the query of series by user that no filter but a group limits."""
    return call(
        SeriesRow,
        "list_series_by_user",
        organization_id=organization_id,
        split=query.split,
        top=query.top,
        token_units=TOKEN_UNITS,
        shows_groups=True,
        rolled_by="day",
        **asked.parameters,
        **query.terms,
    )
