"""Every error, in the caller's words: the docstring is the message.

A subclass without a status at the HTTP border gets the response of its parent: `NotAuthorized`
looks like any `NotFound`, and only the log shows the difference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One problem of a request: its field (`spend_limit_micros`, `prices[3].model`) and reason."""

    field: str
    detail: str

    def __str__(self) -> str:
        # A name in a document may contain a line break. It must not look like another problem.
        text = f"{self.field}: {self.detail}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class AllowanceError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None, *, detail: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)
        self.message = message
        self.detail = detail


class Unauthenticated(AllowanceError):
    """You are signed out or your session has expired. Please sign in again to continue."""


class InvalidUUID(AllowanceError):
    """A path id that is not a UUID."""

    def __init__(self, segment: str) -> None:
        expected = "Expected 36 characters with hyphens, not a name."
        super().__init__(f'Invalid UUID "{segment}".', detail=expected)


class NotFound(AllowanceError):
    """Resource not found or you do not have access to this resource"""


class NotAuthorized(NotFound):
    """The caller may not take this action on this object."""


class GroupNotFound(NotFound):
    """There is no such group, or its organization is deleted."""


class OrganizationNotFound(NotFound):
    """There is no such organization, or it is deleted."""


class UserNotFound(NotFound):
    """There is no such user, or the user is deleted."""


class BudgetNotFound(NotFound):
    """This group has no budget."""


class OverrideNotFound(NotFound):
    """This user has no budget override."""


class OrganizationBudgetNotFound(NotFound):
    """The organization has no such budget."""


class TokenNameTaken(AllowanceError):
    """Another token of the user has this name."""


class TooManyTokens(AllowanceError):
    """The user has too many tokens."""


class PriceNotFound(NotFound):
    """This model has no custom price."""


class AliasNotFound(NotFound):
    """This name has no alias."""


class HeldChangeNotFound(NotFound):
    """There is no such held change."""


class Forbidden(AllowanceError):
    """Forbidden."""


class AlreadyDecided(AllowanceError):
    """This change was decided already."""


class BudgetsNotEnabled(AllowanceError):
    """AI budgets are not enabled for this deployment."""


class RequestRefused(AllowanceError):
    """The request is refused."""

    code = "refused"

    def __init__(self, message: str | None = None, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or type(self).__doc__)
        self.shown = shown or {}


class ReservationNotFound(NotFound):
    """There is no such reservation."""


class ReservationConflict(AllowanceError):
    """Another request with other content has this id already."""


class ReservationClosed(AllowanceError):
    """The reservation is closed."""


class RouteNotFound(AllowanceError):
    """Route not found."""


class MethodNotAllowed(AllowanceError):
    """Method not allowed."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allow = ", ".join(sorted(allowed))
        super().__init__(detail=f"This path takes {self.allow}.")


class BodyTooLarge(AllowanceError):
    """Request body too large."""


class UnsupportedMediaType(AllowanceError):
    """Content-Type must be application/json."""


class UnsupportedEncoding(AllowanceError):
    """Content-Encoding must be gzip."""


class InvalidJSON(AllowanceError):
    """Request body must be valid JSON."""


class ValidationFailed(AllowanceError):
    """Validation failed."""

    def __init__(self, problems: Iterable[Problem], *, detail: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__(detail=detail)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class InvalidSpendLimit(ValidationFailed):
    """Invalid AI spend limit."""


class NotAGroupMember(ValidationFailed):
    """User is not a member of the referenced group."""

    def __init__(self) -> None:
        super().__init__([Problem("group_id", "The user must be a member of this group.")])


class BudgetNameTaken(ValidationFailed):
    """Another budget of the organization has this name."""

    def __init__(self) -> None:
        super().__init__([Problem("name", "Another budget of the organization has this name.")])


class UsageOutOfRange(ValidationFailed):
    """A token count or the cost of a usage is out of range."""


class UsageNotRecorded(ValidationFailed):
    """Some usage records of a message cannot be recorded."""


class InvalidModelPrices(ValidationFailed):
    """Invalid AI model prices."""


class InvalidQuery(ValidationFailed):
    """Query parameters have invalid values."""


class BudgetChanged(AllowanceError):
    """The budget was changed by someone else."""


class ChangedMeanwhile(AllowanceError):
    """It was changed by someone else."""


class ImportRunning(AllowanceError):
    """Another import of the directory is running. Try again when it has ended."""


class ExportFailed(AllowanceError):
    """Some exports failed."""


class AttributionFailed(AllowanceError):
    """The usage of some names could not be booked."""


class RerateFailed(AllowanceError):
    """Some models could not be rated again, or some days not rolled up."""


class DatabaseUnavailable(AllowanceError):
    """The database is not available. Try again shortly."""


class StatementCancelled(DatabaseUnavailable):
    """The database cancelled a statement: it took longer than its statement_timeout allows."""


class ReservationChanged(DatabaseUnavailable):
    """Another call is settling the same reservation. Try again shortly."""


class GroupDeleted(DatabaseUnavailable):
    """The group that the call counts for was deleted a moment ago. Try again shortly."""


class UsageKeyTaken(DatabaseUnavailable):
    """Another call is recording the same usage. Try again shortly."""


class UsageMonthDropped(DatabaseUnavailable):
    """The month of a usage was dropped from the ledger. Try again shortly."""
