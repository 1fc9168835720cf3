"""docs/gateways/litellm.md, word for word: its commands run, and its YAML says where LiteLLM sends
what. The bodies are those of LiteLLM 1.110.2, with invented values.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from local.demo import exports
from tests.e2e.conftest import Person

PAGE = (Path(__file__).parents[2] / "docs/gateways/litellm.md").read_text()
PRINTED_API = "http://127.0.0.1:3000"
DEMO = 'eval "$(make demo)"\n'


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def environment(stack: dict[str, Any]) -> dict[str, str]:
    """The variables of the reader's shell, after the commands of the page."""
    (block,) = [each for each in blocks("sh") if DEMO in each]
    script = f"{exports(stack)}\n{block.replace(DEMO, '')}\nenv -0\n"
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euc", script],
        check=True,
        capture_output=True,
        timeout=60,
    )
    printed = done.stdout.decode()
    response, _, variables = printed.rpartition("}")
    assert json.loads(f"{response}}}")["spend_limit_micros"] == 100_000
    return dict(each.split("=", 1) for each in variables.split("\0") if "=" in each)


class LiteLLM:
    """A proxy with the configuration of the page, as far as it calls Allowance."""

    def __init__(self, environment: dict[str, str], api_url: str) -> None:
        (text,) = blocks("yaml")
        self._environment = environment
        self._config: dict[str, Any] = yaml.safe_load(text.replace(PRINTED_API, api_url))
        (self._guardrail,) = (each["litellm_params"] for each in self._config["guardrails"])
        (deployment,) = self._config["model_list"]
        self._model = deployment["model_name"]
        self._deployed = deployment["litellm_params"]["model"]
        assert (
            self._guardrail.items()
            >= {
                "guardrail": "generic_guardrail_api",
                "mode": "pre_call",
                "default_on": True,
            }.items()
        )
        settings = self._config["litellm_settings"]
        assert settings == {"callbacks": ["generic_api"], "turn_off_message_logging": True}
        (self._user,) = (
            json.loads(re.findall(r"-d '(\{.*?\})'", each)[0])["user_id"]
            for each in blocks("sh")
            if "/key/generate" in each
        )

    def _headers(self, stated: dict[str, str]) -> dict[str, str]:
        return {"Content-Type": "application/json"} | {
            name: self._environment[value.removeprefix("os.environ/")]
            for name, value in stated.items()
        }

    def ask(self, call_id: str) -> dict[str, Any]:
        """What the guardrail gets before a call."""
        response = httpx.post(
            f"{self._guardrail['api_base'].rstrip('/')}/beta/litellm_basic_guardrail_api",
            headers=self._headers(self._guardrail["headers"]),
            timeout=60,
            json={
                "input_type": "request",
                "litellm_call_id": call_id,
                "litellm_trace_id": str(uuid4()),
                "structured_messages": [{"role": "user", "content": "Hello"}],
                "images": None,
                "tools": None,
                "texts": ["Hello"],
                "request_data": {
                    "user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05",
                    "user_api_key_user_id": self._user,
                },
                "request_headers": {"host": "127.0.0.1:4000", "authorization": "[present]"},
                "litellm_version": "1.110.2",
                "additional_provider_specific_params": {},
                "tool_calls": None,
                "model": self._model,
            },
        )
        assert response.status_code == 200, response.text
        return response.json()

    def log(self, call_id: str, prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
        """Log one call, and return the result of it."""
        (name,) = self._config["litellm_settings"]["callbacks"]
        sink = self._config["callback_settings"][name]
        assert sink["callback_type"] == "generic_api"
        counts = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        ended = time.time()
        redacted = "redacted-by-litellm"
        payload = {
            "id": f"chatcmpl-{uuid4()}",
            "trace_id": str(uuid4()),
            "litellm_call_id": call_id,
            "call_type": "acompletion",
            "stream": None,
            "response_cost": 0.0,
            "status": "success",
            "custom_llm_provider": "openai",
            **counts,
            "startTime": ended - 1.5,
            "endTime": ended,
            "completionStartTime": ended,
            "response_time": 1.5,
            "model": self._deployed,
            "model_id": uuid4().hex,
            "model_group": self._model,
            "api_base": "https://api.openai.com",
            "metadata": {
                "user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05",
                "user_api_key_user_id": self._user,
                "user_api_key_end_user_id": None,
                "usage_object": counts | {"prompt_tokens_details": None},
                "requester_custom_headers": {},
            },
            "cache_hit": None,
            "messages": [{"role": "user", "content": redacted}],
            "response": {"choices": [{"message": {"content": redacted}}]},
            "error_str": None,
            "model_parameters": {},
            "hidden_params": {"response_cost": None},
        }
        response = httpx.post(
            sink["endpoint"], headers=self._headers(sink["headers"]), json=[payload], timeout=60
        )
        assert response.status_code == 200, response.text
        (result,) = response.json()["results"]
        return result


def test_a_newcomer_gets_from_the_yaml_to_a_refused_call(
    stack: dict[str, Any], environment: dict[str, str], people: dict[str, Person]
) -> None:
    proxy = LiteLLM(environment, stack["api_url"])
    before = people["maya"].get("/api/v2/users/me/ai/spend").json()["current_spend_micros"]
    first, second = str(uuid4()), str(uuid4())
    assert proxy.ask(first)["action"] == "NONE"
    held = people["maya"].get("/api/v2/users/me/ai/spend").json()["reserved_micros"]
    assert held > 40_000
    assert proxy.log(first, 1000, 6000)["status"] == "recorded"
    spend = people["maya"].get("/api/v2/users/me/ai/spend").json()
    assert (spend["current_spend_micros"] - before, spend["reserved_micros"]) == (61_250, 0)
    refused = proxy.ask(second)
    assert refused["action"] == "BLOCKED"
    shown = re.findall(r"`(AI budget of [^`]*)`", PAGE)
    assert [refused["blocked_reason"].startswith(each) for each in shown] == [True]
    people["adam"].delete(f"/api/v2/groups/{stack['groups']['acme/platform']}/ai/budget")


def test_the_page_forgets_no_variable() -> None:
    """The YAML names the variables that the commands export, and the vendor's key."""
    named = set(re.findall(r"os\.environ/(\w+)", blocks("yaml")[0]))
    exported = set(re.findall(r"export (\w+)=", "".join(blocks("sh"))))
    assert named - exported == {"OPENAI_API_KEY"}
    assert all(shlex.split(each, comments=True) for each in blocks("sh"))
    assert os.sep not in "".join(named)
