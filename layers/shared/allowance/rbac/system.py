"""The system actors: subjects without a credential, each with one role for exactly what its job
does.
"""

from dataclasses import dataclass

from allowance.rbac.policy import Action, Permission, ResourceType, Role, Subject


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A subject, and its name in the audit log."""

    name: str
    subject: Subject


def _actor(name: str, *grants: tuple[ResourceType, Action]) -> SystemActor:
    return SystemActor(
        name, Subject(None, (Role(site=tuple(Permission(*grant) for grant in grants)),))
    )


PRICE_SEEDER = _actor("price-seeder", (ResourceType.AI_MODEL_PRICE, Action.UPDATE))
DIRECTORY_IMPORTER = _actor("directory-importer", (ResourceType.DIRECTORY, Action.UPDATE))
USAGE_INGESTER = _actor("usage-ingester", (ResourceType.AI_USAGE, Action.CREATE))
USAGE_RERATER = _actor("usage-rerater", (ResourceType.AI_USAGE, Action.UPDATE))
ALERT_DELIVERER = _actor("alert-deliverer", (ResourceType.AI_SPEND_ALERT, Action.UPDATE))
SPEND_EXPORTER = _actor(
    "spend-exporter",
    (ResourceType.GROUP, Action.READ),
    (ResourceType.AI_SPEND_EXPORT, Action.UPDATE),
)
USAGE_EXPIRER = _actor("usage-expirer", (ResourceType.AI_USAGE, Action.DELETE))
SYSTEM_ACTORS = (
    PRICE_SEEDER,
    DIRECTORY_IMPORTER,
    USAGE_INGESTER,
    USAGE_RERATER,
    ALERT_DELIVERER,
    SPEND_EXPORTER,
    USAGE_EXPIRER,
)
