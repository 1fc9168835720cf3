"""Where exports go: EXPORT_BUCKET, EXPORT_PREFIX, EXPORT_FORMATS and EXPORT_KMS_ARN."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeIs, get_args

from allowance.settings import BadSetting

FileFormat = Literal["csv", "parquet"]
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


@dataclass(frozen=True)
class ExportTarget:
    """Where exports go: a bucket, what its keys begin with (empty, or up to a slash), and the
    formats.
    """

    bucket: str
    prefix: str
    formats: tuple[FileFormat, ...]
    kms_key_arn: str | None

    @property
    def encryption(self) -> dict[str, str]:
        """The properties of S3's PutObject for the key; none without one: the bucket's own default
        holds.
        """
        if self.kms_key_arn is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_arn}


def _is_file_format(name: str) -> TypeIs[FileFormat]:
    return name in FILE_FORMATS


@cache
def export_target() -> ExportTarget:
    """EXPORT_BUCKET, EXPORT_PREFIX, EXPORT_FORMATS (csv, parquet, with commas) and EXPORT_KMS_ARN.

    Raises BadSetting.
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
