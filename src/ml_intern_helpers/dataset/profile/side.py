"""The two sides of a comparison: where a profile is from, and its parts, whatever a saved file holds in their place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean, clean_tree
from ml_intern_helpers.dataset.profile.sketch import Sketch, from_json

SCHEMA = "ml-intern/inspect_dataset/v1"
MOST_SAVED_BYTES = 32 * 2**20
#: Characters of a text in a saved answer: the longest is a sketch, see `K_OF_ALL`.
MOST_TEXT = 12_000


@dataclass(frozen=True)
class Side:
    """One dataset of the two.

    Attributes:
        name: id or path, with the split.
        came_from: `looked at now` or `saved answer`.
        profile: see `profile.make`; its parts are read through the methods, which hold for any JSON.
        held: the sketch with all the hashes that are at hand; None for a saved answer.
    """

    name: str
    came_from: str
    profile: dict[str, Any]
    held: Sketch | None = None

    @property
    def rows(self) -> int:
        rows = self.profile.get("rows")
        return rows if isinstance(rows, int) else 0

    @property
    def complete(self) -> bool:
        """The profile is of all rows, not of a sample."""
        return self.profile.get("of") == "all rows"

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        return {name: value for name, value in _object(self.profile.get("columns")).items() if isinstance(value, dict)}

    @property
    def characters(self) -> dict[str, Any] | None:
        """Lengths, when all their figures are there."""
        found = self.profile.get("characters")
        whole = isinstance(found, dict) and all(isinstance(found.get(name), int) for name in ("median", "p95"))
        return found if whole and isinstance(found, dict) and _pairs(found.get("histogram")) else None

    def counts(self, key: str) -> dict[str, int]:
        """`labels`, `languages` or `role_patterns` as name -> rows; empty when there are none."""
        found = self.profile.get(key)
        pairs = found if isinstance(found, list) else []
        items = found.items() if isinstance(found, dict) else [item for item in pairs if _is_pair(item)]
        return {str(name): rows for name, rows in items if isinstance(rows, int) and rows > 0}

    @property
    def sketch(self) -> Sketch | None:
        return self.held or from_json(self.profile.get("sketch"))

    @property
    def sketched_whole(self) -> bool:
        """The sketch is of all rows, also where all else is of a sample."""
        return self.complete or self.profile.get("sketch_of") == "all rows"


def saved(path: str) -> Side | None:
    """The answer of an earlier `--json` in file `path`; None when the file is something else: a dataset, then.

    Raises:
        BadData: an answer without a profile.
    """
    answer = _read(Path(path))
    if answer is None:
        return None
    if not isinstance(answer.get("profile"), dict):
        told = f"{clean(path, limit=200)} is an answer without a profile"
        raise BadData(told, hint="make it anew with `inspect_dataset … --json`, or name the dataset itself")
    at = _object(answer.get("looked_at"))
    profile = clean_tree(answer["profile"], limit=MOST_TEXT)
    return Side(named(answer.get("dataset"), at.get("split")), "saved answer", _object(profile))


def named(dataset: object, split: object) -> str:
    """`owner/name, split train`."""
    return f"{clean(dataset or 'unnamed', limit=200)}, split {clean(split or 'unknown', limit=60)}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_SAVED_BYTES:
            return None
        with path.open("rb") as stream:
            if b'"schema"' not in stream.read(4096):
                return None
        answer = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and answer.get("schema") == SCHEMA else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _pairs(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_pair(item) and isinstance(item[0], int) for item in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)
