"""The options that every command has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

CONNECTION = Group("Connection and output", sort_key=10)


@Parameter(name="*", group=CONNECTION)
@dataclass(frozen=True, kw_only=True)
class Options:
    """How to reach Allowance, and how to print."""

    organization: Annotated[
        str | None,
        Parameter(
            alias="-o",
            help="Name or id. Default: ALLOWANCE_ORGANIZATION, or your only organization.",
        ),
    ] = None
    url: Annotated[str | None, Parameter(help="Address of Allowance. Default: ALLOWANCE_URL.")] = (
        None
    )
    token_file: Annotated[
        Path | None, Parameter(help="File with your token. Default: ALLOWANCE_TOKEN.")
    ] = None
    timeout: Annotated[float, Parameter(help="Seconds for each request, retries included.")] = 30.0
    json: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print the JSON of the API.")
    ] = False


DEFAULTS = Options()
