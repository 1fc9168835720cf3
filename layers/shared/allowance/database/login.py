"""The parameters of a connection: from a URL, from a secret with a password, or from a token that
the function's role signs.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allowance.aws.secrets import fetch_secret
from allowance.aws.settings import aws_credentials
from allowance.aws.signature import database_token
from allowance.database.settings import DatabaseSource
from allowance.settings import BadSetting

CERTIFICATES = Path(__file__).with_name("certificates")
"""The authorities that `verify-full` trusts: Amazon RDS by region, each with those of RDS Proxy."""

_REGION = re.compile(r"\.((?:[a-z]+-)+\d+)\.")

KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
}
"""Seconds (`keepalives_*`) and milliseconds (`tcp_user_timeout`). A server that vanishes without
closing its connection is detected before the function times out.
"""

# After a failover the old address may lead to a standby, which accepts reads and refuses writes.
WRITABLE: dict[str, Any] = {"target_session_attrs": "read-write"}

FIELDS = {
    "host": "host",
    "port": "port",
    "dbname": "dbname",
    "username": "user",
    "password": "password",
}
"""Names in a secret as Amazon RDS writes it -> names in libpq."""


def connection_parameters(source: DatabaseSource) -> dict[str, Any]:
    """Return keyword arguments for psycopg.connect, for one connection: the next may need another
    password.

    A secret provides what the source does not state. RDS's own master secret has only a username
    and a password. For a server outside of AWS, whose certificate Amazon did not sign, the secret
    sets `sslmode`. Raise BadSetting, and DatabaseUnavailable while the secret cannot be fetched.
    """
    if source.url is not None:
        user = {"user": source.user} if source.user is not None else {}
        return {"conninfo": source.url, **user, **KEEPALIVES, **WRITABLE}
    stated = {"host": source.host, "port": source.port, "dbname": source.name, "user": source.user}
    found: dict[str, Any] = {ours: value for ours, value in stated.items() if value is not None}
    if source.secret_arn is not None:
        secret = fetch_secret(source.secret_arn)
        found = {
            ours: secret[theirs] for theirs, ours in FIELDS.items() if theirs in secret
        } | found
        found["sslmode"] = secret.get("sslmode", "verify-full")
        if missing := [
            theirs for theirs, ours in FIELDS.items() if ours not in found and ours != "port"
        ]:
            raise BadSetting(f"The secret {source.secret_arn} lacks {', '.join(missing)}.")
    else:
        port = found.setdefault("port", 5432)
        found["password"] = database_token(
            found["host"], port, found["user"], aws_credentials(), datetime.now(UTC)
        )
        found["sslmode"] = "verify-full"
    return {**found, "sslrootcert": str(authorities(found["host"])), **KEEPALIVES, **WRITABLE}


def authorities(host: str) -> Path:
    """Return the file of the authorities for the region in the host's name, else the file of all,
    which takes 0.1 s to read.
    """
    region = _REGION.search(host)
    file = CERTIFICATES / f"{region[1] if region else 'all'}.pem"
    return file if file.exists() else CERTIFICATES / "all.pem"
