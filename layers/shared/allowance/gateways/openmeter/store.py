"""CloudEvents of OpenMeter and Kong, recorded as usage."""

from allowance.errors import ValidationFailed
from allowance.gateways.openmeter.event_models import Events
from allowance.gateways.openmeter.events import NAMES, read_events
from allowance.gateways.recording import DoorStore
from allowance.rbac.policy import USAGE, Action
from allowance.usage.models import NOT_RECORDED


class EventStore(DoorStore):
    """Records the tokens that events count."""

    source = "openmeter"
    names = NAMES

    def record(self, events: Events) -> None:
        """Record what is new in the events. Raise NotAuthorized.

        Raise ValidationFailed with each event that is not recorded, by its index. The others are
        recorded all the same, and a retry of all changes nothing about them.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        parsed = read_events(events.events, self._sender(db, events), is_batch=events.is_batch)
        results = self._record(parsed)
        if parsed.refused:
            recorded = sum(each.status not in NOT_RECORDED for each in results)
            detail = f"{recorded} of {len(events.events)} events are recorded."
            raise ValidationFailed(parsed.refused, detail=detail)
