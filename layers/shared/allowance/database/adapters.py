"""Conversion of values between Python and Postgres: times in UTC, exact numbers in JSON, arrays in
the binary format.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.json import set_json_loads

from allowance.database.arrays import ARRAYS


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Register the loaders of times and JSON and the dumpers of arrays with a connection."""
    connection.adapters.register_loader("timestamptz", TimeInUtc)
    set_json_loads(_exact_json, connection)
    for kind in ARRAYS:
        connection.adapters.register_dumper(
            kind, type(kind.__name__, (ArrayDumper,), {"oid": kind.array_oid})
        )


def _exact_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. A number with decimals is a Decimal: a float would round."""
    return json.loads(text, parse_float=Decimal)


class ArrayDumper(Dumper):
    """Send an array as its bytes. Each kind of array has a subclass with its own OID."""

    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        return obj


class TimeInUtc(TimestamptzLoader):
    """Load a time in UTC, whatever the time zone of the session.

    Python compares times of one zone by wall clock, which is wrong in the repeated hour of a
    change from daylight saving time.
    """

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)
