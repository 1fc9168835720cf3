"""The plain CloudFormation that AWS makes of template.yaml, by the translator of the SAM transform.

    python -m local.transformed         prints it as JSON, for checkov and for people

Linters and tests read the result, because it contains the roles, permissions, aliases and routes
that SAM adds.
"""

# The translator has types only in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from pathlib import Path
from typing import Any, cast

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
REGION = "eu-west-1"
CODE = "s3://bucket/code"
"""A placeholder for the upload of `sam deploy`."""


def transformed(parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the CloudFormation template. `parameters` matter where SAM itself reads one."""
    template = cast("dict[str, Any]", yaml_parse(TEMPLATE.read_text(encoding="utf-8")))
    template["Globals"]["Function"]["CodeUri"] = CODE
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        properties.update({key: CODE for key in ("CodeUri", "ContentUri") if key in properties})
    chosen = {
        name: each["Default"] for name, each in template["Parameters"].items() if "Default" in each
    }
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    result = translator.translate(template, chosen | {"AWS::Region": REGION} | (parameters or {}))
    return cast("dict[str, Any]", json.loads(json.dumps(result)))


if __name__ == "__main__":
    print(json.dumps(transformed(), indent=2))
