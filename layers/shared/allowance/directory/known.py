"""The rows of the database to which a directory document refers."""

from collections.abc import Iterable
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.directory.document import TokenEntry, UserStatus
from allowance.directory.reading import DirectoryDocument, Slice


class Account(Row):
    """A user with the names that no other user may have."""

    id: UUID | None
    username: str
    user_name: str | None
    email: str | None
    status: UserStatus

    @property
    def email_key(self) -> str | None:
        """Return the address, if no other user may have it, as it is compared."""
        return None if self.email is None or self.status == "deleted" else self.email.lower()

    @property
    def user_name_key(self) -> str | None:
        """Return the user name, as it is compared. A deleted user keeps it."""
        return None if self.user_name is None else self.user_name.lower()


class KnownOrganizations(Row):
    """The organizations to which a document refers, and all of their groups."""

    organizations: dict[str, UUID]
    organization_ids: list[UUID]
    """The organizations that the document refers to by id."""
    groups: dict[str, UUID]
    """Keys like `acme/platform`."""


class TokenName(Row):
    """The name of a token that exists."""

    username: str
    name: str

    @property
    def key(self) -> str:
        """Return a key like `adam/laptop`."""
        return f"{self.username}/{self.name}"


def known_organizations(db: Handle, document: DirectoryDocument) -> KnownOrganizations:
    """Return the organizations and groups to which the document refers. One round trip."""
    return db.one(
        KnownOrganizations,
        "known_organizations",
        organizations=sorted(document.organization_names),
        organization_ids=sorted(document.organization_ids),
    )


def known_accounts(
    db: Handle,
    usernames: Iterable[str],
    emails: Iterable[str] = (),
    user_names: Iterable[str] = (),
) -> dict[str, Account]:
    """Return the users by username, and the others that have an address of one of them, one of the
    addresses or one of the user names, which are in lower case. One round trip.
    """
    rows = db.many(
        Account,
        "known_accounts",
        usernames=sorted(usernames),
        emails=sorted(set(emails)),
        user_names=sorted(set(user_names)),
    )
    return {row.username: row for row in rows}


def known_tokens(db: Handle, part: Slice[TokenEntry]) -> set[str]:
    """Return those of the tokens that exist, as keys like `adam/laptop`. One round trip."""
    rows = db.many(
        TokenName,
        "known_tokens",
        token_users=[token.username for _, token in part],
        token_names=[token.name for _, token in part],
    )
    return {row.key for row in rows}
