"""Every route, to respond with 404 or 405 to any other. A test compares this with template.yaml."""

import re

from allowance.errors import MethodNotAllowed, RouteNotFound

ROUTES = (
    ("GET", "/"),
    ("GET", "/api/experimental/ai/model-prices"),
    ("POST", "/api/experimental/ai/model-prices"),
    ("GET", "/api/experimental/organizations/{organization}/ai/spend/users"),
    ("POST", "/api/v2/ai/in/envoy/check/{provider}/{path+}"),
    ("POST", "/api/v2/ai/in/envoy/v1/logs"),
    ("POST", "/api/v2/ai/in/litellm/beta/litellm_basic_guardrail_api"),
    ("POST", "/api/v2/ai/in/litellm/log"),
    ("POST", "/api/v2/ai/in/openmeter/api/v1/events"),
    ("POST", "/api/v2/ai/in/otlp/v1/logs"),
    ("POST", "/api/v2/ai/in/otlp/v1/metrics"),
    ("POST", "/api/v2/ai/in/otlp/v1/traces"),
    ("POST", "/api/v2/ai/in/portkey/guardrail"),
    ("GET", "/api/v2/ai/model-aliases"),
    ("DELETE", "/api/v2/ai/model-aliases/{provider}/{model+}"),
    ("PUT", "/api/v2/ai/model-aliases/{provider}/{model+}"),
    ("GET", "/api/v2/ai/model-prices"),
    ("POST", "/api/v2/ai/model-prices"),
    ("GET", "/api/v2/ai/model-prices/held"),
    ("POST", "/api/v2/ai/model-prices/held/{held}/approve"),
    ("POST", "/api/v2/ai/model-prices/held/{held}/reject"),
    ("GET", "/api/v2/ai/model-prices/resolve"),
    ("DELETE", "/api/v2/ai/model-prices/{provider}/{model+}"),
    ("GET", "/api/v2/ai/reservations"),
    ("POST", "/api/v2/ai/reservations"),
    ("DELETE", "/api/v2/ai/reservations/{reservation}"),
    ("GET", "/api/v2/ai/reservations/{reservation}"),
    ("POST", "/api/v2/ai/reservations/{reservation}/settle"),
    ("GET", "/api/v2/ai/sources/{source}"),
    ("PUT", "/api/v2/ai/sources/{source}"),
    ("POST", "/api/v2/ai/usage"),
    ("GET", "/api/v2/ai/usage/cost-differences"),
    ("GET", "/api/v2/ai/usage/unattributed"),
    ("POST", "/api/v2/ai/usage/unattributed"),
    ("GET", "/api/v2/ai/usage/unpriced"),
    ("GET", "/api/v2/audit"),
    ("GET", "/api/v2/groups/{group}"),
    ("DELETE", "/api/v2/groups/{group}/ai/budget"),
    ("GET", "/api/v2/groups/{group}/ai/budget"),
    ("PUT", "/api/v2/groups/{group}/ai/budget"),
    ("GET", "/api/v2/groups/{group}/ai/forecast"),
    ("GET", "/api/v2/groups/{group}/ai/spend"),
    ("GET", "/api/v2/groups/{group}/ai/spend/series"),
    ("GET", "/api/v2/groups/{group}/members"),
    ("GET", "/api/v2/groups/{group}/members/ai/spend"),
    ("GET", "/api/v2/organizations"),
    ("GET", "/api/v2/organizations/{organization}"),
    ("GET", "/api/v2/organizations/{organization}/ai/policy"),
    ("PUT", "/api/v2/organizations/{organization}/ai/policy"),
    ("GET", "/api/v2/organizations/{organization}/ai/budgets"),
    ("POST", "/api/v2/organizations/{organization}/ai/budgets"),
    ("DELETE", "/api/v2/organizations/{organization}/ai/budgets/{budget}"),
    ("GET", "/api/v2/organizations/{organization}/ai/budgets/{budget}"),
    ("PUT", "/api/v2/organizations/{organization}/ai/budgets/{budget}"),
    ("GET", "/api/v2/organizations/{organization}/ai/budgets/{budget}/spend"),
    ("GET", "/api/v2/organizations/{organization}/ai/alerts"),
    ("GET", "/api/v2/organizations/{organization}/ai/forecast"),
    ("GET", "/api/v2/organizations/{organization}/ai/overview"),
    ("GET", "/api/v2/organizations/{organization}/ai/reconciliation"),
    ("GET", "/api/v2/organizations/{organization}/ai/spend"),
    ("GET", "/api/v2/organizations/{organization}/ai/spend/export"),
    ("GET", "/api/v2/organizations/{organization}/ai/spend/series"),
    ("GET", "/api/v2/organizations/{organization}/ai/spend/users"),
    ("POST", "/api/v2/organizations/{organization}/ai/vendor-usage"),
    ("GET", "/api/v2/organizations/{organization}/groups"),
    ("GET", "/api/v2/organizations/{organization}/groups/ai/spend"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}"),
    ("DELETE", "/api/v2/organizations/{organization}/groups/{group}/ai/budget"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/ai/budget"),
    ("PUT", "/api/v2/organizations/{organization}/groups/{group}/ai/budget"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/ai/forecast"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/ai/spend"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/ai/spend/series"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/members"),
    ("GET", "/api/v2/organizations/{organization}/groups/{group}/members/ai/spend"),
    ("GET", "/api/v2/organizations/{organization}/members"),
    ("GET", "/api/v2/users"),
    ("GET", "/api/v2/users/me"),
    ("GET", "/api/v2/users/{user}"),
    ("DELETE", "/api/v2/users/{user}/ai/budget"),
    ("GET", "/api/v2/users/{user}/ai/budget"),
    ("PUT", "/api/v2/users/{user}/ai/budget"),
    ("DELETE", "/api/v2/users/{user}/ai/budget/override"),
    ("GET", "/api/v2/users/{user}/ai/budget/override"),
    ("PUT", "/api/v2/users/{user}/ai/budget/override"),
    ("GET", "/api/v2/users/{user}/ai/forecast"),
    ("GET", "/api/v2/users/{user}/ai/spend"),
    ("GET", "/api/v2/users/{user}/ai/spend/series"),
    ("GET", "/api/v2/users/{user}/tokens"),
    ("POST", "/api/v2/users/{user}/tokens"),
    ("DELETE", "/api/v2/users/{user}/tokens/{name}"),
    ("GET", "/docs"),
    ("GET", "/docs/openapi.json"),
    ("GET", "/healthz"),
)


def unrouted(path: str) -> MethodNotAllowed | RouteNotFound:
    """Return the error of a request that matches no route: MethodNotAllowed if the path exists with
    other methods, else RouteNotFound.
    """
    methods = [method for method, template in ROUTES if _matches(template, path)]
    if methods:
        return MethodNotAllowed(methods)
    without = path.rstrip("/")
    if any(_matches(template, without) for _, template in ROUTES if without != path):
        return RouteNotFound(detail="Without the slash at its end, this path exists.")
    return RouteNotFound()


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)))
    return re.fullmatch(pattern, path) is not None
