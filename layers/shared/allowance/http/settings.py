"""The origins whose pages may read responses: CORS_ORIGINS."""

import os
from functools import cache


@cache
def cors_origins() -> frozenset[str]:
    """Return the origins in CORS_ORIGINS, which separates them by commas."""
    return frozenset(filter(None, map(str.strip, os.environ.get("CORS_ORIGINS", "").split(","))))
