"""The published permissions of a deployer: what CloudFormation's handlers need, and no more."""

import json
import re

from local.deployer import MAX_CHARACTERS, policy
from tests.deployed import ROOT, actions, template

SERVICES = {"apigatewayv2": "apigateway", "cloudformation": None}
"""Resource types whose actions have another prefix, or none: Lambda answers a custom resource."""


def test_the_published_policy_is_what_the_resource_types_need() -> None:
    text = (ROOT / "docs/deployer-policy.json").read_text()
    assert json.loads(text) == policy(), "python -m local.deployer >docs/deployer-policy.json"
    assert len(re.sub(r"\s", "", text)) <= MAX_CHARACTERS


def test_every_service_of_the_template_is_in_the_deployers_policy() -> None:
    granted = {each.partition(":")[0] for part in policy()["Statement"] for each in actions(part)}
    kinds = {each["Type"].split("::")[1].lower() for each in template()["Resources"].values()}
    assert {SERVICES.get(each, each) for each in kinds} - {None} <= granted


def test_a_deployer_may_pass_and_change_only_roles_of_the_stack() -> None:
    for part in policy()["Statement"]:
        assert not [each for each in actions(part) if "*" in each]
        if [each for each in actions(part) if each.startswith("iam:")]:
            resources = part["Resource"]
            for each in resources if isinstance(resources, list) else [resources]:
                assert re.search(r":(role|policy)/(allowance\*|aws-service-role/\*)$", each)
