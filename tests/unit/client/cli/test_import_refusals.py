"""A refusal of the service names what the file has, and not what the request has."""

from datetime import date

import pytest

from allowance_client.cli.import_rows import naming_rows
from allowance_client.errors import ApiError, Validation
from allowance_client.imports.rows import VendorRow


def test_a_row_of_a_request_is_named_by_its_model_and_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [VendorRow("v", None, name, date(2026, 11, 3)) for name in ("m1", "m2")]
    refusal = ApiError(
        400,
        "Bad Request",
        validations=(
            Validation("rows[1].day", "Must not be in the future."),
            Validation("rows[0]", "Is no row."),
            Validation("rows[7].day", "Is of no row here."),
            Validation("rows", "Are too many."),
        ),
    )
    with pytest.raises(ApiError), naming_rows(rows):
        raise refusal
    said = capsys.readouterr().err
    assert "sum of m2 on 2026-11-03, day: Must not be in the future." in said
    assert "sum of m1 on 2026-11-03, row: Is no row." in said
    assert said.count("sum of") == 2
