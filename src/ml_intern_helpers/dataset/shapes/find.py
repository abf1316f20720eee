"""Finds the shapes of a dataset's rows, the most specific first; rows may have several. Those of images and speech are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ml_intern_helpers.dataset.column_roles import NOT_READ, ColumnRoles, first_named
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.shapes import api_formats, conversations, preferences, questions
from ml_intern_helpers.dataset.shapes.shape import METHODS, Rows, Shape, named

CAPTIONS = ("caption", "text", "captions", "description", "prompt", "alt_text")

#: The question put to the picture: a literal.
QUESTION = '"Describe the image."'


def image_caption(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Images with one text beside them: for text-to-image models, or to teach a vision-language model to describe."""
    if not roles.has("images") or any(roles.has(role) for role in ("messages", "completion", "chosen")):
        return None
    image, caption = roles.by_role["images"], first_named(roles.kinds, CAPTIONS)
    if caption is None or roles.kinds[caption] != "string":
        return None
    return Shape(
        "image-caption",
        {"images": image, "text": caption},
        "text-to-image models are trained with diffusers, by none of these methods; here a vision-language model learns to "
        f"describe: {named(caption)} is the answer, and the wording of the prompt is yours",
        {"prompt": f"[{turn('user', QUESTION)}]", "completion": f"[{turn('assistant', row(caption))}]"},
        ("sft",),
        replaces=frozenset({"text", "prompt-only"}),
        refuses=("grpo",),
        because="captions are no prompts",
    )


SOUNDS = ("audio", "speech", "sound", "wav", "recording")
TRANSCRIPTS = ("transcription", "transcript", "sentence", "text", "normalized_text", "caption")


def speech(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Recordings, whose bytes were not read, in rows that are not questions and answers: none of these methods trains on them."""
    column = first_named(roles.kinds, SOUNDS)
    if column is None or any(map(roles.has, ("messages", "prompt", "completion", "chosen"))):
        return None
    if not any(row.get(column) == NOT_READ for row in rows):
        return None
    words = first_named(roles.kinds, TRANSCRIPTS)
    alone = f"; to learn the words alone, keep {named(words)} and nothing else, as 'text'" if words else ""
    return Shape(
        "speech",
        {"audio": column, **({"text": words} if words else {})},
        f"transformers trains speech models on such rows (Seq2SeqTrainer, CTC), none of these methods does{alone}",
        replaces=frozenset({"text"}),
        refuses=METHODS,
        because=f"{named(column)} holds sound",
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
    return replace(roles, shapes=tuple(shape for find in FINDERS if rows and (shape := find(roles, rows))))
