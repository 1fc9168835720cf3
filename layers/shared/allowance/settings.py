"""The environment, read once, typed, late."""

import os
import re
from dataclasses import dataclass
from functools import cache

from allowance.aws.signature import AwsCredentials

TOPIC_ARN = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?", re.ASCII)
MAX_RETENTION_MONTHS = 120


class BadSetting(Exception):
    """A setting of the deployment cannot be used: an environment variable, or what a
    secret holds.
    """


@dataclass(frozen=True)
class DatabaseSource:
    """Where the connection comes from: a URL; or a secret; or a host, a database and a user that
    IAM lets in.

    With a secret the others say what it leaves out. None is not said.
    """

    url: str | None = None
    secret_arn: str | None = None
    host: str | None = None
    port: int | None = None
    name: str | None = None
    user: str | None = None

    @property
    def by_iam(self) -> bool:
        return self.url is None and self.secret_arn is None


@dataclass(frozen=True)
class PriceBookSource:
    """Where the default prices come from: `s3://bucket/key`, `https://...`, or None: the file that
    is shipped.

    `ca_file` names certificates to trust in place of the system's, for a server of one's own.
    """

    location: str | None
    ca_file: str | None


@dataclass(frozen=True)
class AlertReceivers:
    """Where spend alerts go: the ARN of an SNS topic, and the name of an EventBridge bus. None: not
    there.
    """

    topic_arn: str | None
    event_bus: str | None


@dataclass(frozen=True)
class ExportTarget:
    """Where exports go: a bucket, what its keys begin with (empty, or up to a slash), and the
    formats.
    """

    bucket: str
    prefix: str
    formats: tuple[str, ...]
    kms_key_arn: str | None

    @property
    def encryption(self) -> dict[str, str]:
        """The properties of S3's PutObject for the key; none without one: the bucket's own default
        holds.
        """
        if self.kms_key_arn is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_arn}


@dataclass(frozen=True)
class Settings:
    """What a function needs to know of its deployment."""

    ai_budgets_enabled: bool
    function_name: str


@cache
def settings() -> Settings:
    """The settings of this process. Raises BadSetting."""
    enabled = os.environ.get("AI_BUDGETS_ENABLED", "true")
    if enabled not in ("true", "false"):
        raise BadSetting(f"AI_BUDGETS_ENABLED must be true or false, not {enabled!r}.")
    return Settings(
        ai_budgets_enabled=enabled == "true",
        function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
    )


@cache
def alert_thresholds() -> tuple[int, ...]:
    """At which percentages of a limit an alert is raised: ALERT_THRESHOLDS, with commas between
    them, or `none`.

    Raises BadSetting.
    """
    stated = os.environ.get("ALERT_THRESHOLDS") or "85,100"
    if stated == "none":
        return ()
    texts = stated.split(",")
    if not all(re.fullmatch("[1-9][0-9]{0,2}", each) for each in texts):
        raise BadSetting(
            "ALERT_THRESHOLDS must be whole percentages from 1 to 999, like 85,100, not "
            f"{stated!r}."
        )
    return tuple(sorted({int(each) for each in texts}))


@cache
def usage_retention_months() -> int:
    """How many whole months of the ledger of usage are kept before the present one:
    USAGE_RETENTION_MONTHS, 0..120.

    0 is all of them. Raises BadSetting.
    """
    months = os.environ.get("USAGE_RETENTION_MONTHS", "0")
    if not (months.isascii() and months.isdecimal() and int(months) <= MAX_RETENTION_MONTHS):
        raise BadSetting(
            f"USAGE_RETENTION_MONTHS must be a whole number up to {MAX_RETENTION_MONTHS}, "
            f"not {months!r}."
        )
    return int(months)


@cache
def cors_origins() -> frozenset[str]:
    """The origins whose pages may read answers: CORS_ORIGINS, with commas between them."""
    return frozenset(filter(None, map(str.strip, os.environ.get("CORS_ORIGINS", "").split(","))))


