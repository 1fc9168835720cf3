"""HTTP without a network: a `requests` transport that calls the handlers like API Gateway."""

import io
from typing import Any, override

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from tests.gateway import Client

BASE_URL = "http://allowance.test"


class Handlers(BaseAdapter):
    """Sends each prepared request to its handler and converts the result to a response."""

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = Client().send(
            str(request.method),
            request.path_url,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=_text_or_bytes(request.body),
        )
        response = requests.Response()
        response.status_code = answer.status
        response.request, response.url = request, str(request.url)
        response.headers.update(answer.headers)
        body = io.BytesIO(answer.body.encode())
        response.raw = HTTPResponse(
            body, answer.headers, answer.status, version=11, preload_content=False
        )
        return response

    @override
    def close(self) -> None:
        pass


def session() -> requests.Session:
    """A session whose requests to BASE_URL stay in this process."""
    made = requests.Session()
    made.mount(BASE_URL, Handlers())
    return made


def _text_or_bytes(body: object) -> str | bytes | None:
    """API Gateway passes a body as text, or in base64 if it is no text."""
    if not isinstance(body, bytes):
        assert body is None or isinstance(body, str)
        return body
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
