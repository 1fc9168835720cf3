"""LiteLLM's real proxy for tests: two ways to Allowance, and a fake vendor behind it."""

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import yaml

from local.litellm_proxy import Proxy
from tests.fake_vendor import Vendor

PAGES = Path(__file__).parents[1] / "docs/gateways"
PRINTED_API = "http://127.0.0.1:3000"
PATIENCE_SECONDS = 300
"""The proxy starts within a minute, but not on a busy machine."""

TIMEOUT_SECONDS = 4
"""The deadline of an attempt. LiteLLM makes one more."""

AUTHENTICATION = """
from litellm.proxy._types import UserAPIKeyAuth

async def authenticate(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key.removeprefix("sk-"))
"""
UNPRICED = {"text-embedding-3-small", "gpt-retried", "gpt-falling"}
"""Names in LiteLLM's list that have no price, or none of output. The guardrail has nothing else."""

MASTER_KEY = f"sk-{uuid4().hex}"


def block(page: str, kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return found


def deployment(vendor: Vendor, name: str, model: str, path: str = "/v1") -> dict[str, Any]:
    parameters = {"model": model, "api_base": f"{vendor.url}{path}", "api_key": "of-nobody"}
    return {"model_name": name, "litellm_params": parameters}


def common_configuration(vendor: Vendor) -> dict[str, Any]:
    return {
        "model_list": [
            deployment(vendor, "openai/gpt-5.1", "openai/gpt-5.1"),
            deployment(vendor, "openai/gpt-5-mini", "openai/gpt-5-mini"),
            deployment(vendor, "gpt-retried", "openai/gpt-5.1"),
            deployment(vendor, "gpt-retried", "openai/gpt-5.1", "/second/v1"),
            deployment(vendor, "gpt-falling", "openai/gpt-5.1"),
            deployment(vendor, "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", ""),
            deployment(vendor, "text-embedding-3-small", "openai/text-embedding-3-small"),
        ],
        "router_settings": {
            "num_retries": 1,
            "timeout": TIMEOUT_SECONDS,
            "disable_cooldowns": True,
            "fallbacks": [{"gpt-falling": ["openai/gpt-5-mini"]}],
        },
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "authentication.authenticate",
        },
    }


def with_yaml(api_url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration of the page, and no file."""
    return yaml.safe_load(block("litellm.md", "yaml").replace(PRINTED_API, api_url)), {}


def with_callback(_: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration and the file of the page, with a queue in the proxy's folder."""
    file = block("litellm_strict.md", "python")
    (path,) = re.findall(r'queue="([^"]+)"', file)
    file = file.replace(path, "allowance.sqlite")
    return yaml.safe_load(block("litellm_strict.md", "yaml")), {"allowance_callback.py": file}


WAYS: dict[str, Callable[[str], tuple[dict[str, Any], dict[str, str]]]] = {
    "yaml": with_yaml,
    "strict": with_callback,
}


@dataclass
class Gateway:
    """A running proxy."""

    way: str
    url: str
    process: Popen[bytes]
    vendor: Vendor
    stack: dict[str, Any]
    log: Path
    last_id: int = 0

    def ask(
        self, path: str, body: dict[str, Any], *, call_id: str = "", leave_after: float = 60
    ) -> tuple[int, str]:
        """The status and the text of a call; 0: the caller left."""
        ((self.last_id,),) = self._rows("SELECT coalesce(max(id), 0) FROM ai_usage")
        headers = {"Authorization": "Bearer sk-maya"}
        headers |= {"x-litellm-call-id": call_id} if call_id else {}
        try:
            with httpx.stream(
                "POST", self.url + path, json=body, headers=headers, timeout=leave_after
            ) as response:
                return response.status_code, "".join(response.iter_text())
        except httpx.TimeoutException:
            return 0, ""

    def recorded(self) -> list[tuple[str, str, int, int, int]]:
        """Provider, model, input, output and cost of what is in the ledger since the last call was
        asked.
        """
        return self._rows(
            "SELECT provider, model, (input_tokens + cache_read_tokens)::int, output_tokens::int,"
            f" cost_micros::int FROM ai_usage WHERE id > {self.last_id} ORDER BY id"
        )

    def held(self) -> list[float]:
        """The seconds after which each hold expires, the latest one last."""
        rows = self._rows(
            "SELECT extract(epoch FROM expires_at - now())::float FROM ai_reservations"
            " WHERE state = 'held' AND expires_at > now() ORDER BY granted_at"
        )
        return [seconds for (seconds,) in rows]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack["database_url"]) as connection:
            return connection.execute(query).fetchall()


def eventually[T](found: Callable[[], T], wanted: Callable[[T], bool], seconds: float = 30) -> T:
    """What is found when it is as wanted, or at the end of the time."""
    deadline = time.monotonic() + seconds
    while True:
        value = found()
        if wanted(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.2)


@contextmanager
def gateway(way: str, vendor: Vendor, stack: dict[str, Any], log: Path) -> Generator[Gateway]:
    """A proxy that is ready."""
    configuration, files = WAYS[way](stack["api_url"])
    configuration |= common_configuration(vendor)
    files |= {
        "config.yaml": yaml.safe_dump(configuration),
        "authentication.py": AUTHENTICATION,
    }
    token = stack["tokens"]["olivia"]
    variables = {
        "ALLOWANCE_URL": stack["api_url"],
        "ALLOWANCE_TOKEN": token,
        "ALLOWANCE_AUTHORIZATION": f"Bearer {token}",
        "DEFAULT_FLUSH_INTERVAL_SECONDS": "1",
    }
    with Proxy().running(files, log, **variables) as (url, process, _):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_ready(url):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.5)
        yield Gateway(way, url, process, vendor, stack, log)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/liveliness", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def prompt(case: str, behaviour: str) -> str:
    return f"Hello, this is a secret. [case {case} {behaviour}]"


def chat(case: str, behaviour: str, model: str = "openai/gpt-5.1", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt(case, behaviour)}]
    return {"model": model, "max_tokens": 300, "messages": messages, **more}
