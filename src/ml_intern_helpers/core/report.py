"""Defines `Report` and `Finding`, the result of every command; commands fill it in, `cli` prints it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ml_intern_helpers.core.text import clean

Status = Literal["ok", "failed", "unknown", "error"]
Severity = Literal["error", "warning", "info"]
#: Which rows a finding about a dataset counted.
Scope = Literal["sample", "all rows"]

#: The exit code that goes with a status, unless the report names its own.
EXIT_CODES: dict[Status, int] = {"ok": 0, "failed": 1, "unknown": 3, "error": 3}


class _Finding(NamedTuple):
    """The fields of a `Finding`.

    Attributes:
        code: family and three digits (`API101`), stable, never reused.
        severity: `error` (would break or waste the run), `warning` (probably not meant), `info`.
        message: what is wrong, one line.
        file: path or dataset the finding is about, or None.
        line: 1-based line or row, or None.
        column: 1-based column, or None.
        evidence: what was seen (source text, count, row numbers), or None; without the example.
        fix: what to write or do instead, or None.
        rows: 1-based numbers of rows that show it; only the first ones where there are many.
        count, of: how many rows it concerns, and how many rows were examined.
        share: `count / of`.
        scope: which rows were examined.
        columns: the columns concerned.
        example: a text from a row that shows it; `seen` is the evidence with the example.
        cell: the code cell of a notebook, 1-based, in which `line` is counted.

    `rows` to `example` describe findings about rows. `--json` contains them and `cell` only where they are set.
    """

    code: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    evidence: str | None = None
    fix: str | None = None
    rows: tuple[int, ...] | None = None
    count: int | None = None  # type: ignore[assignment]  # hides `tuple.count`, which nobody calls
    of: int | None = None
    share: float | None = None
    scope: Scope | None = None
    columns: tuple[str, ...] | None = None
    example: str | None = None
    cell: int | None = None


class Finding(_Finding):
    """One problem. Its texts are cleaned on construction, to one line each, because they quote foreign content."""

    __slots__ = ()

    def __new__(
        cls,
        code: str,
        severity: Severity,
        message: str,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        evidence: str | None = None,
        fix: str | None = None,
        rows: tuple[int, ...] | None = None,
        count: int | None = None,
        of: int | None = None,
        share: float | None = None,
        scope: Scope | None = None,
        columns: tuple[str, ...] | None = None,
        example: str | None = None,
        cell: int | None = None,
    ) -> Finding:
        texts = clean(message), _clean(file), line, column, _clean(evidence), _clean(fix)
        clean_columns = None if columns is None else tuple(clean(name) for name in columns)
        return super().__new__(cls, code, severity, *texts, rows, count, of, share, scope, clean_columns, _clean(example), cell)

    @property
    def seen(self) -> str | None:
        """The evidence, followed by the example if there is one."""
        return self.evidence if self.example is None else f"{self.evidence}; e.g. {self.example!r}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: the first eight fields always, the facts about rows only where they are set."""
        always = _Finding._fields[:8]
        fields = {**self._asdict(), "evidence": self.seen}
        return {name: value for name, value in fields.items() if name in always or value is not None}


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


class Report:
    """The answer of one command.

    Attributes:
        command: the command's name; makes the schema name `ml-intern/<command>/v1`.
        status: `ok`, `failed` (a check failed), `unknown` (undecided) or `error` (no answer).
        fields: the command's own keys, JSON-serialisable, units in their names.
        findings: the problems found.
        warnings: one-line notes on how the answer was obtained (stale cache, partial data).
        error: `{code, message, hint}`, only with status `error`.
        exit_code: overrides the code that `status` implies.
    """

    def __init__(
        self,
        command: str,
        status: Status = "ok",
        fields: dict[str, Any] | None = None,
        findings: list[Finding] | None = None,
        warnings: list[str] | None = None,
        error: dict[str, str | None] | None = None,
        exit_code: int | None = None,
    ) -> None:
        self.command, self.status, self.error, self.exit_code = command, status, error, exit_code
        self.fields: dict[str, Any] = {} if fields is None else fields
        self.findings: list[Finding] = [] if findings is None else findings
        self.warnings: list[str] = [] if warnings is None else warnings

    @property
    def schema(self) -> str:
        return f"ml-intern/{self.command}/v1"

    def resolved_exit_code(self) -> int:
        return EXIT_CODES[self.status] if self.exit_code is None else self.exit_code

    def to_dict(self) -> dict[str, Any]:
        """The flat `--json` object; every key is always present."""
        return {
            "schema": self.schema,
            "status": self.status,
            **self.fields,
            "findings": [finding.to_dict() for finding in self.findings],
            "warnings": list(self.warnings),
            "error": self.error,
        }


def render_finding(finding: Finding) -> str:
    """`API101 error train.py:31: message` with evidence and fix indented below."""
    where = ":".join(str(part) for part in (finding.file, finding.line) if part is not None)
    lines = [" ".join(part for part in (finding.code, finding.severity, f"{where}:" if where else "") if part) + " "]
    lines[0] += finding.message
    if finding.seen:
        lines.append(f"    seen: {finding.seen}")
    if finding.fix:
        lines.append(f"    fix:  {finding.fix}")
    return "\n".join(lines)
