"""The verdict for each method: what TRL makes of the rows as they are, and the mapping that was run where one is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.lack import lack
from ml_intern_helpers.dataset.lengths import lengths
from ml_intern_helpers.dataset.mapping.make import Mapping, make
from ml_intern_helpers.dataset.mapping.plain import NotPlain
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.several import other_reading, taken, vision
from ml_intern_helpers.dataset.trainers.grpo import reward_columns
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.trainers.rows import SUPPORTED, Problem
from ml_intern_helpers.dataset.training_signal import missing_signal
from ml_intern_helpers.dataset.unused import USED, read, unused

Word = Literal["ready", "needs_mapping", "incompatible", "unknown"]
METHODS = tuple(READERS)
TITLES: dict[Word, str] = {
    "ready": "READY",
    "needs_mapping": "NEEDS MAPPING",
    "incompatible": "INCOMPATIBLE",
    "unknown": "UNKNOWN",
}


@dataclass(frozen=True)
class Verdict:
    """What one method can do with the rows.

    Attributes:
        verdict: `ready`, `needs_mapping`, `incompatible` or `unknown`.
        reason: one line.
        evidence: what was seen, with counts.
        mapping: code that was run on the sample and its output checked; only with `needs_mapping`.
        mapping_rows_in, mapping_rows_out: sampled rows before and after that run.
        problems: codes of what stands in the way.
        columns_not_used: columns that the method would not see; with `ready` and `needs_mapping`.
        length: how long the text is that the method would train on, see `lengths`; with the same.
        rows: the rows as the method would read them, mapped where it takes a mapping; not part of the JSON form; with the same.
    """

    verdict: Word
    reason: str
    evidence: str
    mapping: str | None = None
    mapping_rows_in: int | None = None
    mapping_rows_out: int | None = None
    problems: tuple[str, ...] = ()
    columns_not_used: tuple[str, ...] = ()
    length: dict[str, Any] | None = None
    rows: tuple[dict[str, Any], ...] = ()

    def line(self, method: str) -> str:
        """`NEEDS MAPPING for sft: reason`."""
        return f"{TITLES[self.verdict]} for {method}: {self.reason}"


def verdicts(look: Sample, columns: list[Column], parts: ColumnRoles, method: str | None) -> dict[str, Verdict]:
    """A verdict for every method.

    Running some mappings imports `datasets`, which takes a second: that is done for `method`, and for the others only after it.
    """
    asked = _verdict(method, look, columns, parts, wait=True) if method else None
    wait = asked is None or asked.verdict == "needs_mapping"
    return {name: asked if asked and name == method else _verdict(name, look, columns, parts, wait=wait) for name in METHODS}


def _verdict(method: str, look: Sample, columns: list[Column], parts: ColumnRoles, *, wait: bool) -> Verdict:
    evidence = _evidence(columns, parts, len(look.rows))
    if not look.rows:
        return Verdict("unknown", "no complete row could be read", evidence)
    problems = READERS[method](look.rows)
    if not problems:
        return _ready(method, look, parts, evidence)
    try:
        mapping = make(method, parts, look.rows, problems, wait=wait)
    except NotPlain:
        return _unrun(look, problems, evidence, method)
    if mapping is None:
        return _without_mapping(method, look, parts, problems, evidence)
    return _mapped(method, look, parts, mapping, problems, evidence)


def _ready(method: str, look: Sample, parts: ColumnRoles, evidence: str) -> Verdict:
    nothing = missing_signal(method, look.rows, complete=look.extent.complete)
    if nothing:
        return Verdict("incompatible", nothing[1], evidence, problems=(nothing[0],))
    reason = f"'prompt' is usable; {_rewards(look.columns)}" if method == "grpo" else _read_as(method, look)
    reason += vision(method, look.rows[0]) + other_reading(method, parts, read(method, look.columns))
    left = unused(method, look.columns, None)
    return Verdict("ready", reason, evidence, columns_not_used=left, length=lengths(method, look.rows), rows=tuple(look.rows))


def _mapped(method: str, look: Sample, parts: ColumnRoles, mapping: Mapping, problems: list[Problem], evidence: str) -> Verdict:
    codes = _codes(problems)
    nothing = missing_signal(method, mapping.rows, complete=look.extent.complete)
    if nothing:
        return Verdict("incompatible", nothing[1], evidence, problems=(*codes, nothing[0]))
    reason = _reason(problems, len(look.rows)) + taken(method, parts, mapping.code) + vision(method, mapping.rows[0])
    return Verdict(
        "needs_mapping",
        reason + (f"; {_rewards(mapping.columns)}" if method == "grpo" else ""),
        evidence,
        _program(look.load, mapping.code),
        mapping.rows_in,
        mapping.rows_out,
        codes,
        unused(method, look.columns, mapping.code),
        lengths(method, mapping.rows),
        tuple(mapping.rows),
    )


def _program(load: str, code: str) -> str:
    """The whole of it, imports first."""
    lines = code.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    imports.append(f"from datasets import {'load_from_disk' if 'load_from_disk' in load else 'load_dataset'}")
    return "\n".join([*imports, load, *(line for line in lines if line not in imports)])


def _rewards(columns: list[str]) -> str:
    rewards = reward_columns(columns)
    if not rewards:
        return "there is no other column, so rewards can only judge the completion itself"
    return f"your reward functions receive {_listed(rewards)}"


def _read_as(method: str, look: Sample) -> str:
    first = look.rows[0]
    if "input_ids" in first and method == "sft":
        return "rows are tokenised already ('input_ids'); which tokenizer made them cannot be seen"
    used = [name for name in read(method, list(first)) if name in USED[method]]
    return f"TRL reads {_listed(used)} as {'messages' if any(isinstance(first[name], list) for name in used) else 'plain text'}"


def _unrun(look: Sample, problems: list[Problem], evidence: str, method: str) -> Verdict:
    """There is a mapping to try, and it was not worth the wait."""
    reason = f"{_reason(problems, len(look.rows))}; --method {method} tries a mapping"
    return Verdict("unknown", reason, evidence, problems=_codes(problems))


def _without_mapping(method: str, look: Sample, parts: ColumnRoles, problems: list[Problem], evidence: str) -> Verdict:
    """Unfit, unless columns of other names could serve: that only the user knows."""
    codes, reason = _codes(problems), _reason(problems, len(look.rows))
    missing = lack(method, parts, look.rows)
    if missing is None:
        return Verdict("incompatible", f"{reason}; no mapping that was tried gives usable rows", evidence, problems=codes)
    if missing.open:
        return Verdict("unknown", missing.reason(), evidence, problems=(*codes, "unnamed"))
    told = missing.message if missing.whole else f"{missing.message} ({reason})"
    return Verdict("incompatible", told, evidence, problems=codes)


def _codes(problems: list[Problem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem.code for problem in problems))


def _reason(problems: list[Problem], total: int) -> str:
    """The first problem, with its share of the sample when it is in single rows."""
    first = problems[0]
    share = f" in {len(first.at)} of {total} sampled rows" if first.in_rows and len(first.at) < total else ""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return clean(f"{first.message}{share}{more}", limit=400)


def _evidence(columns: list[Column], parts: ColumnRoles, total: int) -> str:
    """What each column that plays a part holds: `prompt: string in 100 of 100 rows`."""
    played = [column for column in columns if column.name in parts.by_role.values() or column.name in SUPPORTED]
    told = [
        f"{clean(column.name, limit=60)}: {column.main} in {column.kinds.get(column.main, 0)} of {total} rows"
        for column in played[:8]
    ]
    return "; ".join(told) or f"columns: {_listed([column.name for column in columns])}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(clean(name, limit=60)) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The JSON form."""
    left = [clean(name, limit=200) for name in verdict.columns_not_used]
    told = {name: value for name, value in verdict.__dict__.items() if name != "rows"}
    return {**told, "problems": list(verdict.problems), "columns_not_used": left}
