"""Finds the shapes of a dataset's rows, the most specific first; rows may have several.

The shapes of images and of speech are defined here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ml_intern_helpers.dataset.column_roles import NOT_READ, ColumnRoles, first_named
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.shapes import api_formats, conversations, preferences, questions
from ml_intern_helpers.dataset.shapes.shape import METHODS, Rows, Shape

CAPTIONS = ("caption", "text", "captions", "description", "prompt", "alt_text")

#: The prompt for every image, as a literal in the mapping code.
QUESTION = '"Describe the image."'


def image_caption(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Images with a text each: for text-to-image models, or to teach a vision-language model to describe images."""
    if not roles.has("images") or any(roles.has(role) for role in ("messages", "completion", "chosen")):
        return None
    image, caption = roles.by_role["images"], first_named(roles.kinds, CAPTIONS)
    if caption is None or roles.kinds[caption] != "string":
        return None
    return Shape(
        "image-caption",
        {"images": image, "text": caption},
        "text-to-image models are trained with diffusers, not with these methods; here a vision-language model learns to "
        f"describe images: {shown_name(caption)} is the answer, and you may reword the prompt",
        {"prompt": f"[{turn('user', QUESTION)}]", "completion": f"[{turn('assistant', row(caption))}]"},
        ("sft",),
        replaces=frozenset({"text", "prompt-only"}),
        refuses=("grpo",),
        because="captions are not prompts",
    )


SOUNDS = ("audio", "speech", "sound", "wav", "recording")
TRANSCRIPTS = ("transcription", "transcript", "sentence", "text", "normalized_text", "caption")


def speech(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Recordings in rows without questions and answers: none of these methods trains on them. Their bytes are not read."""
    column = first_named(roles.kinds, SOUNDS)
    if column is None or any(map(roles.has, ("messages", "prompt", "completion", "chosen"))):
        return None
    if not any(row.get(column) == NOT_READ for row in rows):
        return None
    words = first_named(roles.kinds, TRANSCRIPTS)
    text_only = (
        f"; to train on the transcripts alone, keep {shown_name(words)} as 'text' and drop the other columns" if words else ""
    )
    return Shape(
        "speech",
        {"audio": column, **({"text": words} if words else {})},
        f"transformers trains speech models on such rows (Seq2SeqTrainer, CTC), none of these methods does{text_only}",
        replaces=frozenset({"text"}),
        refuses=METHODS,
        because=f"{shown_name(column)} holds audio",
    )


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
    speech,
    conversations.transcript,
    questions.translation,
    questions.nested_answers,
    image_caption,
    questions.classification,
)


def with_shapes(roles: ColumnRoles, rows: Rows) -> ColumnRoles:
    """`roles` with the shapes that are found in `rows`."""
    return replace(roles, shapes=tuple(shape for find in FINDERS if rows and (shape := find(roles, rows))))
