"""The checksums of an upload in parts, on the wire. moto accepts an upload that S3 would refuse."""

import base64
import os
import re
import zlib
from typing import Any

from allowance.aws.s3 import PART_BYTES, s3_client, s3_object


def crc32(part: bytes) -> str:
    return base64.b64encode(zlib.crc32(part).to_bytes(4, "big")).decode()


def test_an_upload_in_parts_names_its_checksums_from_creation_to_end(s3: Any) -> None:
    """S3 refuses a part whose checksum the creation did not announce, and an end without the
    checksum of each part.
    """
    sent: list[tuple[str, dict[str, str], str]] = []

    def keep(request: Any, **_: Any) -> None:
        body = request.body if isinstance(request.body, bytes) else b""
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        sent.append((request.method, headers, body.decode(errors="replace")))

    s3_client().meta.events.register("before-send.s3", keep)
    content = os.urandom(PART_BYTES + 5)
    with s3_object("finops", "k", {"ContentType": "x/y"}) as sink:
        sink.write(content)
    (_, creation, _), *parts, (_, _, end) = sent
    assert creation["x-amz-checksum-algorithm"] == "CRC32"
    assert [method for method, _, _ in parts] == ["PUT", "PUT"]
    for _, headers, _ in parts:
        assert "x-amz-checksum-crc32" in {*headers, headers.get("x-amz-trailer", "")}
    assert re.findall(r"<ChecksumCRC32>([^<]+)</ChecksumCRC32>", end) == [
        crc32(content[:PART_BYTES]),
        crc32(content[PART_BYTES:]),
    ]
