"""ImportUsage's work: record the calls in a file of S3, all of it or none.

The first folder of the key names the format: `PREFIX/litellm-spend-logs/2026/11/03.json.gz`. What
became of the file is written beside it, as KEY.result.json. Readers of formats are the client's;
the function brings them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal, Protocol

from pydantic import ValidationError

from allowance.access.store import Store
from allowance.aws.s3 import s3_download, s3_object
from allowance.contract.fields import Body, Row
from allowance.contract.validation import as_phrases, problems_of
from allowance.errors import Problem, ValidationFailed
from allowance.log import logger
from allowance.metrics import count_imported_usage
from allowance.rbac.policy import USAGE, Action
from allowance.usage.import_settings import import_source
from allowance.usage.models import UsageAnswer
from allowance.usage.recording import record
from allowance.usage.settling import NOBODY

RESULT = ".result.json"

OF_BEDROCK = ("/data/", "amazon-bedrock-logs-permission-check")
"""Parts of keys that Bedrock writes beside its logs: large bodies, and a test of the bucket."""


class ImportedFile(Protocol):
    """A file that is read whole before its records are taken."""

    def check(self) -> bool:
        """Return whether every row is understood."""
        ...

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records. The results of each batch follow by `add`."""
        ...

    def add(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Add the results of a batch."""
        ...

    def document(self) -> dict[str, Any]:
        """Return what became of the file, with its `status`."""
        ...


type OpenFile = Callable[[BinaryIO, str, Callable[[str], Sequence[str]]], ImportedFile]
"""Opens the bytes of a file in a format, with the way to the identity fields of a source."""

ImportStatus = Literal["recorded", "incomplete", "refused", "ignored"]


class ImportedObject(Row):
    """What became of an object. `ignored`: it is no log."""

    key: str
    status: ImportStatus


class ObjectRequest(Body):
    """The object to import, as an operator names it."""

    key: str


class SourceIdentity(Row):
    """The fields of a source's messages that name the user, best first."""

    identity: list[str]


class UsageImportStore(Store):
    """Usage from files, recorded by a system actor. Each method raises NotAuthorized."""

    def identity_of(self, source: str) -> list[str]:
        """Return the identity fields of the source's settings, none without settings."""
        db = self._gate.open(Action.CREATE, USAGE)
        found = db.first(SourceIdentity, "get_source_identity", source=source)
        return found.identity if found else []

    def record(self, records: Sequence[object]) -> list[UsageAnswer]:
        """Record what is new, and return the result of each record, in order."""
        db = self._gate.open(Action.CREATE, USAGE)
        return record(db, records, datetime.now(UTC), NOBODY)


def requested_object(parameters: Mapping[str, Any]) -> str:
    """Return the key of `{"key": "litellm-spend-logs/1.json"}`, or of S3's event about an object.
    Raise ValidationFailed.
    """
    try:
        return ObjectRequest.model_validate(parameters).key
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error, ObjectRequest))) from error


def import_object(store: UsageImportStore, open_file: OpenFile, key: str) -> ImportedObject:
    """Record the calls in an object, and write the result beside it. A file with a row that is not
    understood is refused whole.

    The same object again changes nothing. Raise BadSetting, and the errors of boto3.
    """
    source = import_source()
    if not key.startswith(source.prefix):
        raise ValidationFailed([Problem("key", f"must begin with {source.prefix}")])
    name, _, rest = key.removeprefix(source.prefix).partition("/")
    if not rest or key.endswith(RESULT) or any(each in key for each in OF_BEDROCK):
        return ImportedObject(key=key, status="ignored")
    with s3_download(source.bucket, key) as content:
        file = open_file(content, name, store.identity_of)
        if file.check():
            for batch in file.batches():
                file.add([_result(each) for each in store.record(batch)])
        document: dict[str, Any] = {"key": key, **file.document()}
    properties = {"ContentType": "application/json"} | source.encryption
    with s3_object(source.bucket, key + RESULT, properties) as sink:
        sink.write(json.dumps(document, indent=1).encode())
    status: ImportStatus = document["status"]
    count_imported_usage(
        usages=document.get("recorded", 0),
        refused_files=int(status == "refused"),
        refused_usages=document.get("conflict", 0) + document.get("rejected", 0),
    )
    if status != "recorded":
        # The alarm of jobs sees it. The log has no row of the file: it may hold names of people.
        logger().error("import", key=key, status=status, problems=document.get("total_problems"))
    return ImportedObject(key=key, status=status)


def _result(answer: UsageAnswer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "priced": answer.priced,
        "attributed": answer.attributed,
        "validations": [each.model_dump() for each in answer.validations],
    }
