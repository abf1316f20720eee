"""The records that the rules rest on: what was agreed is changed by the user's word alone, what was spent by nobody.

`.ml-intern/task.json` is written by `task`, `runs.jsonl` by the hooks. A model that edits either writes its own permission.
"""

from __future__ import annotations

import re

from ml_intern_helpers.guard.decisions import PASS, Decision

_RECORDS = r"\.ml-intern/+(?:\./+)*(?:task\.json|runs\.jsonl|guard\.log)"
_CHANGES_TERMS = re.compile(r"""\btask(?:\.sh)?["']?\s+(?:--\w+\s+)*change\b(?!.*--help)""")
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


def on_command(command: str) -> Decision:
    """On a Bash call that is no launch, or that does this beside one."""
    if _CHANGES_TERMS.search(command):
        reason = "ml-intern: other terms than agreed are the user's to decide.\n    way on: keep to `task show`, or ask the user"
        return Decision("ask", reason, codes=("TERMS",))
    if _WRITES.search(command):
        reason = "ml-intern: what was agreed and spent is not written by hand.\n    way on: `task change --reason …`, `budget`"
        return Decision("ask", reason, codes=("RECORD",))
    return PASS
