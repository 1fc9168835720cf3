"""Files to import, for tests: the samples of tests/data/imports, and changed ones."""

import gzip
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from allowance_client.imports.files import ImportFile
from allowance_client.imports.formats import USAGE, VENDORS
from allowance_client.imports.problems import Findings, ImportRefused
from allowance_client.imports.rows import ImportOptions

SAMPLES = Path(__file__).parent / "data/imports"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def file_of(content: str | bytes) -> ImportFile:
    return ImportFile(io.BytesIO(content if isinstance(content, bytes) else content.encode()))


def records(
    name: str, content: str | bytes, findings: Findings | None = None, **options: Any
) -> list[dict[str, Any]]:
    """The records of a file. ImportRefused: it has a problem."""
    found = findings or Findings()
    with found.all_of_them():
        rows = USAGE[name](file_of(content), ImportOptions(**{"now": NOW} | options), found)
        return [each.record for each in rows]


def vendor_rows(
    name: str, content: str | bytes, findings: Findings | None = None, **options: Any
) -> list[dict[str, Any]]:
    """The rows for reconciliation. ImportRefused: the file has a problem."""
    found = findings or Findings()
    with found.all_of_them():
        rows = VENDORS[name](file_of(content), ImportOptions(**{"now": NOW} | options), found)
        return [each.document() for each in rows]


def refusal(name: str, content: str | bytes, **options: Any) -> list[str]:
    """The problems of a file, as they are shown."""
    read = records if name in USAGE else vendor_rows
    with pytest.raises(ImportRefused) as error:
        read(name, content, **options)
    return str(error.value).split("\n")


def compressed(content: str) -> bytes:
    return gzip.compress(content.encode())
