"""The records that the rules rest on: what was agreed is changed by the user's word alone, what was spent by nobody.

`.ml-intern/task.json` is written by `task`, `runs.jsonl` by the hooks. A model that edits either writes its own permission;
so does a model that closes a task and agrees to another one by itself.
"""

from __future__ import annotations

import re

from ml_intern_helpers.guard import everyday
from ml_intern_helpers.guard.decisions import PASS, Decision

_RECORDS = r"\.ml-intern/+(?:\./+)*(?:task\.json|runs\.jsonl(?:\.late-[\w-]*)?|guard\.log)"
_TASK = r"""\btask(?:\.sh)?["']?\s+(?:--\w+\s+)*"""
_CHANGES_TERMS = re.compile(rf"{_TASK}change\b(?!.*--help)")
_AGREES = re.compile(rf"{_TASK}agree\b(?!.*--help)")
#: `--spend-cap 10`, once quotes are gone; with anything else behind it, it is no figure.
_CAP = re.compile(r"--spend-cap(?![\w-])(?:[= ]\s*\$?(\d+(?:\.\d+)?)(?![^\s;&|)]))?")
_TERMS_FILE = re.compile(r"--from(?![\w-])")
_QUOTES = re.compile(r"""['"\\]""")
#: Programs and signs by which a shell writes a file that is named behind them.
_WRITES = re.compile(rf"(?:>|\b(?:tee|rm|mv|cp|truncate|shred|ln|dd|sed\s+(?:-\S+\s+)*-i\S*)\b)[^;&|\n]*?{_RECORDS}")
_EDITS = re.compile(rf"(?:^|/){_RECORDS}$")


def on_edit(tool_input: dict[str, object]) -> Decision:
    """On a Write or Edit call."""
    path = tool_input.get("file_path")
    if not isinstance(path, str) or not _EDITS.search(path):
        return PASS
    way_on = (
        "`task agree` puts a task on file, `task change --reason …` other terms with the user's word; the ledger is the hooks'"
    )
    return Decision("deny", f"ml-intern: {path.rpartition('/')[2]} is not written by hand. {way_on}.", codes=("RECORD",))


def on_command(command: str, event: dict[str, object]) -> Decision:
    """On a Bash call that is no launch, or that does this beside one."""
    if _CHANGES_TERMS.search(command) and not everyday.only_reads(command):
        reason = "ml-intern: other terms than agreed are the user's to decide.\n    way on: keep to `task show`, or ask the user"
        return Decision("ask", reason, codes=("TERMS",))
    if _WRITES.search(command):
        reason = "ml-intern: what was agreed and spent is not written by hand.\n    way on: `task change --reason …`, `budget`"
        return Decision("ask", reason, codes=("RECORD",))
    return _on_agreement(command, event) if _AGREES.search(command) and not everyday.only_reads(command) else PASS


def _on_agreement(command: str, event: dict[str, object]) -> Decision:
    """The user must have spoken since the last agreement, and have named the money: one word is good for one agreement."""
    from pathlib import Path

    from ml_intern_helpers.guard.near import places_of
    from ml_intern_helpers.guard.permissions.users_word import most_dollars, said_since
    from ml_intern_helpers.runs.contract import task_for

    before = task_for(*map(Path, places_of(event)))
    said = said_since(event, before.agreed_at if before is not None else None)
    cap = cap_in(command)
    if before is not None and not said:
        what = "the user has said nothing since the last task was agreed; a new one is theirs to agree to"
    elif cap is None:
        what = "a spend cap that is not written out cannot be compared with the user's words"
    elif cap > most_dollars(said):
        what = f"a spend cap of {cap:.2f} USD stands in no message of the user" + (" since the last agreement" if before else "")
    else:
        return PASS
    way_on = "agree without a spend cap (no paid job), or ask the user for the figure, written with USD or $"
    return Decision("ask", f"ml-intern: {what}.\n    way on: {way_on}", codes=("TERMS",))


def cap_in(command: str) -> float | None:
    """The largest spend cap that the line names, in dollars; 0 without one, None where it is no figure (`$CAP`, a file)."""
    plain = _QUOTES.sub("", command)
    found = [match[1] for match in _CAP.finditer(plain)]
    is_open = None in found or _TERMS_FILE.search(plain)
    return None if is_open else max(map(float, found), default=0.0)
