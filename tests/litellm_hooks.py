"""LiteLLM's hooks for tests: the modules that the callback imports, and what LiteLLM 1.108.7 gives
its hooks, with invented values.
"""

import sys
import time
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

MODEL = "p/m"
USAGE: dict[str, Any] = {
    "completion_tokens": 200,
    "prompt_tokens": 1000,
    "total_tokens": 1200,
    "completion_tokens_details": {"reasoning_tokens": 50},
    "prompt_tokens_details": None,
}


class HTTPException(Exception):
    """FastAPI's, as far as the callback uses it."""

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(detail)
        self.status_code, self.detail = status_code, detail


class UsageObject:
    """A model of LiteLLM's: it is no dictionary."""

    def __init__(self, counts: dict[str, Any]) -> None:
        self._counts = counts

    def model_dump(self, mode: str) -> dict[str, Any]:
        assert mode == "json"
        return self._counts


class Timeout(Exception):
    """LiteLLM's."""

    status_code = 408


class VendorFailed(Exception):
    """Stands for LiteLLM's InternalServerError."""

    status_code = 500


class Router:
    """A list of deployments."""

    def get_model_list(self, *, model_name: str, team_id: str | None) -> list[dict[str, Any]]:
        names = {"alias": MODEL, MODEL: MODEL}
        model = names.get(model_name)
        return [{"litellm_params": {"model": model}}] if model else []


def get_llm_provider(
    *, model: str, custom_llm_provider: str | None
) -> tuple[str, str, str | None, str | None]:
    provider, slash, name = model.partition("/")
    if not slash:
        raise RuntimeError("LLM Provider NOT provided.")
    return name, provider, None, None


def install(patch: pytest.MonkeyPatch) -> None:
    """Let the callback import what stands for LiteLLM and FastAPI."""
    modules: dict[str, dict[str, Any]] = {
        "fastapi": {"HTTPException": HTTPException},
        "litellm": {"get_llm_provider": get_llm_provider},
        "litellm.integrations": {},
        "litellm.integrations.custom_logger": {"CustomLogger": type("CustomLogger", (), {})},
        "litellm.proxy": {"proxy_server": SimpleNamespace(llm_router=Router())},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        patch.setitem(sys.modules, name, module)


def key(**changes: Any) -> SimpleNamespace:
    """What LiteLLM knows of a key."""
    known = {
        "api_key": "sk-never-sent",
        "user_id": "maya",
        "user_email": None,
        "end_user_id": "claimed",
        "team_id": None,
    }
    return SimpleNamespace(**known | changes)


def request(**changes: Any) -> dict[str, Any]:
    """The request of a call, as the hooks get it."""
    made = {
        "litellm_call_id": str(uuid4()),
        "model": MODEL,
        "messages": [{"role": "user", "content": "a secret of thirty bytes, more"}],
        "max_tokens": 300,
        "metadata": {"user_api_key_user_id": "somebody"},
    }
    return made | changes


def log(call_id: str, **changes: Any) -> dict[str, Any]:
    """LiteLLM's log of a call."""
    now = time.time()
    made = {
        "id": f"chatcmpl-{call_id}",
        "litellm_call_id": call_id,
        "call_type": "acompletion",
        "status": "success",
        "model": MODEL,
        "model_id": "d1",
        "custom_llm_provider": "p",
        "response_cost": 0.004,
        "startTime": now - 1,
        "completionStartTime": now,
        "endTime": now,
        "cache_hit": None,
        "metadata": {
            "user_api_key_user_id": "maya",
            "user_api_key_hash": "f" * 64,
            "usage_object": USAGE,
        },
        "messages": [{"role": "user", "content": "a secret of thirty bytes, more"}],
    }
    return made | changes


def details(call_id: str, *, left: bool = False, **changes: Any) -> dict[str, Any]:
    """The arguments of a success event."""
    metadata: dict[str, Any] = {"client_disconnected": True} if left else {}
    return {
        "litellm_call_id": call_id,
        "litellm_params": {"metadata": metadata},
        "standard_logging_object": log(call_id, **changes),
    }


def failure(asked: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The request of a call that failed, in place: LiteLLM adds to the same dictionary."""
    counts = {"completion_tokens": 0, "prompt_tokens": 13, "total_tokens": 13}
    asked |= {
        "combined_usage_object": UsageObject(counts),
        "response_cost": 0.0,
        "standard_logging_object": log(
            asked["litellm_call_id"], status="failure", response_cost=0.0, metadata={}
        ),
    } | changes
    return asked


def before(callback: Any, asked: Mapping[str, Any], **changes: Any) -> Any:
    return callback.async_pre_call_hook(key(**changes), None, asked, "acompletion")


def success(callback: Any, made: Mapping[str, Any], response: object = None) -> Any:
    return callback.async_log_success_event(made, response, None, None)


def failed(callback: Any, asked: Mapping[str, Any], error: Exception) -> Any:
    return callback.async_post_call_failure_hook(asked, error, key())


def eventually(found: Callable[[], list[Any]], number: int = 1) -> list[Any]:
    """What is found when it is this number, or after seconds."""
    deadline = time.monotonic() + 10
    while len(rows := found()) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    return rows
