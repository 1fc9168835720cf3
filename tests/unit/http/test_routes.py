"""An unknown route gets the response of the contract."""

import pytest

from allowance.errors import MethodNotAllowed, RouteNotFound
from allowance.http.routes import unrouted


def test_a_path_that_exists_names_its_methods() -> None:
    error = unrouted("/api/v2/groups/anything at all/ai/budget")
    assert isinstance(error, MethodNotAllowed)
    assert error.allow == "DELETE, GET, PUT"


def test_a_path_with_a_slash_too_many_says_so() -> None:
    assert unrouted("/api/v2/ai/usage/").detail == "Without the slash at its end, this path exists."
    assert unrouted("/api/v2/nowhere/").detail is None


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "",
        "/api/v2",
        "/api/v2/groups//ai/budget",
        "/api/v2/groups/a/b/ai/budget",
        "/healthz/",
        "/HEALTHZ",
    ],
)
def test_a_path_that_does_not_exist_is_no_route(path: str) -> None:
    assert isinstance(unrouted(path), RouteNotFound)
