"""`allowance import`: files of other programs. A file is read whole before anything is sent."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from allowance_client.cli.import_plans import import_budgets, import_users
from allowance_client.cli.import_rows import import_usage, import_vendor_rows
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.imports.files import ImportFile
from allowance_client.imports.formats import (
    FORMATS,
    LITELLM_CONFIG,
    LITELLM_USERS,
    USAGE,
    format_of,
    require_format,
)
from allowance_client.imports.problems import ImportRefused
from allowance_client.imports.rows import ImportOptions

AUTO = "auto"

app = App(name="import", help_format="plaintext")


@app.default
def import_file(
    name: Annotated[str, Parameter(name="FORMAT", help=f"{AUTO}, or one of {', '.join(FORMATS)}.")],
    path: Annotated[Path, Parameter(name="FILE", help="The file, which may be compressed (gzip).")],
    /,
    *,
    source: Annotated[
        str,
        Parameter(
            show_default=False, help="Logs: the source of the records. Default: litellm or bedrock."
        ),
    ] = "",
    user_from: Annotated[
        tuple[str, ...],
        Parameter(
            show_default=False,
            help="Logs: the field that names the user, like end_user; again for the next best."
            " Default: `identity` of the source's settings.",
            negative="",
        ),
    ] = (),
    provider: Annotated[
        str, Parameter(show_default=False, help="Logs: the provider of rows that name none.")
    ] = "",
    account: Annotated[
        str,
        Parameter(show_default=False, help="Reports of a vendor: your name of the account there."),
    ] = "",
    dry_run: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Read the file, and send nothing."),
    ] = False,
    options: Options = DEFAULTS,
) -> None:
    """Import a file of another program: logs of calls as usage, reports of a
    vendor for reconciliation, budgets and users of LiteLLM.

    A file is read whole first. If a row is not understood, nothing is imported.
    The same import again changes nothing.
    """
    given = ImportOptions(
        source=source,
        identity=user_from,
        provider=provider,
        account=account,
        is_identity_asked=bool(user_from),
    )
    try:
        with path.open("rb") as stream:
            file = ImportFile(stream)
            form = format_of(file) if name == AUTO else name
            require_format(file, form)
            if form in USAGE:
                import_usage(stream, form, given, options, is_dry=dry_run)
            elif form == LITELLM_CONFIG:
                import_budgets(file, options, is_dry=dry_run)
            elif form == LITELLM_USERS:
                import_users(file, options)
            else:
                import_vendor_rows(file, form, given, options, is_dry=dry_run)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from error
    except ImportRefused as error:
        raise UsageProblem(f"{path} is not imported:\n{error}") from error
