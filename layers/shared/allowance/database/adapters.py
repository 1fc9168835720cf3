"""Conversion of values between Python and Postgres: times in UTC, arrays in the binary format."""

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader

from allowance.database.arrays import ARRAYS


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Register the loader of times and the dumpers of arrays with a connection."""
    connection.adapters.register_loader("timestamptz", TimeInUtc)
    for kind in ARRAYS:
        connection.adapters.register_dumper(
            kind, type(kind.__name__, (ArrayDumper,), {"oid": kind.array_oid})
        )


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
