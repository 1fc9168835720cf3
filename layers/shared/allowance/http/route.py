"""A route: a method and a path template, and the function that serves it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from allowance.rbac.policy import Action

DEFAULT_PATH = "$default"
"""API Gateway's name of the route for every request that no other route takes."""


class DuplicateRoute(Exception):
    """A function registers one route twice."""


@dataclass(frozen=True)
class Route:
    """A method and a path template, the function that serves it, and whether it wants a
    credential.
    """

    method: str
    path: str
    function: Callable[..., Any]
    public: bool
    needs: Action | None = None
    """What the caller must be allowed to do to the price book, before anything that was sent is
    looked at.
    """

    @property
    def key(self) -> str:
        """The `routeKey` of its events (HTTP API, payload 2.0)."""
        return self.path if self.path == DEFAULT_PATH else self.name

    @property
    def name(self) -> str:
        """The route in log lines and metrics."""
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The function's parameters with their types, and `return`. Resolved at the first request,
        so that a cold start resolves one route only.
        """
        return get_type_hints(self.function, include_extras=True)

    @property
    def is_gated(self) -> bool:
        return "/ai/" in self.path
