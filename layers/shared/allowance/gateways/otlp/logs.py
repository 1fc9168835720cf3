"""OTLP/HTTP in JSON: log records that count tokens become usage records. Pure.

https://opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding" and "Partial Success". Bodies of
log records and attributes with prompts end here: of them, only a digest goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, cast

from allowance.contract.fields import rfc3339
from allowance.errors import Problem, ValidationFailed
from allowance.gateways.identity import HEADER, is_name
from allowance.gateways.otlp import claude_code, gen_ai
from allowance.gateways.otlp.attributes import DIGITS, attributes_of
from allowance.gateways.parsed import NO_IDENTITY, RESERVATION_KEY, Parsed, Refused, Sender, missing
from allowance.usage.content import canonical_json

OWN_USER = "allowance.user"
"""The attribute of the resource that names the user, if the settings of the source name no field. A
collector sets it.
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS_BELOW = 1 << 63
"""A later time is after the year 2262."""

NAMES: Mapping[str, str] = {
    "id": "attributes",
    "user": "attributes",
    "provider": "attributes",
    "model": "attributes",
    "variant": "attributes",
    "tokens": "attributes",
    "usage": "attributes",
    RESERVATION_KEY: "attributes",
    "occurred_at": "timeUnixNano",
}
"""The log record's names of the fields of a usage record: its attributes have many names."""

OTHER_SIGNALS = {
    "resourceMetrics": "Metrics are refused, because they would count twice. Send logs.",
    "resourceSpans": "Traces are refused, because spans repeat the counts of their parts. Send"
    " logs.",
}


class LogRecord(NamedTuple):
    """A log record with its place, and the attributes of its resource."""

    place: str
    resource: Mapping[str, Any]
    scope: object
    content: Mapping[str, Any]


type Call = tuple[dict[str, Any], list[Problem]]
"""The fields of a usage record that say what a call used, and why it has no cost yet, if so."""

type CallReader = Callable[[LogRecord, Mapping[str, Any]], Call | None]


def read_logs(
    document: Mapping[str, Any], sender: Sender, calls: CallReader | None = None
) -> Parsed:
    """Return the usage records of an export of logs. Raise ValidationFailed for a document that is
    no such export. `calls` reads the log records of a sender with attributes of its own.
    """
    parsed = Parsed()
    try:
        for record in log_records(document):
            _read(record, sender, parsed, calls or call_of)
    except RecursionError:
        raise ValidationFailed([Problem("resourceLogs", "Is nested too deeply.")]) from None
    return parsed


def require_logs(document: Mapping[str, Any]) -> None:
    """Raise ValidationFailed for a document of another signal, or in other names."""
    for name, detail in OTHER_SIGNALS.items():
        if name in document:
            raise ValidationFailed([Problem(name, detail)])
    if document and "resourceLogs" not in document:
        raise ValidationFailed([Problem("resourceLogs", "Missing: names are in lowerCamelCase.")])


def log_records(document: Mapping[str, Any]) -> Iterator[LogRecord]:
    """Yield the log records of an export. Raise ValidationFailed."""
    for place, one in _objects(document, "", "resourceLogs"):
        holder: object = one.get("resource") or {}
        if not isinstance(holder, dict):
            raise ValidationFailed([Problem(f"{place}.resource", "Must be an object.")])
        try:
            resource = attributes_of(cast("dict[str, Any]", holder))
        except Refused as error:
            problems = [Problem(f"{place}.resource.{p.field}", p.detail) for p in error.problems]
            raise ValidationFailed(problems) from error
        for inner, scoped in _objects(one, f"{place}.", "scopeLogs"):
            for path, content in _objects(scoped, f"{inner}.", "logRecords"):
                yield LogRecord(path, resource, scoped.get("scope"), content)


def event_of(content: Mapping[str, Any], attributes: Mapping[str, Any]) -> str | None:
    """Return the name of the event of a log record."""
    name = content.get("eventName") or attributes.get("event.name")
    return name if isinstance(name, str) else None


