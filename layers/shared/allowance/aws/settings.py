"""The settings for requests to AWS, which Lambda provides: credentials, region and endpoints."""

import os

from allowance.aws.signature import AwsCredentials
from allowance.settings import BadSetting


def aws_credentials() -> AwsCredentials:
    """Return the credentials of the function's role. Not cached: they expire, and Lambda renews
    them. Raise BadSetting.
    """
    needed = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    if missing := [name for name in needed if not os.environ.get(name)]:
        raise BadSetting(f"The environment lacks {', '.join(missing)}, which Lambda sets.")
    key_id, secret, region = (os.environ[name] for name in needed)
    return AwsCredentials(key_id, secret, os.environ.get("AWS_SESSION_TOKEN") or None, region)


def secrets_manager_url(region: str) -> str:
    """Return the URL of Secrets Manager: AWS_ENDPOINT_URL_SECRETS_MANAGER, as for AWS's SDKs, or
    the endpoint of the region.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return (
        os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        or f"https://secretsmanager.{region}.{suffix}"
    )
