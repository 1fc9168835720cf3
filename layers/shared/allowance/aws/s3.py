"""An object of S3: copied to be read, and written in parts. It appears whole when complete, and not
at all on failure.
"""

import io
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO, cast, override

PART_BYTES = 8 << 20
"""One part is in memory. S3 accepts 10,000 parts, so an object may have 80 GB."""

CHECKSUM = "CRC32"
"""The SDK adds this checksum to each part by itself. S3 refuses it for an upload that was created
without one, and then wants the checksums of all parts again to complete the object:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 30, 5


@cache
def s3_client() -> Any:
    """Return the client of this process. It retries by itself."""
    # This import is the largest part of a cold start, so it happens only where a function writes.
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS},
    )
    client: Any = boto3.client("s3", config=config)  # pyright: ignore[reportUnknownMemberType]
    return client


@contextmanager
def s3_download(bucket: str, key: str) -> Generator[BinaryIO]:
    """Return the bytes of an object, on the function's own disk. Raise the errors of boto3."""
    with tempfile.TemporaryFile() as copy:
        body = s3_client().get_object(Bucket=bucket, Key=key)["Body"]
        for chunk in body.iter_chunks(PART_BYTES):
            copy.write(chunk)
        copy.seek(0)
        yield cast("BinaryIO", copy)


class _Parts(io.RawIOBase):
    """A writable stream that sends its bytes to S3 as parts."""

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
            return len(b)  # A file writes its end when it is closed; the object does not exist.
        self._waiting += b
        while len(self._waiting) >= PART_BYTES:
            self._send(bytes(self._waiting[:PART_BYTES]))
            del self._waiting[:PART_BYTES]
        return len(b)

    def finish(self) -> None:
        """Complete the object from what was written."""
        if self._upload_id is None:
            self._client.put_object(Body=bytes(self._waiting), **self._target, **self._properties)
            return
        if self._waiting:
            self._send(bytes(self._waiting))
        parts = {"UploadId": self._upload_id, "MultipartUpload": {"Parts": self._sent}}
        self._client.complete_multipart_upload(**self._target, **parts)

    def abandon(self) -> None:
        """Leave the object as it was before."""
        self._abandoned = True
        if self._upload_id is not None:
            self._client.abort_multipart_upload(UploadId=self._upload_id, **self._target)

    def _send(self, content: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(
                ChecksumAlgorithm=CHECKSUM, **self._target, **self._properties
            )["UploadId"]
        number = len(self._sent) + 1
        sent = self._client.upload_part(
            Body=content,
            PartNumber=number,
            UploadId=self._upload_id,
            ChecksumAlgorithm=CHECKSUM,
            **self._target,
        )
        checksum = f"Checksum{CHECKSUM}"
        self._sent.append({"PartNumber": number, "ETag": sent["ETag"], checksum: sent[checksum]})


@contextmanager
def s3_object(bucket: str, key: str, properties: Mapping[str, str]) -> Generator[io.RawIOBase]:
    """Return a stream for the bytes of an object. `properties` are properties of S3's PutObject,
    such as ContentType.

    An error inside the block leaves the object as it was. Raise the errors of boto3.
    """
    parts = _Parts(s3_client(), {"Bucket": bucket, "Key": key}, properties)
    try:
        yield parts
        parts.finish()
    except BaseException:
        parts.abandon()
        raise
