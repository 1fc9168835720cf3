"""Secrets of the database in Secrets Manager."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

SIGNED_IN = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "key",
    "AWS_SESSION_TOKEN": "session",
    "AWS_REGION": "eu-west-1",
}


def secret_of(url: str, **other: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "engine": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "dbname": parts.path.strip("/"),
        "username": parts.username,
        "password": parts.password,
        "sslmode": "disable",
    } | other


def stored(secrets_manager: Any, document: object) -> str:
    """The ARN of a new secret."""
    name = f"secret-{os.urandom(4).hex()}"
    text = document if isinstance(document, str) else json.dumps(document)
    return secrets_manager.create_secret(Name=name, SecretString=text)["ARN"]
