"""The result of a check. Pure."""

from uuid import UUID

from allowance.contract.fields import Row, Timestamp


class Checked(Row):
    """The call may be made: Envoy reads the status 200 alone. Its estimate is held."""

    reservation_id: UUID
    expires_at: Timestamp
