"""The JSON schema of the directory document: `make directory-schema` writes
docs/directory.schema.json.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import create_model

from allowance.contract.fields import Body
from allowance.directory.document import OrganizationEntry, TokenEntry, UserEntry
from allowance.directory.reading import MAX_TOKENS, MAX_USERS

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "directory.schema.json"


def schema() -> str:
    """Return the schema as JSON. The document's model leaves out users and tokens, which an import
    reads one slice at a time.
    """
    document = create_model(
        "DirectoryDocument",
        __base__=Body,
        organizations=(list[OrganizationEntry], []),
        users=(list[UserEntry], []),
        tokens=(list[TokenEntry], []),
        confirm_deletions=(bool, False),
    )
    made: dict[str, Any] = document.model_json_schema()
    made["properties"]["users"]["maxItems"] = MAX_USERS
    made["properties"]["tokens"]["maxItems"] = MAX_TOKENS
    # Their docstrings are for readers of the code.
    for each in (made, *made["$defs"].values()):
        each.pop("description", None)
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made
    return json.dumps(made, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema())
