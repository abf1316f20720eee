"""Images with a caption: data for text-to-image models, or for teaching a vision-language model to describe."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, shown

CAPTIONS = ("caption", "text", "captions", "description", "prompt", "alt_text")

#: The question put to the picture: a literal.
QUESTION = '"Describe the image."'


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """An image column and one text beside it."""
    if not parts.has("images") or any(parts.has(part) for part in ("messages", "completion", "chosen")):
        return None
    image, caption = parts.by_role["images"], first_named(parts.kinds, CAPTIONS)
    if caption is None or parts.kinds[caption] != "string":
        return None
    return Shape(
        "image-caption",
        {"images": image, "text": caption},
        "text-to-image models are trained with diffusers, by none of these methods; here a vision-language model learns to "
        f"describe: {shown(caption)} is the answer, and the wording of the prompt is yours",
        {"prompt": f"[{turn('user', QUESTION)}]", "completion": f"[{turn('assistant', row(caption))}]"},
        ("sft",),
        replaces=frozenset({"text", "prompt-only"}),
        refuses=("grpo",),
        because="captions are no prompts",
    )
