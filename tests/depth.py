"""How deep the suites look: `quick` at every change, `thorough` with CI=true, `deep` when
HYPOTHESIS_PROFILE=deep asks for it.
"""

import os

DEPTH = os.environ.get("HYPOTHESIS_PROFILE") or ("thorough" if os.environ.get("CI") else "quick")


def by_depth[T](quick: T, thorough: T, deep: T) -> T:
    """The setting of the profile in use."""
    return {"quick": quick, "thorough": thorough, "deep": deep}[DEPTH]
