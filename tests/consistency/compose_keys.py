"""The tables of docs/compose.md: the fate of each key of the Compose specification.

scripts/python tests/consistency/compose_keys.py        rewrite them

The keys come from ``plugins/module_utils/engine/compose_spec.py``; the specification's JSON schema comes from the
package check-jsonschema.
"""

from __future__ import annotations

import importlib.resources
import json
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/compose.md"
BEGIN = "<!-- generated: scripts/python tests/consistency/compose_keys.py -->"
HEAD = ["| key | fate | in a release |", "|---|---|---|"]

TITLES = {
    "": "The file",
    "services.*": "A service",
    "services.*.build": "`build` of a service",
    "services.*.networks.*": "A network of a service",
    "services.*.deploy": "`deploy` of a service",
    "services.*.volumes": "A mount of a service",
    "networks.*": "A network",
    "volumes.*": "A volume",
    "configs.*": "A config",
    "secrets.*": "A secret",
}


def specification() -> dict[str, dict[str, t.Any]]:
    """The table in the collection's code."""
    sys.path.insert(0, str(ROOT / ".collections"))
    from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_spec

    table: dict[str, dict[str, t.Any]] = compose_spec.SPECIFICATION
    return table


def words() -> dict[str, t.Any]:
    """The words of ``allow`` in the collection's code."""
    sys.path.insert(0, str(ROOT / ".collections"))
    from ansible_collections.switchyard.stacks.plugins.module_utils.config import allowances

    table: dict[str, t.Any] = allowances.WORDS
    return table


def schema() -> dict[str, t.Any]:
    """The JSON schema of the Compose specification."""
    file = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    content: dict[str, t.Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def properties(whole: dict[str, t.Any], node: t.Any) -> dict[str, t.Any]:
    """The keys of every mapping that a node of the schema allows at its own level, in a list of it, or by name."""
    if not isinstance(node, dict):
        return {}
    if "$ref" in node:
        return properties(whole, whole["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    result = dict(node.get("properties", {}))
    alternatives = [option for kind in ("oneOf", "anyOf", "allOf") for option in node.get(kind, [])]
    named = [value for pattern, value in node.get("patternProperties", {}).items() if not pattern.startswith("^x-")]
    for part in [*alternatives, node.get("items"), *named]:
        result.update(properties(whole, part))
    return result


def schema_keys(whole: dict[str, t.Any], section: str) -> set[str]:
    """The keys that the schema has for a section of the table."""
    level = properties(whole, whole)
    for name in section.split(".") if section else []:
        if name != "*":
            level = properties(whole, level.get(name))
    return set(level)


def differences(table: dict[str, dict[str, t.Any]]) -> list[str]:
    """What a table lacks or has in addition, compared with the specification."""
    whole, problems = schema(), []
    for section, fates in table.items():
        expected = schema_keys(whole, section)
        problems += [f"compose_spec.py: {section or 'file'} lacks {key}" for key in sorted(expected - set(fates))]
        problems += [
            f"compose_spec.py: {section or 'file'} has {key}, the specification not"
            for key in sorted(set(fates) - expected)
        ]
    return problems


def row(key: str, fate: t.Any) -> str:
    """One line of a table."""
    reason = f"values `{fate.refused_values}` are refused: {fate.reason}" if fate.refused_values else fate.reason
    parts = [f"{reason}. {fate.hint}" if fate.hint else reason]
    for title, values in (("kept without it", fate.harmless), ("allowances", fate.allow)):
        parts += [f"{title}: {', '.join(f'`{value}`' for value in values)}"] if values else []
    text = "; ".join(part for part in parts if part).replace("|", "\\|")
    return f"| `{key}` | {fate.fate} | {text} |"


def generated() -> str:
    """The generated part of the page."""
    parts = [BEGIN]
    for section, fates in specification().items():
        parts += ["", f"## {TITLES[section]}", "", *HEAD, *(row(key, fates[key]) for key in sorted(fates))]
    parts += ["", "## The words of `allow`", "", "| allowance | what the service reaches |", "|---|---|"]
    parts += ["| `/srv/media` | a path of the server |"]
    parts += [f"| `{f'{name} {word.example}'.strip()}` | {word.meaning} |" for name, word in sorted(words().items())]
    return "\n".join(parts) + "\n"


def main() -> None:
    file = ROOT / PAGE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.partition(BEGIN)[0] + generated(), encoding="utf-8")


if __name__ == "__main__":
    main()
