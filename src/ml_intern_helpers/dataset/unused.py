"""Columns that hold something and that the trainer would never see: said every time, for one of them may be the target."""

from __future__ import annotations

from ml_intern_helpers.dataset.mapping.code import quoted, row

#: What each trainer takes from a row; GRPO hands every other column to the reward functions.
_PAIR = ("prompt", "chosen", "rejected")
_MORE = ("tools", "images", "image", "chat_template_kwargs")
USED = {
    "sft": ("prompt", "completion", "messages", "conversations", "text"),
    "dpo": _PAIR,
    "kto": (*_PAIR, "completion", "label"),
    "reward": _PAIR,
}


def unused(method: str, columns: list[str], code: str | None) -> tuple[str, ...]:
    """Columns of the dataset that play no role in what `method` trains on.

    Args:
        method: the training method.
        columns: all of the dataset's columns.
        code: the mapping, or None when the rows are read as they are.
    """
    if method == "grpo":
        return ()
    if code is None or not any(sign in code for sign in ("select_columns", "remove_columns=")):
        return tuple(name for name in columns if name not in read(method, columns))
    # The name stands in a list of columns to keep.
    return tuple(
        name
        for name in columns
        if row(name) not in code
        and not any(quoted(name) in line for line in code.splitlines() if "select_columns" in line or "not in [" in line)
    )


def read(method: str, columns: list[str]) -> list[str]:
    """The columns that a trainer reads of rows as they are."""
    if method == "grpo":
        return [name for name in ("prompt", *_MORE) if name in columns]
    if method == "sft" and "input_ids" in columns:
        return ["input_ids", "labels", "completion_mask", "assistant_masks", "attention_mask", "position_ids"]
    used = [name for name in USED[method] if name in columns]
    if method == "sft":
        used = used[:2] if used[:2] == ["prompt", "completion"] else [name for name in used if name != "prompt"][:1]
    if method == "kto" and "chosen" in used:
        used = [name for name in used if name in _PAIR]
    return used + [name for name in _MORE if name in columns]
