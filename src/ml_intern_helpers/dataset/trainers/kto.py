"""How `KTOTrainer` reads rows: prompt, completion and label, or pairs that it takes apart itself."""

from __future__ import annotations

from ml_intern_helpers.dataset.trainers.beside import system_ignored, unplaced_images
from ml_intern_helpers.dataset.trainers.preference import dpo_problems
from ml_intern_helpers.dataset.trainers.rows import (
    Problem,
    Row,
    answer_problems,
    missing,
    mixed,
    tools_problems,
)

WANTED = ("prompt", "completion")


def problems(rows: list[Row]) -> list[Problem]:
    """What keeps `KTOTrainer` from training on `rows` as meant; empty when nothing does."""
    if {"chosen", "rejected"} <= set(rows[0]):
        return _overwritten(rows[0]) or dpo_problems(rows, "KTO")
    found = missing("KTO", rows[0], (*WANTED, "label"))
    if found:
        return found
    found = mixed(rows[0], WANTED) or answer_problems(rows, WANTED) + label_problems(rows) + tools_problems(rows)
    return found or unplaced_images(rows, WANTED) or system_ignored(rows, "prompt")


def _overwritten(row: Row) -> list[Problem]:
    """Taking pairs apart, TRL copies every other column over the ones it made."""
    clash = [name for name in ("completion", "label") if name in row]
    told = (
        f"TRL takes pairs apart into 'completion' and 'label', and the existing {' and '.join(map(repr, clash))} overwrites them"
    )
    return [Problem("stray", told, silent=not isinstance(row.get("label"), str))] if clash else []


def label_problems(rows: list[Row]) -> list[Problem]:
    """Labels must be true or false (0 and 1 will do); any other number counts as desirable, text crashes."""
    labels = [row["label"] for row in rows]
    nulls = tuple(position for position, label in enumerate(labels) if label is None)
    wrong = tuple(position for position, label in enumerate(labels) if label is not None and not _is_label(label))
    found = [Problem("null", "'label' is null", nulls, columns=("label",))] if nulls else []
    if wrong:
        texts = any(isinstance(labels[position], str) for position in wrong)
        told = (
            "'label' is text, not true or false"
            if texts
            else "'label' holds other numbers than 0 and 1: TRL takes every one but 0 for desirable"
        )
        found.append(Problem("label", told, wrong, silent=not texts, columns=("label",)))
    return found


def _is_label(value: object) -> bool:
    return isinstance(value, (bool, int, float)) and value in (0, 1)
