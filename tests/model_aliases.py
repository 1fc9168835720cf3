"""The routes of aliases of models."""

from typing import Any
from urllib.parse import quote

from tests.gateway import Answer, Client

ALIASES = "/api/v2/ai/model-aliases"
FREE = {"free": True, "confirm": True}


def path_of(provider: str, model: str) -> str:
    """The path of an alias. The model is the rest of it, slashes included."""
    return f"{ALIASES}/{quote(provider, safe='')}/{quote(model, safe='/*')}"


def put_alias(
    client: Client, provider: str, model: str, body: dict[str, Any], **headers: str
) -> Answer:
    return client.put(path_of(provider, model), body, headers=headers)


def alias(client: Client, provider: str, model: str, target: str = "p/m", **more: Any) -> None:
    """Say which model a name means."""
    seller, _, name = target.partition("/")
    answer = put_alias(client, provider, model, {"provider": seller, "model": name} | more)
    assert answer.status == 200, answer.body


def free(client: Client, provider: str, model: str) -> None:
    """Say that a name costs nothing."""
    answer = put_alias(client, provider, model, FREE)
    assert answer.status == 200, answer.body


def listed_aliases(client: Client, query: str = "") -> list[tuple[str, str]]:
    answer = client.get(ALIASES + query)
    assert answer.status == 200, answer.body
    return [(each["provider"], each["model"]) for each in answer.json()["aliases"]]


def problems(answer: Answer) -> dict[str, str]:
    """The field and the detail of each problem of a refused request."""
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed."), answer.body
    return {each["field"]: each["detail"] for each in answer.json()["validations"]}
