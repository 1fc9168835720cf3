"""Envoy AI Gateway's check before a call, and its access log after it."""

from collections.abc import Mapping

from allowance.gateways.envoy.check_models import Checked
from allowance.gateways.envoy.checks import AccessLog, question_of
from allowance.gateways.otlp.export_models import ExportAnswer, LogExport
from allowance.gateways.otlp.logs import NAMES, read_logs
from allowance.gateways.otlp.store import answer_of
from allowance.gateways.parsed import RESERVATION_KEY, Refused
from allowance.gateways.recording import DoorStore, refusal
from allowance.gateways.releasing import Holds
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.models import Reservation

SOURCE = "envoy"


class CheckStore(DoorStore):
    """Decides about calls that go through Envoy."""

    source = SOURCE

    def check(self, provider: str, headers: Mapping[str, str], body: bytes) -> Checked:
        """Hold the estimate of a call. Raise NotAuthorized, ValidationFailed, a RequestRefused, and
        ReservationConflict if the request id held money before.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        try:
            question = question_of(provider, headers, body, self._sender(db, None))
        except Refused as error:
            raise refusal(error) from error
        made = self._reserve(question, once=True)
        if not isinstance(made, Reservation):
            raise TypeError("The question is no dry run.")
        return Checked(reservation_id=made.reservation_id, expires_at=made.expires_at)


class AccessLogStore(DoorStore):
    """Records the calls in Envoy's access log, and settles what their checks held."""

    source = SOURCE
    names = NAMES

    def record(self, export: LogExport) -> ExportAnswer:
        """Record the calls of an export, and return what is not recorded. Release what is held for
        calls that a vendor failed. Raise NotAuthorized, ValidationFailed.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        log = AccessLog(self._sender(db, export))
        document = {"resourceLogs": export.resource_logs}
        parsed = read_logs(document, log.sender, calls=log.call_of)
        keys = {
            place: record[RESERVATION_KEY]
            for place, record in zip(parsed.places, parsed.records, strict=True)
            if RESERVATION_KEY in record
        }
        every_key = {*keys.values(), *(each.key for each in log.failed)}
        holds = Holds.found(db, self._caller.user_id, every_key, log.failed)
        unfit = {
            place
            for place, key in keys.items()
            if holds.is_of_another_model(key, log.models[place])
        }
        self._record(parsed, unfit)
        holds.release(db, log.failed)
        return answer_of(parsed)
