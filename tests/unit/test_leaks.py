"""The search for secrets in logs finds each kind of secret, and nothing else."""

from datetime import UTC, datetime

import pytest

from allowance.access.tokens import mint
from allowance.aws.signature import AwsCredentials, database_token, signed_headers
from tests.leaks import PASSWORDS, leaks

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
CREDENTIALS = AwsCredentials("AKID", "key", None, "eu-west-1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{{"authorization": "Bearer {mint().plaintext}"}}', ["a token"]),
        (
            "connecting to postgresql://allowance_routes:hunter2@db.example/allowance",
            ["a connection string"],
        ),
        (
            database_token("db.example", 5432, "allowance_routes", CREDENTIALS, NOW),
            ["a signed credential"],
        ),
        (
            str(signed_headers("secretsmanager", {"host": "x"}, b"", CREDENTIALS, NOW)),
            ["a signed credential"],
        ),
        ("token alw_abc revoked, postgresql://db.example/allowance", []),
    ],
    ids=["token", "connection string", "database token", "signed request", "harmless"],
)
def test_it_sees_secrets_and_nothing_else(text: str, found: list[str]) -> None:
    assert leaks(text) == found


def test_it_sees_the_passwords_that_the_suites_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.leaks.PASSWORDS", PASSWORDS | {"correct-horse"})
    assert leaks('{"cause": "password correct-horse was refused"}') == ["a password"]
