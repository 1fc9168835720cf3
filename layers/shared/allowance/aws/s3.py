"""An object of S3, written bit by bit: it is there all at once when it is complete, and not at all
when it fails.
"""

import io
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, override

PART_BYTES = 8 << 20
"""Held in memory. S3 takes 10,000 parts, so an object may have 80 GB."""

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 30, 5


@cache
def s3_client() -> Any:
    """The client of this process, which asks again by itself."""
    # The largest part of a cold start: only here, where something must be written.
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS},
    )
    return boto3.client("s3", config=config)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class _Parts(io.RawIOBase):
    """What takes bytes and sends them on as parts."""

    def __init__(
        self, client: Any, target: Mapping[str, str], properties: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._client = client
        self._target = dict(target)
        self._properties = dict(properties)
        self._waiting = bytearray()
        self._upload_id: str | None = None
        self._sent: list[dict[str, Any]] = []
        self._abandoned = False

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, b: Any, /) -> int:
        if self._abandoned:
            return len(b)  # the end that a file writes by itself when it is let go
        self._waiting += b
        while len(self._waiting) >= PART_BYTES:
            self._send(bytes(self._waiting[:PART_BYTES]))
            del self._waiting[:PART_BYTES]
        return len(b)

    def finish(self) -> None:
        """Make the object what was written."""
        if self._upload_id is None:
            self._client.put_object(Body=bytes(self._waiting), **self._target, **self._properties)
            return
        if self._waiting:
            self._send(bytes(self._waiting))
        parts = {"UploadId": self._upload_id, "MultipartUpload": {"Parts": self._sent}}
        self._client.complete_multipart_upload(**self._target, **parts)

    def abandon(self) -> None:
        """Let the object be what it was."""
        self._abandoned = True
        if self._upload_id is not None:
            self._client.abort_multipart_upload(UploadId=self._upload_id, **self._target)

    def _send(self, content: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(
                **self._target, **self._properties
            )["UploadId"]
        number = len(self._sent) + 1
        answer = self._client.upload_part(
            Body=content, PartNumber=number, UploadId=self._upload_id, **self._target
        )
        self._sent.append({"PartNumber": number, "ETag": answer["ETag"]})


@contextmanager
def s3_object(bucket: str, key: str, properties: Mapping[str, str]) -> Generator[io.RawIOBase]:
    """What takes the bytes of an object. `properties` are those of S3's PutObject, such as
    ContentType.

    An error inside leaves the object as it was. Raises what boto3 does.
    """
    parts = _Parts(s3_client(), {"Bucket": bucket, "Key": key}, properties)
    try:
        yield parts
        parts.finish()
    except BaseException:
        parts.abandon()
        raise
