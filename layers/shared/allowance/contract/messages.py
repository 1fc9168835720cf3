"""The bodies of doors: messages in the protocols of other programs.

A door takes its sender's own media types, fields that it does not know, and 5 MiB. Everything else
is as on any route: the credential, the feature gate and the rule come first.
"""

from typing import ClassVar, Self

from pydantic import ConfigDict, ValidationError

from allowance.contract.fields import Body
from allowance.contract.json_document import json_object

JSON = "application/json"

MAX_MESSAGE_BYTES = 5 << 20
"""The most bytes of a message, both as it was sent and decompressed.

Lambda takes an event of 6 MB. API Gateway passes a compressed body in base64, so 4.4 MiB of one
arrive. That is more than 5 MiB of JSON need.
"""


class Message(Body):
    """What another program sends. A field that is not declared is dropped before anything is read.

    So a route that declares no field for a prompt holds none.
    """

    model_config = ConfigDict(extra="ignore")

    media_types: ClassVar[tuple[str, ...]] = (JSON,)
    """What the sender's Content-Type may be. A message without one has the first."""

    @classmethod
    def read(cls, content: bytes, media_type: str) -> Self:
        """Return the message in a body of this type. Raise InvalidJSON, ValidationFailed.

        This default takes one JSON object. A sender with another form overrides it.
        """
        del media_type
        try:
            return cls.model_validate(json_object(content))
        except ValidationError as error:
            raise cls.refusal(error) from error
