"""Import a document into the directory, as ImportDirectory does."""

import json
from typing import Any

import pytest

import import_directory
from allowance.errors import ValidationFailed
from tests.gateway import Context


def apply(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(import_directory.handler(document, Context())))


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationFailed) as caught:
        import_directory.handler(document, Context())
    return str(caught.value).splitlines()
