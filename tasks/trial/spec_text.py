"""A specification as people write it in YAML, with names as text."""

from __future__ import annotations

from typing import Any

import yaml

NAMES = frozenset(
    {
        *("unit", "arm", "control", "treated", "cluster", "block", "period", "group", "assignment"),
        *("starts", "ends", "value", "numerator", "denominator", "covariate"),
    }
)
"""Keys whose values are names or dates; every key of a mapping, such as an arm, is a name too."""
NULL = "tag:yaml.org,2002:null"


def parsed(text: str) -> Any:
    """Return the content of a YAML text, with names as they are written.

    YAML 1.1 reads ``on``, ``off``, ``yes`` and ``no`` as truth values and ``007`` as a number, but arms and
    columns may be called so.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    return yaml.load(text, _SpecLoader)


class _SpecLoader(yaml.SafeLoader):
    """The safe loader of YAML with names as text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose keys are text, and whose values are where their key says so."""
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
            for place, (key, value) in enumerate(node.value):
                key = _as_text(key)
                named = isinstance(key, yaml.ScalarNode) and key.value in NAMES and value.tag != NULL
                node.value[place] = (key, _as_text(value) if named else value)
        return super().construct_mapping(node, deep)


def _as_text(node: yaml.Node) -> yaml.Node:
    """Return a node that is read as the text it is written in."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    return yaml.ScalarNode("tag:yaml.org,2002:str", node.value, node.start_mark, node.end_mark, node.style)
