"""How to connect to a database: a URL from the environment, or a secret, which may be rotated at any time."""

from typing import Any, cast

from allowance.settings import BadSetting, DatabaseSource

SECRET_MAX_AGE_SECONDS = 300
REQUIRED = ("host", "dbname", "username", "password")

FIELDS = {
    "host": "host",
    "port": "port",
    "dbname": "dbname",
    "username": "user",
    "password": "password",
    "sslmode": "sslmode",
}
"""Names in a secret as Amazon RDS writes it (sslmode is ours) -> names in libpq."""


def connection_parameters(source: DatabaseSource, *, fresh: bool = False) -> dict[str, Any]:
    """Keyword arguments for psycopg.connect. `fresh` asks Secrets Manager anew, for when the password was refused."""
    if source.secret_arn is None:
        return {"conninfo": source.url}
    # Imports boto3, the largest part of a cold start: only here, where a secret must be fetched.
    from aws_lambda_powertools.utilities import parameters

    secret = cast(
        "dict[str, Any]",
        parameters.get_secret(  # pyright: ignore[reportUnknownMemberType]
            source.secret_arn, transform="json", max_age=SECRET_MAX_AGE_SECONDS, force_fetch=fresh
        ),
    )
    if missing := [name for name in REQUIRED if name not in secret]:
        # RDS's own master secret has a username and a password only, and libpq would try a local socket.
        raise BadSetting(f"The secret {source.secret_arn} lacks {', '.join(missing)}.")
    return {ours: secret[theirs] for theirs, ours in FIELDS.items() if theirs in secret}
