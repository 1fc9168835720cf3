"""The users whom an import takes from a group or an organization: it locks them first."""

from uuid import UUID

from allowance.access.handle import Handle


def lock_leaving_users(db: Handle, document: str, dropped: list[UUID]) -> None:
    """Lock the users who lose a membership or an override. `dropped` are the ids of the groups that
    the import deletes, and has locked. One round trip.
    """
    db.run("lock_leaving_users", document=document, dropped=dropped)
