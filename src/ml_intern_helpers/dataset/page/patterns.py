"""Role patterns as beads on a string: a small letter for each turn."""

from __future__ import annotations

import re
from typing import Any

from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES
from ml_intern_helpers.dataset.page.charts import shares

SHOWN = 8
_PARTS = re.compile(r"\((?P<group>[^()]+)\)×(?P<times>\d+)|(?P<role>[^\s()]+)")
KNOWN = ("system", "user", "assistant", "tool")


def patterns(found: list[list[Any]]) -> list[dict[str, Any]]:
    """The most frequent patterns with beads and bars."""
    bars = shares({str(name): rows for name, rows in found})[:SHOWN]
    return [{**bar, "strings": _strings(bar["name"])} for bar in bars]


def _strings(pattern: str) -> list[dict[str, Any]]:
    """`system (user assistant)×3` -> two strings of beads, the second three times."""
    if pattern.startswith("(other"):
        return []
    found: list[dict[str, Any]] = []
    for match in _PARTS.finditer(pattern):
        if match["role"] and found and found[-1]["times"] == 1:
            found[-1]["beads"].append(_bead(match["role"]))
        else:
            roles = (match["group"] or match["role"]).split()
            found.append({"beads": [_bead(role) for role in roles], "times": int(match["times"] or 1)})
    return found


def _bead(role: str) -> dict[str, str]:
    return {"letter": role[:1].upper() if not role.startswith("…") else "…", "tone": tone(role), "name": role}


def tone(role: str) -> str:
    """The class a role is drawn with."""
    name = SPEAKER_NAMES.get(role.lower(), role.lower())
    name = "system" if name == "developer" else name
    return name if name in KNOWN else "other"
