"""The content of a body: what was sent in base64 or as gzip (RFC 9110, 8.4), in bounded memory."""

import base64
import zlib

from allowance.errors import BodyTooLarge, InvalidJSON, UnsupportedEncoding

MAX_BODY_BYTES = 1 << 20
"""The most bytes of a body, both as it was sent and decompressed."""

ENCODING = "gzip"
GZIP = frozenset({ENCODING, "x-gzip"})
NONE = frozenset({"", "identity"})

MAX_MEMBERS = 100
"""The most parts of a gzip file. Each costs a copy of the rest."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""zlib reads the header and the checksum of gzip with this."""


def bytes_of(body: str) -> bytes:
    """Return the bytes of a body in base64, none of another text."""
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        # API Gateway never sends this. The empty body is refused as JSON later.
        return b""


def decompressed(content: bytes, encoding: str, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the content of a body with this Content-Encoding, at most `max_bytes`.

    Raise BodyTooLarge, UnsupportedEncoding, and InvalidJSON if it is no whole gzip file.
    """
    name = encoding.strip().lower()
    if name in NONE:
        return content
    if name not in GZIP:
        raise UnsupportedEncoding(detail=f"Use Content-Encoding: {ENCODING}, or send it as it is.")
    found, left = bytearray(), content
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            found += member.decompress(left, max_bytes + 1 - len(found))
        except zlib.error as error:
            raise _no_gzip() from error
        if len(found) > max_bytes:
            raise BodyTooLarge(detail=f"At most {max_bytes} bytes, also decompressed.")
        left = member.unused_data
        if not left and member.eof:
            return bytes(found)
    raise _no_gzip()


def _no_gzip() -> InvalidJSON:
    return InvalidJSON(detail=f"Content-Encoding is {ENCODING}, and it is no whole gzip file.")
