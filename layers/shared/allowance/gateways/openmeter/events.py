"""CloudEvents in OpenMeter's form, which Kong's Metering & Billing sends too. Pure.

https://openmeter.io/docs/metering/guides/common-examples, "LLM Token Usage", and
https://developer.konghq.com/how-to/meter-llm-traffic. One event counts one kind of token of a call,
so a call is two events: `data` has `tokens`, `type`, `model` and `provider`.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, cast

from allowance.contract.fields import MAX_NAME_LENGTH
from allowance.errors import Problem
from allowance.gateways.identity import is_name
from allowance.gateways.parsed import NO_IDENTITY, Parsed, Refused, Sender
from allowance.usage.content import canonical_json

KINDS: Mapping[str, str] = {
    "input": "input",
    "prompt": "input",
    "request": "input",
    "system": "input",
    "output": "output",
    "completion": "output",
    "response": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
}
"""`type` of the data -> the class of tokens. Kong writes `request` and `response`."""

SUBJECT = ("subject",)
"""The gateway sets the subject of an event: it is the user, unless the settings of the source name
other fields.
"""

NAMES: Mapping[str, str] = {
    "user": "subject",
    "provider": "data.provider",
    "model": "data.model",
    "occurred_at": "time",
    "tokens": "data.tokens",
}
"""The event's names of the fields of a record."""

VERSION = "1.0"


def read_events(events: Iterable[object], sender: Sender, *, is_batch: bool) -> Parsed:
    """Return the usage records of CloudEvents. A problem has the index of its event in a batch."""
    parsed = Parsed()
    for place, event in enumerate(events):
        path = f"events[{place}]" if is_batch else ""
        try:
            parsed.add(path, record_of(event, sender))
        except Refused as error:
            parsed.refuse(path, error.problems)
    return parsed


def record_of(event: object, sender: Sender) -> dict[str, Any]:
    """Return the usage record of an event. Raise Refused, with every field that is wrong."""
    if not isinstance(event, dict):
        raise Refused(Problem("(event)", "Must be an object."))
    fields = cast("dict[str, Any]", event)
    problems = [*_envelope_problems(fields)]
    data = fields.get("data")
    if not isinstance(data, dict):
        raise Refused(*problems, Problem("data", "Must be an object: no text, and no base64."))
    counts = cast("dict[str, Any]", data)
    problems += [
        Problem(f"data.{name}", "Missing.")
        for name in ("provider", "model", "type", "tokens")
        if counts.get(name) in (None, "")
    ]
    problems += [
        Problem(f"data.{name}", "Is not known: an event counts `tokens` of one `type`.")
        for name in counts
        if name != "tokens" and name.lower().endswith("tokens")
    ]
    kind = counts.get("type")
    if isinstance(kind, str) and kind and kind not in KINDS:
        detail = f"Must be one of {', '.join(KINDS)}."
        problems.append(Problem("data.type", detail))
    if problems:
        raise Refused(*problems)
    if not isinstance(kind, str):
        raise Refused(Problem("data.type", "Must be a text."))
    return {
        "source": sender.source,
        "id": event_id(fields["source"], fields["id"]),
        "user": user_of(fields, counts, sender),
        "provider": counts["provider"],
        "model": counts["model"],
        "occurred_at": fields["time"],
        "tokens": {KINDS[kind]: counts["tokens"]},
    }


def event_id(source: str, name: str) -> str:
    """Return the id of an event's record: both together are unique, by the specification.

    What is no name, or could be read as another pair, becomes a digest.
    """
    whole = f"{source} {name}"
    is_name = len(whole) <= MAX_NAME_LENGTH and whole.isprintable() and whole == whole.strip()
    if is_name and " " not in source:
        return whole
    return sha256(canonical_json([source, name]).encode()).hexdigest()


def user_of(event: Mapping[str, Any], data: Mapping[str, Any], sender: Sender) -> str:
    """Return the user that the first trusted field names; NO_IDENTITY if none does. A field of the
    data is `data.x`.
    """
    for name in sender.identity or SUBJECT:
        holder, key = (data, name[5:]) if name.startswith("data.") else (event, name)
        value = holder.get(key)
        if is_name(value):
            return str(value)
    return NO_IDENTITY


def _envelope_problems(event: Mapping[str, Any]) -> Iterable[Problem]:
    if event.get("specversion", VERSION) != VERSION:
        yield Problem("specversion", f"Must be {VERSION}.")
    for name in ("id", "source", "time"):
        value = event.get(name)
        if not isinstance(value, str) or not value:
            why = " A retry without a time would be another event." if name == "time" else ""
            yield Problem(name, f"Must be a text.{why}")