@cache
def database_source(prefix: str = "") -> DatabaseSource:
    """DATABASE_URL; or DATABASE_SECRET_ARN; or DATABASE_HOST, _NAME and _USER, for a token that IAM
    signs.

    With the prefix `OWNER_` those of the owner. Raises BadSetting.
    """
    name = f"{prefix}DATABASE_"
    url, secret_arn, host, port, database, user = (
        os.environ.get(f"{name}{each}") or None
        for each in ("URL", "SECRET_ARN", "HOST", "PORT", "NAME", "USER")
    )
    if url is not None and secret_arn is not None:
        raise BadSetting(f"Set either {name}URL or {name}SECRET_ARN.")
    if url is None and secret_arn is None and None in (host, database, user):
        raise BadSetting(
            f"Set {name}URL, or {name}SECRET_ARN, or {name}HOST, {name}NAME and {name}USER."
        )
    if port is not None and not port.isdecimal():
        raise BadSetting(f"{name}PORT must be a number, not {port!r}.")
    return DatabaseSource(
        url, secret_arn, host, None if port is None else int(port), database, user
    )


def aws_credentials() -> AwsCredentials:
    """The credentials of the function's role. Not kept: they end, and Lambda renews them. Raises
    BadSetting.
    """
    needed = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    if missing := [name for name in needed if not os.environ.get(name)]:
        raise BadSetting(f"The environment lacks {', '.join(missing)}, which Lambda sets.")
    key_id, secret, region = (os.environ[name] for name in needed)
    return AwsCredentials(key_id, secret, os.environ.get("AWS_SESSION_TOKEN") or None, region)


def secrets_manager_url(region: str) -> str:
    """Where Secrets Manager answers: AWS_ENDPOINT_URL_SECRETS_MANAGER, as for AWS's SDKs, or the
    region's own.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return (
        os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        or f"https://secretsmanager.{region}.{suffix}"
    )


@cache
def price_book_source() -> PriceBookSource:
    """PRICE_BOOK and PRICE_BOOK_CA_FILE. Raises BadSetting."""
    location = os.environ.get("PRICE_BOOK") or None
    if location is not None and not location.startswith(("s3://", "https://")):
        raise BadSetting("PRICE_BOOK must begin with s3:// or https://.")
    return PriceBookSource(location, os.environ.get("PRICE_BOOK_CA_FILE") or None)


@cache
def alert_receivers() -> AlertReceivers:
    """ALERT_TOPIC_ARN and ALERT_EVENT_BUS; what is empty is none. Raises BadSetting."""
    topic_arn = os.environ.get("ALERT_TOPIC_ARN") or None
    if topic_arn is not None and not TOPIC_ARN.fullmatch(topic_arn):
        raise BadSetting(f"ALERT_TOPIC_ARN must be the ARN of an SNS topic, not {topic_arn!r}.")
    return AlertReceivers(topic_arn, os.environ.get("ALERT_EVENT_BUS") or None)


@cache
def export_target() -> ExportTarget:
    """EXPORT_BUCKET, EXPORT_PREFIX, EXPORT_FORMATS (csv, parquet, with commas) and EXPORT_KMS_ARN.

    Raises BadSetting.
    """
    bucket = os.environ.get("EXPORT_BUCKET")
    formats = tuple(filter(None, os.environ.get("EXPORT_FORMATS", "csv,parquet").split(",")))
    if not bucket:
        raise BadSetting("EXPORT_BUCKET is not set: nothing is exported.")
    if not formats or not set(formats) <= {"csv", "parquet"}:
        raise BadSetting(f"EXPORT_FORMATS must be of csv and parquet, not {','.join(formats)!r}.")
    prefix = os.environ.get("EXPORT_PREFIX", "")
    if prefix and not prefix.endswith("/"):
        raise BadSetting(f"EXPORT_PREFIX must end with a slash, not {prefix!r}.")
    return ExportTarget(bucket, prefix, formats, os.environ.get("EXPORT_KMS_ARN") or None)
