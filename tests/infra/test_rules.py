"""The Rules of the template: what CloudFormation takes there, and which parameters it refuses.

docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules
"""

from typing import Any

import pytest

from tests.conditions import refused
from tests.deployed import nodes, template

RULE_FUNCTIONS = {
    "Fn::And",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
}
EXISTING = {
    "Database": "existing",
    "DatabaseSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:routes",
    "JobsDatabaseSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:jobs",
    "DirectoryDatabaseSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:directory",
    "OwnerDatabaseSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:owner",
}
RESTORED = {
    "Database": "restored",
    "RestoredHost": "restored.cluster-x.eu-west-1.rds.amazonaws.com",
    "RestoredResourceId": "cluster-ABC123",
}

ASSUMED = {
    "UnpricedModels": "assume",
    "AssumedInputPrice": "15000000",
    "AssumedOutputPrice": "0",
}


def expressions() -> list[Any]:
    return [
        part
        for rule in template()["Rules"].values()
        for part in (
            rule.get("RuleCondition", {}),
            *(each["Assert"] for each in rule["Assertions"]),
        )
    ]


def test_rules_contain_only_rule_functions_and_ref() -> None:
    used = [name for part in expressions() for node in nodes(part) for name in node]
    assert {*used} <= RULE_FUNCTIONS | {"Ref"}
    assert len(used) > 20


def test_each_and_and_or_of_a_rule_has_two_to_ten_parts() -> None:
    parts = [
        len(of)
        for part in expressions()
        for node in nodes(part)
        for name, of in node.items()
        if name in ("Fn::And", "Fn::Or")
    ]
    assert parts
    assert all(2 <= each <= 10 for each in parts)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"AvailabilityZones": "eu-west-1a,eu-west-1c", "DatabaseProxy": "true"},
        EXISTING,
        EXISTING | {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"},
        RESTORED,
        ASSUMED,
    ],
)
def test_rules_accept_what_the_documents_name(given: dict[str, str]) -> None:
    assert refused(**given) == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"Database": "existing"}, "needs DatabaseSecretArn"),
        (EXISTING | {"SubnetIds": "subnet-1"}, "SubnetIds and SecurityGroupIds go together"),
        (EXISTING | {"SecurityGroupIds": "sg-1"}, "SubnetIds and SecurityGroupIds go together"),
        (EXISTING | {"DatabaseProxy": "true"}, "a database that it creates only"),
        (RESTORED | {"RestoredResourceId": ""}, "needs RestoredHost and RestoredResourceId"),
        (RESTORED | {"Database": "create"}, "are for Database=restored"),
        (RESTORED | {"DatabaseSecretArn": "arn"}, "takes tokens of IAM"),
        ({"DatabaseProxy": "true", "DatabaseMinCapacity": "0"}, "cannot pause"),
        ({"DomainName": "api.acme.example"}, "DomainName needs CertificateArn"),
        (ASSUMED | {"AssumedInputPrice": ""}, "needs AssumedInputPrice and AssumedOutputPrice"),
        (ASSUMED | {"AssumedOutputPrice": ""}, "needs AssumedInputPrice and AssumedOutputPrice"),
        (ASSUMED | {"UnpricedModels": "allow"}, "are for UnpricedModels=assume"),
        ({"AssumedOutputPrice": "1"}, "are for UnpricedModels=assume"),
    ],
)
def test_rules_refuse_parameters_that_do_not_go_together(given: dict[str, str], word: str) -> None:
    assert word in " ".join(refused(**given))
