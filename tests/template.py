"""template.yaml as SAM reads it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

TEMPLATE_FILE = Path(__file__).parents[1] / "template.yaml"


@cache
def template() -> dict[str, Any]:
    return json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE_FILE))))