def occurred_at(content: Mapping[str, Any]) -> datetime:
    """Return the time of a log record; what is finer than microseconds is cut off. Raise Refused.

    0 stands for an unknown time.
    """
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        value = content.get(name)
        if _is_unset(value):
            continue
        if isinstance(value, str) and DIGITS.fullmatch(value):
            value = int(value)
        if type(value) is not int or not 0 <= value < NANOSECONDS_BELOW:
            raise missing(name, "Must be nanoseconds since 1970, as a whole number or its text.")
        return EPOCH + timedelta(microseconds=value // 1000)
    raise missing("timeUnixNano", "Missing, and observedTimeUnixNano is missing too.")


def id_of(record: LogRecord, attributes: Mapping[str, Any]) -> str:
    """Return the digest of a log record: a second export of it has the same one.

    It is of the resource, the scope, the event, the attributes and the time.
    """
    scope, content = record.scope, record.content
    times = [content.get(each) for each in ("timeUnixNano", "observedTimeUnixNano")]
    time = next((str(each) for each in times if not _is_unset(each)), None)
    name = cast("dict[str, Any]", scope).get("name") if isinstance(scope, dict) else None
    whole = [record.resource, name, content.get("eventName"), attributes, time]
    return sha256(canonical_json(whole).encode()).hexdigest()


def user_of(record: LogRecord, attributes: Mapping[str, Any], sender: Sender) -> str:
    """Return the user that the first trusted field names; NO_IDENTITY if none does.

    A field that the resource and the record state differently names nobody: one of the two comes
    from the machine of the caller. A header is an attribute of its name in an access log.
    """
    if not sender.identity:
        return _agreed(record.resource.get(OWN_USER)) or NO_IDENTITY
    for field in sender.identity:
        name = field.removeprefix(HEADER).lower() if field.startswith(HEADER) else field
        stated = (record.resource.get(name), attributes.get(name))
        if (found := _agreed(*stated)) is not None:
            return found or NO_IDENTITY
    return NO_IDENTITY


def _agreed(*stated: object) -> str | None:
    """Return the name that the values state; empty if they differ, None if there is none."""
    names = {str(each) for each in stated if each not in gen_ai.ABSENT and is_name(each)}
    return None if not names else names.pop() if len(names) == 1 else ""


def call_of(record: LogRecord, attributes: Mapping[str, Any]) -> Call | None:
    """Return the call that a log record counts. None: it is another event. Raise Refused."""
    if _is_of_claude_code(record, attributes):
        return claude_code.call_of(_with_resource(record, attributes)), []
    if gen_ai.has_usage(attributes):
        return gen_ai.call_of(_with_resource(record, attributes))
    return None


def _read(record: LogRecord, sender: Sender, parsed: Parsed, calls: CallReader) -> None:
    try:
        attributes = attributes_of(record.content)
        if (found := calls(record, attributes)) is None:
            parsed.ignored += 1
            return
        call, notes = found
        usage = {
            "source": sender.source,
            "id": id_of(record, attributes),
            "user": user_of(record, attributes, sender),
            "occurred_at": rfc3339(occurred_at(record.content)),
            **call,
        }
    except Refused as error:
        parsed.refuse(record.place, error.problems)
        return
    parsed.noted.extend(Problem(f"{record.place}.{each.field}", each.detail) for each in notes)
    parsed.add(record.place, usage)


def _with_resource(record: LogRecord, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes, and those of the resource that count nothing: a collector adds its
    provider there.
    """
    names = (*gen_ai.PROVIDERS, *gen_ai.MODELS)
    added = {name: record.resource[name] for name in names if name in record.resource}
    return added | dict(attributes)


def _is_unset(value: object) -> bool:
    return value is None or value in ("", 0, "0")


def _is_of_claude_code(record: LogRecord, attributes: Mapping[str, Any]) -> bool:
    body = record.content.get("body")
    text = cast("dict[str, Any]", body).get("stringValue") if isinstance(body, dict) else None
    event = event_of(record.content, attributes)
    return claude_code.is_request(event, text, record.resource.get("service.name"))


def _objects(
    holder: Mapping[str, Any], before: str, name: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    listed = holder.get(name)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise ValidationFailed([Problem(f"{before}{name}", "Must be a list.")])
    for place, each in enumerate(cast("list[object]", listed)):
        path = f"{before}{name}[{place}]"
        if not isinstance(each, dict):
            raise ValidationFailed([Problem(path, "Must be an object.")])
        yield path, cast("dict[str, Any]", each)
