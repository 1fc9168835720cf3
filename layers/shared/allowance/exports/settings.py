"""Settings of exports: EXPORT_BUCKET, EXPORT_PREFIX, EXPORT_FORMATS and EXPORT_KMS_ARN."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeIs, get_args

from allowance.settings import BadSetting

FileFormat = Literal["csv", "parquet"]
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


@dataclass(frozen=True)
class ExportTarget:
    """The bucket of exports, the prefix of its keys, the formats, and the key that encrypts.

    The prefix is empty or ends with a slash.
    """

    bucket: str
    prefix: str
    formats: tuple[FileFormat, ...]
    kms_key_arn: str | None

    @property
    def encryption(self) -> dict[str, str]:
        """The properties of S3's PutObject that name the key. Without a key none: the bucket's
        default encryption applies.
        """
        if self.kms_key_arn is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_arn}


def _is_file_format(name: str) -> TypeIs[FileFormat]:
    return name in FILE_FORMATS


@cache
def export_target() -> ExportTarget:
    """Return EXPORT_BUCKET, EXPORT_PREFIX, EXPORT_FORMATS and EXPORT_KMS_ARN, as they are set.

    EXPORT_FORMATS has commas between formats; the default is csv,parquet. Raise BadSetting.
    """
    bucket = os.environ.get("EXPORT_BUCKET")
    names = list(filter(None, os.environ.get("EXPORT_FORMATS", "csv,parquet").split(",")))
    formats: tuple[FileFormat, ...] = tuple(each for each in names if _is_file_format(each))
    if not bucket:
        raise BadSetting("EXPORT_BUCKET is not set: nothing is exported.")
    if not formats or len(formats) < len(names):
        raise BadSetting(f"EXPORT_FORMATS must be of csv and parquet, not {','.join(names)!r}.")
    prefix = os.environ.get("EXPORT_PREFIX", "")
    if prefix and not prefix.endswith("/"):
        raise BadSetting(f"EXPORT_PREFIX must end with a slash, not {prefix!r}.")
    return ExportTarget(bucket, prefix, formats, os.environ.get("EXPORT_KMS_ARN") or None)
