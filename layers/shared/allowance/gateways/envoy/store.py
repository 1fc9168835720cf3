"""Envoy AI Gateway's check before a call, and its access log after it."""

from collections.abc import Mapping

from allowance.gateways.envoy.check_models import Checked
from allowance.gateways.envoy.checks import access_log_reader, question_of
from allowance.gateways.otlp.export_models import ExportAnswer, LogExport
from allowance.gateways.otlp.logs import read_logs
from allowance.gateways.otlp.store import answer_of
from allowance.gateways.parsed import Refused
from allowance.gateways.recording import DoorStore, refusal
from allowance.gateways.releasing import release
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

    def record(self, export: LogExport) -> ExportAnswer:
        """Record the calls of an export, and return what is not recorded. Release what is held for
        calls that a vendor failed. Raise NotAuthorized, ValidationFailed.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        failed: set[str] = set()
        parsed = read_logs(
            {"resourceLogs": export.resource_logs},
            self._sender(db, export),
            calls=access_log_reader(failed),
        )
        self._record(parsed)
        release(db, self._caller.user_id, failed)
        return answer_of(parsed)
