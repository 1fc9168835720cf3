"""How to connect to a database: a URL, a secret that holds a password, or a token that the
function's role signs.
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
"""The authorities of Amazon RDS by region, each with those of RDS Proxy: what `verify-full` trusts.
"""

_REGION = re.compile(r"\.((?:[a-z]+-)+\d+)\.")

KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
}
"""Seconds, and milliseconds: a server that is gone without a word is given up before Lambda gives
up on us.
"""

# A standby that a failover left behind under the old address would take reads and refuse writes.
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
    """Keyword arguments for psycopg.connect, for one connection: the next may need another
    password.

    A secret fills in what the source leaves out; RDS's own master secret has a username and a
    password only. A server outside of AWS, whose certificate Amazon did not sign, is reached with
    `sslmode` in the secret. Raises BadSetting, and DatabaseUnavailable while the secret cannot be
    had.
    """
    if source.url is not None:
        return {"conninfo": source.url, **KEEPALIVES, **WRITABLE}
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
    """The file of those that sign for the region in the host's name, or of all: reading those takes
    0.1 s.
    """
    region = _REGION.search(host)
    file = CERTIFICATES / f"{region[1] if region else 'all'}.pem"
    return file if file.exists() else CERTIFICATES / "all.pem"
