"""Makes the diff of `--fix`: it renames arguments with exactly one new name and adds missing logging settings.

The edits are made in the source text itself, so that everything else stays as it was typed.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Callable
from typing import NamedTuple

from ml_intern_helpers.analysis.source import Source, source_of_text
from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.preflight.examine import Examination

#: Code -> the setting that is safe to add where it is missing.
_ADDED = {"LOG101": "disable_tqdm", "LOG103": "logging_first_step"}


class Edit(NamedTuple):
    """One replacement: line (1-based), start and end column in bytes, and the new text."""

    line: int
    start: int
    end: int
    text: str


def diff(examination: Examination, again: Callable[[Source], Examination]) -> tuple[str, int]:
    """A unified diff of the safe fixes, and the number of findings that it removes.

    The fixed script is examined with `again` first: it must parse, and that many findings must be gone.

    Raises:
        UsageError: the script is a notebook, whose cells are not lines of the file.
        Unavailable: the diff would print a token, or it does not remove the findings.
    """
    source = examination.context.source
    if source.cells is not None:
        raise UsageError("--fix does not support notebooks", hint="fix the cells by hand; the findings name them")
    if any(finding.code == "SEC101" for finding in examination.findings):
        raise Unavailable("the source contains a token, which the diff would print", hint="remove the token first (SEC101)")
    text, fixed_count = _fixed(examination)
    after = again(source_of_text(str(source.path), text)) if fixed_count else examination
    if len(after.findings) != len(examination.findings) - fixed_count:
        message = "no diff: the fixed script still has some of the findings"
        raise Unavailable(message, hint="fix them by hand, and please report the script")
    name = source.path.name
    lines = difflib.unified_diff(source.text.splitlines(True), text.splitlines(True), f"a/{name}", f"b/{name}")
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(ended).rstrip("\n"), fixed_count


def _fixed(examination: Examination) -> tuple[str, int]:
    """The source with the safe fixes applied, and the number of findings that they address."""
    source = examination.context.source
    renames = {finding: edit for finding, name in examination.renames.items() if (edit := _rename(examination, finding, name))}
    settings: dict[ast.Call, list[Finding]] = {}
    for finding in examination.findings:
        for config in examination.context.configs if finding.code in _ADDED else ():
            missing = _ADDED[finding.code] not in config.entries.items and not config.entries.open
            # A config that a parser builds has no call to edit.
            if missing and _stands_at(config.call, finding) and config.call not in examination.context.script.parsed:
                settings.setdefault(config.call, []).append(finding)
                break
    edits = list(renames.values())
    for call, findings in settings.items():
        edits += _added(source, call, [f"{_ADDED[finding.code]}=True" for finding in findings])
    rows = [line.encode() for line in source.lines]
    # The last edit comes first, so that the other positions stay valid.
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.start), reverse=True):
        row = rows[edit.line - 1]
        rows[edit.line - 1] = row[: edit.start] + edit.text.encode() + row[edit.end :]
    return b"\n".join(rows).decode(), len(renames) + sum(map(len, settings.values()))


def _rename(examination: Examination, finding: Finding, name: str) -> Edit | None:
    """The edit that renames the keyword, or the key of a dict inside the call; None where `name` is already present."""
    for node in examination.context.script.places:
        if isinstance(node, (ast.Call, ast.Dict)) and not _is_in_call(examination, node):
            continue
        if isinstance(node, ast.Call):
            word = next((word for word in node.keywords if _stands_at(word.value, finding)), None)
            if word and word.arg and all(other.arg not in (name, None) for other in node.keywords):
                return Edit(word.lineno, word.col_offset, word.col_offset + len(word.arg.encode()), name)
        elif isinstance(node, ast.Dict):
            keys = [key for key, value in zip(node.keys, node.values, strict=True) if _stands_at(value, finding)]
            if keys and None not in node.keys and all(isinstance(key, ast.Constant) and key.value != name for key in node.keys):
                return _key_edit(examination.context.source, keys[0], name)
    return None


def _is_in_call(examination: Examination, node: ast.AST) -> bool:
    """Whether `node` is a call or a dict inside one; a dict bound to a name may be used elsewhere too."""
    while isinstance(node, ast.Dict) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict"):
        node = examination.context.script.places[node].parent
        if isinstance(node, ast.keyword):
            node = examination.context.script.places[node].parent
    return isinstance(node, ast.Call)


def _key_edit(source: Source, key: ast.expr | None, name: str) -> Edit | None:
    """The edit of a key, which keeps its quotes; None for anything but a plain string."""
    if not isinstance(key, ast.Constant) or key.lineno != key.end_lineno or key.end_col_offset is None:
        return None
    text = source.lines[key.lineno - 1].encode()[key.col_offset : key.end_col_offset].decode()
    if not isinstance(key.value, str) or text[1:-1] != key.value:
        return None
    return Edit(key.lineno, key.col_offset, key.end_col_offset, f"{text[0]}{name}{text[-1]}")


def _stands_at(node: ast.expr, finding: Finding) -> bool:
    return (node.lineno, node.col_offset + 1) == (finding.line, finding.column)


def _added(source: Source, call: ast.Call, settings: list[str]) -> list[Edit]:
    """Edits that add settings at the end of a call: after the last argument, or each on its own line, as the call is laid out."""
    close = (call.end_lineno or call.lineno, (call.end_col_offset or 0) - 1)
    last = _before(source, close)
    if last is None:
        return []
    line, column, text = last
    if text == "(" and line == close[0]:
        return [Edit(close[0], close[1], close[1], ", ".join(settings))]
    comma = "" if text in (",", "(") else ","
    if line == close[0]:
        return [Edit(line, column, column, f"{comma} {', '.join(settings)}")]
    row = source.lines[line - 1]
    indent = row[: len(row) - len(row.lstrip())]
    added = "".join(f"\n{indent}{setting}," for setting in settings)
    end = len(row.encode())
    return [Edit(line, column, column, comma), Edit(line, end, end, added)]


def _before(source: Source, close: tuple[int, int]) -> tuple[int, int, str] | None:
    """Line, end column (bytes) and text of the last token before the closing bracket, ignoring comments and line ends."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    last = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            row, column = token.start
            if (row, len(source.lines[row - 1][:column].encode())) >= close:
                break
            if token.type not in skipped:
                last = token
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None
    if last is None:
        return None
    return last.end[0], len(source.lines[last.end[0] - 1][: last.end[1]].encode()), last.string
