"""Filters for what is searched in texts: damage, keys."""

from __future__ import annotations

import re

from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.checks.scan import scan
from ml_intern_helpers.dataset.decision.step import Step
from ml_intern_helpers.dataset.definitions.damage import DAMAGE, MISREAD
from ml_intern_helpers.dataset.definitions.secrets import SECRETS

_TEXTS = """def texts(value):
    if isinstance(value, str):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return "\\n".join(map(texts, items))"""


def undamaged(facts: Facts, code: str) -> list[Step]:
    """Entities are unescaped, not dropped; the other damage is a matter for a repair tool, or beyond repair."""
    misread, lost, _ = DAMAGE
    held = {seen.pattern: seen for seen in scan(facts, (misread, lost))}
    forms = [form for form in MISREAD.values() if misread in held and any(re.search(form, text) for text in facts.whole)]
    return _without(code, "DAMAGED", forms + ([lost.regex] if lost in held else []))


def no_keys(facts: Facts, code: str) -> list[Step]:
    """Rows with keys and tokens go."""
    return _without(code, "KEYS", [seen.pattern.regex for seen in scan(facts, SECRETS)])


def _without(code: str, name: str, held: list[str]) -> list[Step]:
    if not held:
        return []
    parts = [f"(?i:{regex.removeprefix('(?i)')})" if regex.startswith("(?i)") else regex for regex in held]
    definition = f"{name} = re.compile({'|'.join(parts)!a}, re.ASCII)"
    return [Step(code, f"not {name}.search(texts(row))", ("import re", _TEXTS, definition))]
