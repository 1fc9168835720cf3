"""Settings of imports by S3: IMPORT_BUCKET, IMPORT_PREFIX and IMPORT_KMS_ARN."""

import os
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting


@dataclass(frozen=True)
class ImportSource:
    """The bucket of files to import, the prefix of their keys, and the key that encrypts results.

    The prefix is empty or ends with a slash.
    """

    bucket: str
    prefix: str
    kms_key_arn: str | None

    @property
    def encryption(self) -> dict[str, str]:
        """The properties of S3's PutObject that name the key. Without a key none: the bucket's
        default encryption applies.
        """
        if self.kms_key_arn is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_arn}


@cache
def import_source() -> ImportSource:
    """Return IMPORT_BUCKET, IMPORT_PREFIX and IMPORT_KMS_ARN, as they are set. Raise BadSetting."""
    bucket, prefix = os.environ.get("IMPORT_BUCKET"), os.environ.get("IMPORT_PREFIX", "")
    if not bucket:
        raise BadSetting("IMPORT_BUCKET is not set: nothing is imported.")
    if prefix and not prefix.endswith("/"):
        raise BadSetting(f"IMPORT_PREFIX must end with a slash, not {prefix!r}.")
    return ImportSource(bucket, prefix, os.environ.get("IMPORT_KMS_ARN") or None)
