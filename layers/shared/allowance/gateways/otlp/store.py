"""Log records of OpenTelemetry, as a collector exports them."""

from collections.abc import Sequence

from allowance.errors import Problem, ValidationFailed
from allowance.gateways.otlp.export_models import ExportAnswer, LogExport, PartialSuccess
from allowance.gateways.otlp.logs import NAMES, OTHER_SIGNALS, read_logs
from allowance.gateways.parsed import Parsed
from allowance.gateways.recording import DoorStore
from allowance.rbac.policy import USAGE, Action

SOURCE = "otlp"
MAX_SHOWN = 20
"""The most problems in a response. A collector writes them into one line of its log."""


class LogStore(DoorStore):
    """Records the calls that log records count."""

    source = SOURCE
    names = NAMES

    def record(self, export: LogExport) -> ExportAnswer:
        """Record the calls of an export, and return what is not recorded. Raise NotAuthorized,
        ValidationFailed.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        document = {"resourceLogs": export.resource_logs}
        parsed = read_logs(document, self._sender(db, export))
        self._record(parsed)
        return answer_of(parsed)

    def refuse_metrics(self) -> None:
        """Raise ValidationFailed: metrics count what logs count. Raise NotAuthorized."""
        self._refuse("resourceMetrics")

    def refuse_traces(self) -> None:
        """Raise ValidationFailed: spans repeat the counts of their parts. Raise NotAuthorized."""
        self._refuse("resourceSpans")

    def _refuse(self, signal: str) -> None:
        self._gate.check(Action.CREATE, USAGE)
        raise ValidationFailed([Problem(signal, OTHER_SIGNALS[signal])])


def answer_of(parsed: Parsed) -> ExportAnswer:
    """Return the response to an export: what is refused, noted and ignored, in one text."""
    refused = len(parsed.lost)
    texts = [
        _listed(f"{refused} log records are not recorded", parsed.refused),
        _listed("Some are recorded without a cost", parsed.noted),
    ]
    if parsed.ignored:
        texts.append(f"{parsed.ignored} log records of other events are ignored.")
    message = " ".join(filter(None, texts))
    if not message:
        return ExportAnswer()
    success = PartialSuccess(rejected_log_records=str(refused), error_message=message)
    return ExportAnswer(partial_success=success)


def _listed(title: str, problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    more = len(problems) - MAX_SHOWN
    shown = "; ".join(map(str, problems[:MAX_SHOWN])) + (f"; and {more} more" if more > 0 else "")
    return f"{title}: {shown}."
