"""Which pages of other origins may read responses: CORS_ORIGINS."""

import os
from functools import cache


@cache
def cors_origins() -> frozenset[str]:
    """The origins whose pages may read answers: CORS_ORIGINS, with commas between them."""
    return frozenset(filter(None, map(str.strip, os.environ.get("CORS_ORIGINS", "").split(","))))
