"""One turn per row: trees of messages (OpenAssistant) and conversations cut into rows. A mapping of rows cannot join them."""

from __future__ import annotations

from collections.abc import Iterable

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, shown

PARENTS = ("parent_id", "parent_message_id", "parent", "reply_to", "in_reply_to_id")
THREADS = ("conversation_id", "thread_id", "dialogue_id", "dialog_id", "session_id", "conv_id")
SPEAKERS = ("role", "speaker", "from", "author_role")
WORDS = ("text", "content", "value", "message", "utterance", "body")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A speaker and words in each row, and a column that ties rows together."""
    found = None if parts.has("messages") else columns(parts.kinds)
    if found is None or any(parts.kinds[name] != "string" for name in found[1:]):
        return None
    tie, speaker, words = found
    tree = first_named([tie], PARENTS) is not None
    what = f"one turn of a conversation{' tree' if tree else ''} ({shown(tie)} ties it to the others)"
    how = "from each last answer up to the root" if tree else "in order"
    return Shape(
        "conversation-tree" if tree else "turn-per-row",
        {"tie": tie, "speaker": speaker, "words": words},
        f"no mapping of single rows can join the turns: put those of a thread together {how} as 'messages' yourself, "
        "and inspect the result",
        replaces=frozenset({"text"}),
        refuses=("sft", "dpo", "grpo", "kto", "reward"),
        because=f"each row is {what}",
    )


def columns(names: Iterable[str]) -> tuple[str, str, str] | None:
    """The columns for the tie, the speaker and the words, or None when the rows are no single turns."""
    known = list(names)
    tie, speaker, words = first_named(known, (*PARENTS, *THREADS)), first_named(known, SPEAKERS), first_named(known, WORDS)
    return (tie, speaker, words) if tie and speaker and words else None
