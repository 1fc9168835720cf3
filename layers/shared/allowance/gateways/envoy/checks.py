"""Envoy AI Gateway: a check before a call (`ext_authz`, HTTP), and its access log after it. Pure.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter and
https://aigateway.envoyproxy.io/docs/capabilities/observability/accesslogs. Both carry the request
id, by which the log settles what the check held. Envoy's access log is OTLP, by a collector.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allowance.contract.json_document import json_object
from allowance.errors import InvalidJSON, Problem
from allowance.gateways.identity import HEADER, named_user
from allowance.gateways.otlp.gen_ai import ABSENT, MODELS, PROVIDERS
from allowance.gateways.otlp.logs import Call, LogRecord, call_of, user_of
from allowance.gateways.parsed import NO_IDENTITY, RESERVATION_KEY, Failed, Refused, Sender

MODEL = "x-ai-eg-model"
"""The header in which Envoy AI Gateway puts the model. It comes from the caller, unless the check
runs after the filter of the AI gateway.
"""
REQUEST_ID = "x-request-id"

UPSTREAM = "upstream_host"
"""The attribute of the access log with the address of the vendor, if a request reached one."""

BACKEND = re.compile(r"[^/]+/([^/]+)(?:/route/.+)?")
"""`namespace/name`, or `namespace/name/route/...`, which name an AIServiceBackend."""


def question_of(
    provider: str, headers: Mapping[str, str], body: bytes, sender: Sender
) -> dict[str, Any]:
    """Return the reservation request of a call that is about to be made. Raise Refused.

    The body names the model, if Envoy sends the body. No other part of it is read.
    """
    problems: list[Problem] = []
    key, model = headers.get(REQUEST_ID), _model_of(headers, body)
    if not key:
        problems.append(Problem(REQUEST_ID, "Missing: add it to the headers of the check."))
    if not model:
        detail = "Missing, and there is no JSON body with a `model`."
        problems.append(Problem(MODEL, detail))
    named = named_user(sender.identity, {}, headers, nobody=ABSENT, otherwise=NO_IDENTITY)
    if named.unknown_fields:
        detail = f"Must have {HEADER} before the name of each header in the settings of the source."
        problems.append(Problem("identity", detail))
    if sender.estimate_micros is None:
        detail = f"The source {sender.source} has none, and neither has the check."
        problems.append(Problem("estimate_micros", detail))
    if problems:
        raise Refused(*problems)
    return {
        "id": key,
        "source": sender.source,
        "user": named.user,
        "provider": provider,
        "model": model,
        "estimate": {"cost_micros": sender.estimate_micros},
    }


@dataclass(slots=True)
class AccessLog:
    """What the holds of an access log need: the calls that used nothing, and by the places of the
    others the names of their models.
    """

    sender: Sender
    failed: list[Failed] = field(default_factory=list[Failed])
    models: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def call_of(self, record: LogRecord, attributes: Mapping[str, Any]) -> Call | None:
        """Return the call of an entry. None: it used nothing. Raise Refused."""
        named = {name: backend_name(attributes[name]) for name in PROVIDERS if name in attributes}
        sent = attributes.get(REQUEST_ID)
        key = sent if isinstance(sent, str) and sent not in ABSENT else None
        stated = (attributes.get(each) for each in MODELS)
        models = frozenset(each for each in stated if isinstance(each, str) and each not in ABSENT)
        found = call_of(record, {**attributes, **named})
        if found is None:
            # A refused check reaches no vendor: it may have the request id of a running call.
            if key and attributes.get(UPSTREAM) not in {None, *ABSENT}:
                user = user_of(record, attributes, self.sender)
                self.failed.append(Failed(key, user, models))
            return None
        if key is None:
            return found
        self.models[record.place] = models
        call, notes = found
        return call | {RESERVATION_KEY: key}, notes


def backend_name(provider: object) -> object:
    """Return the name of the backend in Envoy's path of it, and anything else as it is."""
    found = BACKEND.fullmatch(provider) if isinstance(provider, str) else None
    return found[1] if found else provider


def _model_of(headers: Mapping[str, str], body: bytes) -> str | None:
    if body:
        try:
            model = json_object(body).get("model")
        except InvalidJSON:
            model = None  # Envoy may cut a long body off.
        if isinstance(model, str) and model:
            return model
    return headers.get(MODEL)
