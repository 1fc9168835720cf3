"""The series of an organization by group, of which there may be many."""

from uuid import UUID

from allowance.database.queries import Call, call
from allowance.spend.series_models import SeriesRow
from allowance.spend.series_query import TOKEN_UNITS, Asked, SeriesQuery


def call_by_group(organization_id: UUID, query: SeriesQuery, asked: Asked) -> Call[SeriesRow]:
    """Return the query of series by group without filters."""
    return call(
        SeriesRow,
        "list_series_by_group",
        organization_id=organization_id,
        split=query.split,
        top=query.top,
        token_units=TOKEN_UNITS,
        shows_groups=True,
        **asked.parameters,
        **query.terms,
    )
