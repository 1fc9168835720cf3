"""Rows of files as requests: records of usage, and what vendors counted."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

from allowance_client.cli.api import Api, connected, path
from allowance_client.cli.options import Options
from allowance_client.cli.problems import NotAllDone
from allowance_client.cli.progress import progress
from allowance_client.cli.tables import figures, show, texts, warn
from allowance_client.errors import ApiError, Unavailable
from allowance_client.imports.batches import batches
from allowance_client.imports.files import ImportFile
from allowance_client.imports.formats import SOURCES, VENDORS
from allowance_client.imports.outcomes import Outcome
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorRow
from allowance_client.imports.usage_file import UsageFile

MAX_NAMED = 10
"""The names of users and models that a summary has. --json has all."""

ROW = re.compile(r"rows\[([0-9]{1,9})\]", re.ASCII)
"""The place of a row in a request."""

REJECTED = "Some rows are not recorded: correct them, and import the file again."
CONFLICTS = (
    "Some calls were recorded before with other content, by another way or from another file. They"
    " count once, as they were recorded then."
)

REFUSALS = frozenset({403, 404})


def import_usage(
    stream: BinaryIO, form: str, given: ImportOptions, options: Options, *, is_dry: bool
) -> None:
    """Record the calls of a file. Raise UsageProblem, ImportRefused, NotAllDone."""
    if is_dry:
        rows, left_out = _check(UsageFile(stream, form, given))
        _show({"rows": rows, "left_out": left_out}, options, left_out, [["would send", str(rows)]])
        return
    with connected(options) as api:
        file = UsageFile(stream, form, _with_identity(given, form, api))
        total, left_out = _check(file)
        outcome = _send(api, file, total)
        document = outcome.document() | {"left_out": left_out}
        _show(document, options, left_out, _usage_rows(outcome))
        for each in outcome.not_recorded:
            warn(f"{each['place']} ({each['id']}): {each['reason']}")
        if not outcome.is_complete:
            raise NotAllDone(REJECTED if outcome.statuses["rejected"] else CONFLICTS)


def _with_identity(given: ImportOptions, form: str, api: Api) -> ImportOptions:
    """Take the fields that name the user from the source's settings, if none are given."""
    if given.identity:
        return given
    try:
        settings = api.get(path("ai", "sources", given.source or SOURCES[form]), retry=True)
    except ApiError as error:
        if error.status not in REFUSALS:
            raise
        return given
    return replace(given, identity=tuple(settings["identity"]))


def _check(file: UsageFile) -> tuple[int, dict[str, int]]:
    with progress("Reading") as advance:
        checked = file.check(advance)
    if checked.refusal is not None:
        raise checked.refusal
    return checked.rows, dict(checked.left_out)


def _send(api: Api, file: UsageFile, total: int) -> Outcome:
    outcome = Outcome()
    with progress("Importing", total) as advance:
        for batch in batches(file.rows(), lambda row: row.record):
            body = {"records": [each.record for each in batch]}
            with _saying_how_far(outcome.statuses.total(), total):
                answer = api.send(path("ai", "usage"), body)
            outcome.add(batch, answer["results"])
            advance(len(batch))
    return outcome


@contextmanager
def _saying_how_far(sent: int, total: int) -> Generator[None]:
    try:
        yield
    except (ApiError, Unavailable):
        if sent:
            warn(f"{sent} of {total} rows were sent. Import the file again: they count once.")
        raise


@contextmanager
def naming_rows(rows: Sequence[VendorRow]) -> Generator[None]:
    """Name what the service refuses by its model and day, not by its place in the request."""
    try:
        yield
    except ApiError as error:
        for each in error.validations:
            found = ROW.match(each.field)
            if found and int(found[1]) < len(rows):
                row = rows[int(found[1])]
                field = each.field[found.end() :].removeprefix(".")
                warn(f"sum of {row.model} on {row.day}, {field or 'row'}: {each.detail}")
        raise


def _usage_rows(outcome: Outcome) -> list[list[str]]:
    document = outcome.document()
    rows = [[each, str(document[each])] for each in ("recorded", "duplicate")]
    rows += [[each, str(document[each])] for each in ("conflict", "rejected") if document[each]]
    for title, names in (("no price", outcome.unpriced), ("no user", outcome.unattributed)):
        rows += [[f"{title}: {name}", str(count)] for name, count in names.most_common(MAX_NAMED)]
        rest = sum(names.values()) - sum(count for _, count in names.most_common(MAX_NAMED))
        rows += [[f"{title}: others", str(rest)]] if rest else []
    return rows


def import_vendor_rows(
    file: ImportFile, form: str, given: ImportOptions, options: Options, *, is_dry: bool
) -> None:
    """Store what a vendor counted, for reconciliation. Raise UsageProblem, ImportRefused."""
    findings = Findings()
    rows: list[VendorRow] = []
    with progress("Reading") as advance, findings.all_of_them():
        for row in VENDORS[form](file, given, findings):
            rows.append(row)
            advance(1)
    left_out = dict(findings.left_out)
    documents = [each.document() for each in rows]
    if is_dry:
        shown = [["would send", str(len(rows))]]
        _show({"rows": documents, "left_out": left_out}, options, left_out, shown)
        return
    statuses: dict[str, int] = {}
    with connected(options) as api, progress("Importing", len(rows)) as advance:
        route = api.in_organization("ai", "vendor-usage")
        for batch in batches(documents, lambda document: document):
            sent = sum(statuses.values())
            with _saying_how_far(sent, len(rows)), naming_rows(rows[sent:]):
                answer = api.send(route, {"rows": batch})
            for result in answer["results"]:
                statuses[result["status"]] = statuses.get(result["status"], 0) + 1
            advance(len(batch))
    shown = [[status, str(count)] for status, count in sorted(statuses.items())]
    _show({"rows": len(rows), **statuses, "left_out": left_out}, options, left_out, shown)


def _show(
    document: Mapping[str, Any],
    options: Options,
    left_out: Mapping[str, int],
    rows: list[list[str]],
) -> None:
    show(document, options, [*texts("RESULT"), *figures("ROWS")], rows)
    for reason, count in left_out.items():
        warn(f"left out: {reason} ({count})")
