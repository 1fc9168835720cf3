"""A route: a method and a path template, and the function that serves it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import isclass
from typing import Any, get_type_hints

from allowance.access.store import CallerStore
from allowance.rbac.policy import NO_SECRET, Action

DEFAULT_PATH = "$default"
"""API Gateway's name of the route for every request that no other route matches."""


class DuplicateRoute(Exception):
    """A function registers one route twice."""


@dataclass(frozen=True)
class Route:
    """A method and a path template, the function that serves it, and whether it is public (takes
    no credential).
    """

    method: str
    path: str
    function: Callable[..., Any]
    public: bool
    needs: Action | None = None
    """The action on the store's `route_object` that the caller needs. Checked before the query and
    the body.
    """

    @property
    def key(self) -> str:
        """Return the `routeKey` of its events (HTTP API, payload 2.0)."""
        return self.path if self.path == DEFAULT_PATH else self.name

    @property
    def name(self) -> str:
        """Return the name of the route in log lines and metrics."""
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Return the types of the function's parameters, and of `return`. Resolved at the first
        request, so that a cold start resolves one route only.
        """
        return get_type_hints(self.function, include_extras=True)

    @property
    def store(self) -> type[CallerStore]:
        """Return the store that the function takes; CallerStore if it takes none."""
        stores = (
            kind
            for name, kind in self.parameters.items()
            if name != "return" and isclass(kind) and issubclass(kind, CallerStore)
        )
        return next(stores, CallerStore)

    @property
    def hides_object(self) -> bool:
        """Return whether a refusal of `needs` looks like an absence (404, not 403)."""
        needed = self.store.route_object
        return self.needs is not None and needed is not None and needed.type not in NO_SECRET

    @property
    def is_gated(self) -> bool:
        """Return whether the feature gate applies to the route."""
        return "/ai/" in self.path
