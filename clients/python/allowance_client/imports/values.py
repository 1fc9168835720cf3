"""The values of files, as vendors write them. Each function returns the usual form of a value, and
raises ValueError with the reason.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, cast

MAX_COUNT = 10**12
MAX_USD = 10**9
MAX_COST_USD = 10**7
"""The most that one record, or one row of a day, may cost."""

MAX_NAME = 255
FIRST_TIME = datetime(2020, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(minutes=5)

EXACT = Context(prec=80)
"""Sums of money lose no digit."""

_PLAIN = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,20}(?:\.0{1,6})?", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?P<zone> ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?",
    re.ASCII | re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[0-9][,' \u00a0\u202f_][0-9]|[0-9]\.[0-9]{3}\.")


class Number(float):
    """A number of JSON that is not whole, with its digits as they are in the file."""

    text: str

    @classmethod
    def of(cls, text: str) -> "Number":
        """Return the number of a literal. Raise ValueError for one that no float has."""
        made = cls(text)
        if made in {float("inf"), float("-inf")}:
            raise ValueError(f"the number {text[:20]} is too large")
        made.text = text
        return made


def count_of(value: Any) -> int:
    """Return a whole number from 0 to 1e12: `12`, `12.0` or `"12"`. An empty text is 0."""
    if value is None or value == "":
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, float) and value.is_integer():
        found = int(value)
    elif isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        found = int(value.strip().partition(".")[0])
    else:
        raise ValueError(_not_a_number(value, "a whole number"))
    if not 0 <= found <= MAX_COUNT:
        raise ValueError("must be from 0 to 1000000000000")
    return found


def usd_of(value: Any) -> Decimal:
    """Return an exact amount of US dollars. A leading `$` is allowed."""
    if isinstance(value, bool) or value is None:
        raise ValueError("must be an amount of US dollars")
    text = str(getattr(value, "text", value)).strip().removeprefix("$")
    if not _PLAIN.fullmatch(text):
        raise ValueError(_not_a_number(value, "an amount like 0.25"))
    amount = Decimal(text)
    if abs(amount) > MAX_USD:
        raise ValueError(f"must be at most {MAX_USD} US dollars")
    return amount


def usd_text(amount: Decimal) -> str:
    """Return an amount without an exponent, rounded half-even to 1e-12."""
    text = format(amount.quantize(Decimal("1e-12"), context=EXACT), "f")
    return text.rstrip("0").rstrip(".")


def name_of(value: Any) -> str:
    """Return a name that the service accepts."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError("required, a text")
    if len(value) > MAX_NAME:
        raise ValueError(f"must have at most {MAX_NAME} characters")
    if not value.isprintable() or value != value.strip():
        raise ValueError("must have no control characters, nor spaces around it")
    if "\ufffd" in value:
        raise ValueError("has U+FFFD, which stands for text that was not UTF-8")
    return value


def time_of(value: Any, *, in_utc: bool = False) -> datetime:
    """Return a time. `in_utc`: the format documents that times without a zone are in UTC."""
    if not isinstance(value, str) or not (found := _TIME.fullmatch(value.strip())):
        raise ValueError("must be a time like 2026-11-22T06:00:00Z")
    zone = found["zone"]
    if zone is None and not in_utc:
        raise ValueError("must have a time zone, like 2026-11-22T06:00:00Z")
    text = value.strip()[: found.start("zone")] if zone else value.strip()
    given = zone.strip().upper() if zone else "Z"
    try:
        return datetime.fromisoformat(text + given.replace("UTC", "Z")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no time: {error}") from error


def unix_time_of(value: Any) -> datetime:
    """Return the time of seconds since 1970."""
    seconds = count_of(value)
    if not seconds or seconds > 1 << 33:
        raise ValueError("must be a time in seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC)


def day_of(value: Any) -> date:
    """Return a day like 2026-11-03, or the day of a time in UTC."""
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"is no day: {error}") from error
    try:
        return time_of(text, in_utc=True).date()
    except ValueError as error:
        raise ValueError("must be a day like 2026-11-03") from error


def object_of(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return a JSON list; an empty one of anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def require_recordable(time: datetime, now: datetime) -> datetime:
    """Return the time. Raise ValueError if the service refuses usage of it."""
    if not FIRST_TIME <= time <= now + MAX_AHEAD:
        raise ValueError("must be from 2020-01-01 to five minutes from now")
    return time


def rfc3339(time: datetime) -> str:
    """Return a time in UTC as RFC 3339."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _not_a_number(value: Any, wanted: str) -> str:
    if not isinstance(value, str):
        return f"must be {wanted}"
    if re.fullmatch(r"-?[0-9]+,[0-9]+", value.strip()) and not re.fullmatch(
        r"-?[0-9]{1,3},[0-9]{3}", value.strip()
    ):
        return f"has a decimal comma: must be {wanted}"
    if _SEPARATORS.search(value):
        return f"has separators between its digits: must be {wanted}"
    return f"must be {wanted}"
