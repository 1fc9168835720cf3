"""The system actors: subjects without a credential, each with one role for exactly what its job
does, and the login by which it reaches the database.
"""

from dataclasses import dataclass
from enum import StrEnum

from allowance.rbac.policy import Action, Permission, ResourceType, Role, Subject


class Login(StrEnum):
    """The roles of the database that functions log in as. Each has the rights of its functions."""

    ROUTES = "allowance_routes"
    JOBS = "allowance_jobs"
    DIRECTORY = "allowance_directory"


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A subject, its name in the audit log, and its login.

    The database accepts the name from this login only: see migrations/0003_audit.sql.
    """

    name: str
    subject: Subject
    login: Login


def _actor(
    name: str, *grants: tuple[ResourceType, Action], login: Login = Login.JOBS
) -> SystemActor:
    return SystemActor(
        name, Subject(None, (Role(site=tuple(Permission(*grant) for grant in grants)),)), login
    )


PRICE_SEEDER = _actor("price-seeder", (ResourceType.AI_MODEL_PRICE, Action.UPDATE))
DIRECTORY_IMPORTER = _actor(
    "directory-importer", (ResourceType.DIRECTORY, Action.UPDATE), login=Login.DIRECTORY
)
USAGE_INGESTER = _actor("usage-ingester", (ResourceType.AI_USAGE, Action.CREATE))
USAGE_IMPORTER = _actor("usage-importer", (ResourceType.AI_USAGE, Action.CREATE))
USAGE_RERATER = _actor("usage-rerater", (ResourceType.AI_USAGE, Action.UPDATE))
USAGE_ATTRIBUTOR = _actor("usage-attributor", (ResourceType.AI_USAGE, Action.UPDATE))
ALERT_DELIVERER = _actor("alert-deliverer", (ResourceType.AI_SPEND_ALERT, Action.UPDATE))
SPEND_EXPORTER = _actor(
    "spend-exporter",
    (ResourceType.GROUP_MEMBER, Action.READ),
    (ResourceType.AI_SPEND_EXPORT, Action.UPDATE),
)
USAGE_EXPIRER = _actor("usage-expirer", (ResourceType.AI_USAGE, Action.DELETE))
OVERRIDE_EXPIRER = _actor("override-expirer", (ResourceType.USER, Action.UPDATE))
SYSTEM_ACTORS = (
    PRICE_SEEDER,
    DIRECTORY_IMPORTER,
    USAGE_INGESTER,
    USAGE_IMPORTER,
    USAGE_RERATER,
    USAGE_ATTRIBUTOR,
    ALERT_DELIVERER,
    SPEND_EXPORTER,
    USAGE_EXPIRER,
    OVERRIDE_EXPIRER,
)
