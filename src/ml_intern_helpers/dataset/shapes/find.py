"""All shapes, the most telling first; rows may have several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.shapes import (
    answers,
    api_log,
    captions,
    choices,
    classes,
    inside,
    old_calls,
    openai_pairs,
    parts_turns,
    ranked,
    single_turns,
    sound,
    tags,
    transcript,
    translation,
    versus,
)
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape

FINDERS: tuple[Callable[[ColumnRoles, Rows], Shape | None], ...] = (
    single_turns.find,
    tags.find,
    choices.find,
    versus.find,
    ranked.find,
    openai_pairs.find,
    old_calls.find,
    parts_turns.find,
    api_log.find,
    inside.find,
    sound.find,
    transcript.find,
    translation.find,
    answers.find,
    captions.find,
    classes.find,
)


def with_shapes(parts: ColumnRoles, rows: Rows) -> ColumnRoles:
    """`parts` with the shapes that `rows` have."""
    return replace(parts, shapes=tuple(shape for find in FINDERS if rows and (shape := find(parts, rows))))
