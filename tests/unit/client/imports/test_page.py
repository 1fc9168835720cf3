"""docs/imports.md names what there is."""

import re
from pathlib import Path

from allowance_client.cli.importing import app
from allowance_client.imports.formats import FORMATS

PAGE = (Path(__file__).parents[4] / "docs/imports.md").read_text()


def test_the_page_has_each_format_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == list(FORMATS)


def test_the_page_has_each_option_of_logs_and_reports() -> None:
    options = {name for each in app.assemble_argument_collection() for name in each.names}
    own = {"--source", "--user-from", "--provider", "--account", "--dry-run", "--organization"}
    assert own <= options
    assert all(name in PAGE for name in own)
