"""What a budget of an organization counts, as people write it and as the API has it."""

from collections.abc import Callable
from typing import Any

from allowance_client.cli.problems import UsageProblem

EXAMPLES = "organization, group:platform, user:maya, label:project=search or label:project"

Ids = Callable[[str], str]
"""The id of a name."""


def scope_of(text: str, group_id: Ids, user_id: Ids) -> dict[str, Any]:
    """The scope of the API. Raise UsageProblem for another spelling."""
    kind, colon, name = text.partition(":")
    if text == "organization":
        return {"type": "organization"}
    if not colon or not name:
        raise UsageProblem(f"{text!r} is no scope. Write {EXAMPLES}.")
    match kind:
        case "group":
            return {"type": "group", "group_id": group_id(name)}
        case "user":
            return {"type": "user", "user_id": user_id(name)}
        case "label":
            key, equals, value = name.partition("=")
            # Without `=` it is every value, and with nothing behind it the empty value.
            return {"type": "label", "key": key, "value": value if equals else None}
        case _:
            raise UsageProblem(f"{text!r} is no scope. Write {EXAMPLES}.")


def scope_text(scope: dict[str, Any], group_name: Ids, user_name: Ids) -> str:
    """The scope as `scope_of` reads it."""
    match scope["type"]:
        case "group":
            return f"group:{group_name(scope['group_id'])}"
        case "user":
            return f"user:{user_name(scope['user_id'])}"
        case "label":
            value = scope["value"]
            return f"label:{scope['key']}" + ("" if value is None else f"={value}")
        case kind:
            return str(kind)
