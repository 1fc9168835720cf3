"""Whose model a name in LiteLLM's list means."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from typing import Any

import litellm
from litellm.proxy import proxy_server

OWN = "litellm"
"""The provider of a name that no deployment has."""


def deployed(name: str, team_id: str | None) -> tuple[str, str]:
    """Return the provider and the model of the first deployment that has this name."""
    router: Any = proxy_server.llm_router
    found = router.get_model_list(model_name=name, team_id=team_id) if router is not None else None
    parameters = found[0]["litellm_params"] if found else {"model": name}
    try:
        model, provider, _, _ = litellm.get_llm_provider(
            model=parameters["model"], custom_llm_provider=parameters.get("custom_llm_provider")
        )
    except Exception:  # noqa: BLE001
        # Its errors have no common parent of their own: no provider has this name.
        return OWN, name
    return provider or OWN, model
