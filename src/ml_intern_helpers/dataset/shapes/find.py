"""Finds the shapes of a dataset's rows, the most specific first; rows may have several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.shapes import api_formats, conversations, media, preferences, questions
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape

FINDERS: tuple[Callable[[ColumnRoles, Rows], Shape | None], ...] = (
    conversations.turn_per_row,
    questions.token_tags,
    questions.multiple_choice,
    preferences.two_answers,
    preferences.ranked_answers,
    api_formats.openai_preference,
    api_formats.function_calls,
    conversations.gemini_contents,
    api_formats.api_log,
    conversations.nested_messages,
    media.speech,
    conversations.transcript,
    questions.translation,
    questions.nested_answers,
    media.image_caption,
    questions.classification,
)


def with_shapes(roles: ColumnRoles, rows: Rows) -> ColumnRoles:
    """`roles` with the shapes that `rows` have."""
    return replace(roles, shapes=tuple(shape for find in FINDERS if rows and (shape := find(roles, rows))))
