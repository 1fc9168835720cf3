"""A Secrets Manager for the tests of logins."""

from collections.abc import Generator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.secrets import SIGNED_IN


@pytest.fixture(scope="module")
def secrets_manager() -> Generator[Any]:
    """A client of moto's Secrets Manager. The functions reach it over HTTP, like AWS's own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **SIGNED_IN,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{host}:{port}",
        }.items():
            patch.setenv(name, value)
        yield boto3.client("secretsmanager", "eu-west-1")
    server.stop()
