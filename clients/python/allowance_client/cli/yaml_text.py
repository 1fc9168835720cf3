"""The YAML of a configuration, read strictly: what two readers of YAML understand differently is
refused rather than guessed.
"""

import re
from typing import Any

import yaml

from allowance_client.imports.problems import refused

_PLAIN_NUMBER = re.compile(
    r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|[+-]?\.(?:inf|nan|[0-9]+)",
    re.ASCII | re.IGNORECASE,
)
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


class _Strict(yaml.SafeLoader):
    """Refuses a key that is there twice, and numbers such as 010, 1:30 or 1_000."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                raise refused(f"The key {key.value} is there twice.", _place(key))
            names.add(str(key.value))
        return node


def _number(loader: _Strict, node: Any) -> Any:
    if not _PLAIN_NUMBER.fullmatch(node.value):
        reason = f"{node.value} is a number that YAML 1.1 reads in its own way: write it in full"
        raise refused(f"{reason}, or as text in quotes.", _place(node))
    maker = loader.construct_yaml_int if node.tag == _INT else loader.construct_yaml_float
    return maker(node)


_Strict.add_constructor(_INT, _number)
_Strict.add_constructor(_FLOAT, _number)


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"


def read_yaml(text: str) -> Any:
    """Return the document of a text. Raise ImportRefused."""
    try:
        return yaml.load(text, Loader=_Strict)  # noqa: S506 a subclass of the safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise refused(f"Is no YAML: {' '.join(str(error).split())}.") from error
