"""The file formats of exports: settings, names of objects and content types know the same."""

from typing import get_args

import pytest

from allowance.exports.job import CONTENT_TYPES, EXTENSIONS
from allowance.exports.settings import FileFormat, export_target
from allowance.settings import BadSetting


def test_each_file_format_has_an_extension_and_a_content_type() -> None:
    assert EXTENSIONS.keys() == CONTENT_TYPES.keys() == set(get_args(FileFormat))


@pytest.mark.parametrize("formats", ["xml", "csv,xml", "CSV", "", ","])
def test_an_unknown_file_format_is_refused(monkeypatch: pytest.MonkeyPatch, formats: str) -> None:
    monkeypatch.setenv("EXPORT_BUCKET", "exports")
    monkeypatch.setenv("EXPORT_FORMATS", formats)
    with pytest.raises(BadSetting, match="EXPORT_FORMATS must be of csv and parquet"):
        export_target()
