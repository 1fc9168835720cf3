"""Whose key a call of LiteLLM used, and whom it counts for. Pure."""

import re
from collections.abc import Mapping, Sequence

from pydantic import ConfigDict, TypeAdapter, ValidationError

from allowance.contract.fields import Key
from allowance.contract.messages import Message
from allowance.gateways.identity import Named, named_user

SOURCE = "litellm"
"""The source of LiteLLM's usage, whose settings apply."""

DEFAULT_FIELDS = ("user_api_key_user_id",)
"""The user of the key, which an administrator of LiteLLM sets."""

NOBODY = frozenset({"default_user_id", "litellm_proxy_admin", "[present]"})
"""LiteLLM's users of the master key, and what stands for a header that it does not forward."""

_HASH = re.compile(r"[0-9a-zA-Z_-]{1,128}", re.ASCII)
_KEY: TypeAdapter[str] = TypeAdapter(Key)


class KeyOfCaller(Message):
    """What LiteLLM knows of the key of a call. The end user is what the caller claims."""

    model_config = ConfigDict(strict=False)

    user_api_key_hash: str | None = None
    user_api_key_alias: str | None = None
    user_api_key_user_id: str | None = None
    user_api_key_user_email: str | None = None
    user_api_key_team_id: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_org_id: str | None = None
    user_api_key_end_user_id: str | None = None

    def named(self, fields: Sequence[str], headers: Mapping[str, str]) -> Named:
        """Return whom a call counts for, by the fields that the source may use.

        A key without a user gets a name of its own, which an owner may assign to somebody.
        """
        known = self.user_api_key_hash
        hashed = known if known and _HASH.fullmatch(known) else "unknown"
        return named_user(
            fields or DEFAULT_FIELDS,
            {name: getattr(self, name) for name in KeyOfCaller.model_fields},
            headers,
            nobody=NOBODY,
            otherwise=f"litellm-key:{hashed}",
        )


def is_key(call_id: str | None) -> bool:
    """Return whether a reservation may have this id of a call, which the caller may choose."""
    try:
        _KEY.validate_python(call_id)
    except ValidationError:
        return False
    return True
