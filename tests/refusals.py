"""The responses that a refusal must look like."""

import uuid

from tests.gateway import Answer

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
CHANGED_BY_ADMINS = NOT_FOUND | {
    "detail": (
        "You may read this, but not update it. Roles that may: owner, user-admin,"
        " organization-admin, organization-user-admin."
    )
}
"""A refused change of a group, and what hangs on it, for a caller who may read it."""
CHANGED_BY_OWNERS = NOT_FOUND | {
    "detail": "You may read this, but not update it. Roles that may: owner, user-admin."
}
"""A refused change of a user, and what hangs on the user, for a caller who may read the user."""
UNAUTHENTICATED = (
    "You are signed out or your session has expired. Please sign in again to continue."
)
NOWHERE = f"/api/v2/groups/{uuid.UUID(int=7)}/ai/budget"


def without_request_id(answer: Answer) -> tuple[int, dict[str, str], str]:
    return (
        answer.status,
        {k: v for k, v in answer.headers.items() if k != "X-Request-Id"},
        answer.body,
    )
