"""The published schema of the directory document is the one that an import reads."""

import json

import jsonschema
import pytest

from allowance.directory.reading import _Outline  # pyright: ignore[reportPrivateUsage]
from local.directory_schema import SCHEMA_FILE, schema
from tests.people import DIRECTORY


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text() == schema(), "run `make directory-schema`"
    assert json.loads(schema())["properties"].keys() == _Outline.model_fields.keys()


def test_the_schema_takes_documents_and_refuses_misspelt_ones() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    groups = ["a", {"name": "b", "renamed_from": "c"}]
    validator.validate(DIRECTORY)
    validator.validate({"organizations": [{"name": "acme", "groups": groups}]})
    for wrong in ({"user": []}, {"users": [{"user_name": "a"}]}, {"users": [{"usernam": "a"}]}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(wrong)
