"""The permissions of a person or a pipeline that deploys: docs/deployer-policy.json.

    python -m local.deployer            prints it, for docs/deployer-policy.json

CloudFormation publishes which actions its handlers of a resource type need, and cfn-lint ships that
list. SAM's own requests are added by hand.
"""

# cfn-lint has types only in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from collections import defaultdict
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local.transformed import transformed

REGION = "us-east-1"
MAX_CHARACTERS = 10_240
"""The limit of the inline policies of a role, without white space."""

UNUSED = {"elasticfilesystem", "firehose", "s3", "s3files", "secretsmanager", "vpc-lattice", "vpce"}
"""Services that a resource type may use, and this template does not. Ours of S3 are below."""

STACKS = [
    "arn:aws:cloudformation:*:*:stack/allowance*",
    "arn:aws:cloudformation:*:*:stack/aws-sam-cli-managed-default/*",
    "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31",
]
OF_STACKS = """
    CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks
    ExecuteChangeSet GetTemplate GetTemplateSummary ListStackResources UpdateTerminationProtection
"""
BUCKET = ["arn:aws:s3:::aws-sam-cli-managed-default-*"]
OF_THE_BUCKET = """
    CreateBucket DeleteObject GetBucketLocation GetBucketPolicy GetObject ListBucket PutBucketPolicy
    PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration
    PutObject
"""
OWN_ROLES = ["arn:aws:iam::*:role/allowance*", "arn:*:iam::*:policy/allowance*"]
SERVICE_LINKED = {
    "Effect": "Allow",
    "Action": "iam:CreateServiceLinkedRole",
    "Resource": "arn:aws:iam::*:role/aws-service-role/*",
}
OURS = {
    "lambda": {"GetAccountSettings", "GetFunctionConcurrency", "InvokeFunction"},
    "logs": {"DeleteLogDelivery", "GetLogDelivery", "ListLogDeliveries", "UpdateLogDelivery"},
}
"""The check of the concurrency and `sam remote invoke`; API Gateway's access logs."""


def policy() -> dict[str, Any]:
    """Return the policy of IAM for the default name of the stack."""
    needed = _of_resource_types()
    for service, names in OURS.items():
        needed[service] |= names
    roles = needed.pop("iam") - {"CreateServiceLinkedRole"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("cloudformation", set(OF_STACKS.split()), STACKS),
            _allow("s3", set(OF_THE_BUCKET.split()), BUCKET),
            _allow("iam", {each for each in roles if _is_ours(each)}, OWN_ROLES),
            SERVICE_LINKED,
            *(_allow(service, names, "*") for service, names in sorted(needed.items())),
        ],
    }


def _is_ours(action: str) -> bool:
    """Return whether an action of IAM concerns roles and policies: the stack has no users."""
    return not action.endswith(("GroupPolicy", "UserPolicy"))


def _of_resource_types() -> defaultdict[str, set[str]]:
    """Return the actions that the handlers of all resource types need, by service."""
    types = {each["Type"] for each in transformed()["Resources"].values()}
    needed: defaultdict[str, set[str]] = defaultdict(set)
    for kind in sorted(types - {"AWS::CloudFormation::CustomResource"}):
        schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
        for handler in schema["handlers"].values():
            for action in handler["permissions"]:
                service, _, name = action.partition(":")
                if service.lower() not in UNUSED:
                    needed[service.lower()].add(name)
    return needed


def _allow(service: str, names: set[str], resource: str | list[str]) -> dict[str, Any]:
    actions = [f"{service}:{name}" for name in sorted(names)]
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


if __name__ == "__main__":
    print(json.dumps(policy(), indent=1))
