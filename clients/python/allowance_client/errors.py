"""What a request can end with, beside its result. No error has the token in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Validation:
    """One problem of a request: its field (`records[3].tokens`) and the reason."""

    field: str
    detail: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}"


class AllowanceError(Exception):
    """The parent of every error of this package."""


class ApiError(AllowanceError):
    """Allowance responded, and the response is an error: a retry would get the same.

    `body` is the whole document of the response, and `request_id` finds it in the log of Allowance.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        detail: str | None = None,
        validations: tuple[Validation, ...] = (),
        code: str | None = None,
        body: Any = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.validations = validations
        self.code = code
        self.body = body
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [f"{self.status}: {self.message}", self.detail or "", *map(str, self.validations)]
        if self.request_id:
            parts.append(f"(request {self.request_id})")
        return " ".join(filter(None, parts))


class LeaseClosed(AllowanceError):
    """The lease is closed, and admits no more calls. `record` is the usage of a call that ended
    after its client: it is kept nowhere.
    """

    def __init__(self, message: str, record: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.record = record


class UsageLost(AllowanceError):
    """A client is closed, and the ledger does not have these usage records. `reasons` has a line
    for each: why it was not sent, or why Allowance does not take it.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]], reasons: Sequence[str]) -> None:
        super().__init__(
            f"Usage is in no ledger (records: {len(records)}). The first: {reasons[0]}"
        )
        self.records = tuple(records)
        self.reasons = tuple(reasons)


class Unavailable(AllowanceError):
    """No decision or confirmation came before the deadline: what the request asked for may have
    happened or not. The same request again is safe.

    `retry_after_seconds` is what the last response asked to wait.
    """

    def __init__(
        self,
        reason: str,
        request_id: str | None = None,
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return self.reason + (f" (request {self.request_id})" if self.request_id else "")
