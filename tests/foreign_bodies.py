"""What people send to try the door: documents and files of other programs, as they look."""

from collections.abc import Mapping
from typing import Any, NamedTuple

JSON = "application/json"


class Sent(NamedTuple):
    """A body that another program would send, its type, and words of the error about it."""

    body: Any
    words: str
    media_type: str = JSON


BUCKET = {
    "object": "bucket",
    "start_time": 1795132800,
    "end_time": 1795219200,
    "results": [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": 141201,
            "output_tokens": 9756,
            "input_cached_tokens": 0,
            "num_model_requests": 470,
            "project_id": "proj_abc",
            "user_id": None,
            "model": "gpt-5.1-2026-10-01",
            "batch": False,
        }
    ],
}
LITELLM_ROW = {
    "request_id": "chatcmpl-9f2b",
    "call_type": "acompletion",
    "api_key": "hashed-key",
    "spend": 0.00042,
    "total_tokens": 30,
    "prompt_tokens": 20,
    "completion_tokens": 10,
    "startTime": "2026-11-22T06:00:00.123000Z",
    "endTime": "2026-11-22T06:00:01.456000Z",
    "model": "gpt-5.1",
    "custom_llm_provider": "openai",
    "user": "maya",
    "team_id": "platform",
    "request_tags": [],
    "metadata": {"user_api_key_alias": "maya-laptop"},
    "cache_hit": "False",
}
CHAT_RESPONSE = {
    "id": "chatcmpl-9f2b",
    "object": "chat.completion",
    "created": 1795132800,
    "model": "gpt-5.1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
}
RECORD = {
    "source": "litellm",
    "id": "chatcmpl-9f2b",
    "user": "maya",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00Z",
    "tokens": {"input": 20, "output": 10},
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "00001",
    "source": "my-app",
    "type": "prompt",
    "subject": "maya",
    "time": "2026-11-22T06:00:00Z",
    "data": {"tokens": "30", "model": "gpt-5.1", "type": "input"},
}
SPREADSHEET = b"PK\x03\x04\x14\x00\x08\x08\x08\x00\xb5\x31\x76\x5d\x00\xff\xfe[Content_Types].xml"
CSV = b"date,user,model,input_tokens,output_tokens,cost\r\n2026-11-22,maya,gpt-5.1,20,10,0.01\r\n"
EXCEL_CSV = b"date;user;model;cost\r\n2026-11-22;J\xfcrgen;gpt-5.1;0,01\r\n"
NDJSON = b'{"source": "litellm", "id": "1"}\n{"source": "litellm", "id": "2"}\n'
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="usage.csv"\r\n\r\na,b\r\n--x--'
)

DOCUMENTS: Mapping[str, Sent] = {
    "an OpenAI usage page": Sent(
        {"object": "page", "data": [BUCKET], "has_more": False, "next_page": None},
        "a usage page of OpenAI",
    ),
    "an OpenAI bucket": Sent(BUCKET, "a usage bucket of OpenAI"),
    "an Anthropic usage report": Sent(
        {
            "data": [
                {
                    "starting_at": "2026-11-22T00:00:00Z",
                    "ending_at": "2026-11-23T00:00:00Z",
                    "results": [{"uncached_input_tokens": 1500, "output_tokens": 500}],
                }
            ],
            "has_more": False,
            "next_page": None,
        },
        "a usage report of Anthropic",
    ),
    "a chat response": Sent(CHAT_RESPONSE, "a response of OpenAI"),
    "a message of Anthropic": Sent(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [],
            "usage": {"input_tokens": 50, "output_tokens": 5},
        },
        "a response of Anthropic",
    ),
    "a Gemini response": Sent(
        {"candidates": [], "usageMetadata": {"promptTokenCount": 8}}, "a response of Gemini"
    ),
    "a Bedrock response": Sent(
        {"output": {}, "stopReason": "end_turn", "usage": {"inputTokens": 8}},
        "a response of Bedrock",
    ),
    "a chat request": Sent({"model": "gpt-5.1", "messages": []}, "a request to a model"),
    "a LiteLLM row": Sent(LITELLM_ROW, "a spend log of LiteLLM"),
    "LiteLLM rows in a list": Sent({"data": [LITELLM_ROW]}, "a spend log of LiteLLM"),
    "a LiteLLM price map": Sent(
        {"gpt-5.1": {"litellm_provider": "openai", "input_cost_per_token": 1.25e-06}},
        "a price of LiteLLM",
    ),
    "a SCIM user": Sent(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "maya@acme.example",
            "active": True,
        },
        "a SCIM resource",
    ),
    "a CloudEvent of OpenMeter": Sent(CLOUD_EVENT, "a CloudEvent"),
    "metrics in OTLP": Sent(
        {"resourceMetrics": [{"resource": {"attributes": []}, "scopeMetrics": []}]},
        "OpenTelemetry (OTLP)",
    ),
    "spans in OTLP": Sent({"resourceSpans": []}, "OpenTelemetry (OTLP)"),
    "a GraphQL request": Sent({"query": "{ me { id } }", "variables": {}}, "a GraphQL request"),
    "one record": Sent(RECORD, "Send JSON like"),
    "a list of records": Sent([RECORD], "It must be an object."),
    "an empty object": Sent({}, "Send JSON like"),
    "null": Sent(None, "It must be an object."),
}
"""Documents that are sent as JSON."""

FILES: Mapping[str, Sent] = {
    "CSV": Sent(CSV, "It was sent as text/csv.", "text/csv"),
    "CSV as JSON": Sent(CSV, "This looks like a table (CSV)."),
    "CSV of a spreadsheet": Sent(EXCEL_CSV, "This looks like a table (CSV)."),
    "XLSX": Sent(
        SPREADSHEET,
        "It was sent as application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "XLSX as JSON": Sent(SPREADSHEET, "spreadsheet (.xlsx)"),
    "XLSX as text": Sent(
        SPREADSHEET, "It was sent as application/octet-stream.", "application/octet-stream"
    ),
    "a form with a file": Sent(
        FORM, "It was sent as multipart/form-data.", "multipart/form-data; boundary=x"
    ),
    "a form with a file as JSON": Sent(FORM, "a form (multipart/form-data)"),
    "curl -d": Sent(
        b'{"records": []}',
        "It was sent as application/x-www-form-urlencoded.",
        "application/x-www-form-urlencoded",
    ),
    "form fields as JSON": Sent(b"user=maya&tokens=30", "a form (application/x-www-form"),
    "NDJSON": Sent(NDJSON, "It was sent as application/x-ndjson.", "application/x-ndjson"),
    "NDJSON as JSON": Sent(NDJSON, "several JSON documents, one a line"),
    "SCIM": Sent(b"{}", "It was sent as application/scim+json.", "application/scim+json"),
    "a CloudEvent": Sent(
        b"{}", "It was sent as application/cloudevents+json.", "application/cloudevents+json"
    ),
    "OTLP": Sent(b"\n\x00", "It was sent as application/x-protobuf.", "application/x-protobuf"),
    "UTF-16": Sent('{"records": []}'.encode("utf-16"), "text in UTF-16"),
    "gzip": Sent(b"\x1f\x8b\x08\x00\xff", "a compressed body (gzip), which needs Content-Encoding"),
    "a page": Sent(b"<!doctype html><html></html>", "XML or HTML"),
    "nothing": Sent(b"", "It is empty."),
    "no media type": Sent(b"{}", "It was sent without a media type.", '"><script>'),
}
"""Bodies that are no JSON, or are not sent as JSON."""
