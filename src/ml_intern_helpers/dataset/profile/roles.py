"""Who speaks in which order: `system (user assistant)×3`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ml_intern_helpers.core.text import clean

MOST_PATTERNS = 20
_ROLE_KEYS = ("role", "from", "speaker")
_NO_ROLE = re.compile(r"[^\w.-]+")


def pattern(cell: object) -> str | None:
    """The pattern of one conversation; None for anything else."""
    if not isinstance(cell, list) or not cell or not all(isinstance(turn, dict) for turn in cell):
        return None
    found = [_role(turn) for turn in cell]
    return None if None in found else folded([role for role in found if role])


def patterns(cells: list[object]) -> list[list[Any]]:
    """`[pattern, rows]`, the most frequent first; what is left over is counted as `other patterns`."""
    counted = Counter(filter(None, map(pattern, cells)))
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    shown = [[name, rows] for name, rows in ranked[:MOST_PATTERNS]]
    rest = sum(rows for _, rows in ranked[MOST_PATTERNS - 1 :])
    return shown if len(ranked) <= MOST_PATTERNS else [*shown[:-1], [OTHER, rest]]


#: Not spelt like a pattern: no role has a space in it.
OTHER = "(other patterns)"


def _role(turn: dict[str, Any]) -> str | None:
    name = next((turn[key] for key in _ROLE_KEYS if key in turn), None)
    return None if name is None else (_NO_ROLE.sub("_", clean(name, limit=24)) or "_")


def folded(roles: list[str]) -> str:
    """Roles as a pattern: what repeats at once is written once, with its number: `system (user assistant)×3 user`."""
    for start in range(min(len(roles) - 3, 2)):  # behind a system turn, if there is one
        times = _times(roles, start)
        if times > 1:
            middle = f"({' '.join(roles[start : start + 2])})×{times}"
            return " ".join(filter(None, (" ".join(roles[:start]), middle, _cut(roles[start + 2 * times :]))))
    return _cut(roles)


def _times(roles: list[str], start: int) -> int:
    """How often the two turns at `start` come one after another."""
    pair, times = roles[start : start + 2], 1
    while roles[start + 2 * times : start + 2 * times + 2] == pair:
        times += 1
    return times


def _cut(roles: list[str]) -> str:
    return " ".join([*roles[:12], f"…{len(roles) - 12}_more"] if len(roles) > 12 else roles)
