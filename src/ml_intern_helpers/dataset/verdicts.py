"""The verdict for each method: what TRL makes of the rows as they are, and the mapping that was run where one is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ml_intern_helpers.dataset.kinds import Column
from ml_intern_helpers.dataset.look import Look
from ml_intern_helpers.dataset.mapping.candidates import candidates
from ml_intern_helpers.dataset.mapping.make import make
from ml_intern_helpers.dataset.meaning import Parts
from ml_intern_helpers.dataset.reading.common import SUPPORTED, Problem
from ml_intern_helpers.dataset.reading.grpo import reward_columns
from ml_intern_helpers.dataset.reading.methods import READERS
from ml_intern_helpers.text import clean

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
    """

    verdict: Word
    reason: str
    evidence: str
    mapping: str | None = None
    mapping_rows_in: int | None = None
    mapping_rows_out: int | None = None
    problems: tuple[str, ...] = ()

    def line(self, method: str) -> str:
        """`NEEDS MAPPING for sft: reason`."""
        return f"{TITLES[self.verdict]} for {method}: {self.reason}"


def verdicts(look: Look, columns: list[Column], parts: Parts, method: str | None) -> dict[str, Verdict]:
    """A verdict for every method.

    Running a mapping imports `datasets`, which takes a second: that is done for `method`, and for the others only after it.
    """
    asked = _verdict(method, look, columns, parts, run=True) if method else None
    run = asked is None or asked.verdict == "needs_mapping"
    return {name: asked if asked and name == method else _verdict(name, look, columns, parts, run=run) for name in METHODS}


def _verdict(method: str, look: Look, columns: list[Column], parts: Parts, *, run: bool) -> Verdict:
    evidence = _evidence(columns, parts, len(look.rows))
    if not look.rows:
        return Verdict("unknown", "no complete row could be read", evidence)
    problems = READERS[method](look.rows)
    if not problems:
        return _ready(method, look, evidence)
    codes = tuple(dict.fromkeys(problem.code for problem in problems))
    if not run:
        return _unrun(method, look, parts, problems, evidence)
    mapping = make(method, parts, look.rows, problems)
    if mapping is None:
        return _without_mapping(method, look, parts, problems, evidence)
    reason = _reason(problems, len(look.rows))
    imports = f"from datasets import {'load_from_disk' if 'load_from_disk' in look.load else 'load_dataset'}"
    code = f"{imports}\n{look.load}\n{mapping.code}"
    return Verdict("needs_mapping", reason, evidence, code, mapping.rows_in, mapping.rows_out, codes)


def _ready(method: str, look: Look, evidence: str) -> Verdict:
    labels = {row.get("label") for row in look.rows} if method == "kto" and "chosen" not in look.rows[0] else set()
    if len(labels) == 1 and look.extent.complete:
        told = f"every 'label' is {next(iter(labels))}: KTO needs desirable and undesirable answers"
        return Verdict("incompatible", told, evidence, problems=("one_class",))
    return Verdict("ready", _grpo_ready(look) if method == "grpo" else _read_as(method, look), evidence)


def _grpo_ready(look: Look) -> str:
    rewards = reward_columns(look.columns)
    if not rewards:
        return "'prompt' is usable; there is no other column, so rewards can only judge the completion itself"
    return f"'prompt' is usable; your reward functions receive {_listed(rewards)}"


def _read_as(method: str, look: Look) -> str:
    first = look.rows[0]
    if "input_ids" in first and method == "sft":
        return "rows are tokenised already ('input_ids'); which tokenizer made them cannot be seen"
    used = [name for name in USED[method] if name in first]
    if method == "sft":
        used = used[:2] if used[:2] == ["prompt", "completion"] else [name for name in used if name != "prompt"][:1]
    return f"TRL reads {_listed(used)} as {'messages' if any(isinstance(first[name], list) for name in used) else 'plain text'}"


#: What each trainer takes from a row, in the order in which it asks.
_PAIR = ("prompt", "chosen", "rejected")
USED = {
    "sft": ("prompt", "completion", "messages", "conversations", "text"),
    "dpo": _PAIR,
    "kto": (*_PAIR, "completion", "label"),
    "reward": _PAIR,
}


def _unrun(method: str, look: Look, parts: Parts, problems: list[Problem], evidence: str) -> Verdict:
    """Without running a mapping: there may be one, or there is clearly none."""
    codes = tuple(dict.fromkeys(problem.code for problem in problems))
    possible = all(problem.in_rows for problem in problems) or next(candidates(method, parts, look.rows), None) is not None
    if not possible:
        return _without_mapping(method, look, parts, problems, evidence)
    reason = f"{_reason(problems, len(look.rows))}; whether a mapping works was not tried (ask with --method {method})"
    return Verdict("unknown", reason, evidence, problems=codes)


def _without_mapping(method: str, look: Look, parts: Parts, problems: list[Problem], evidence: str) -> Verdict:
    codes = tuple(dict.fromkeys(problem.code for problem in problems))
    reason = _reason(problems, len(look.rows))
    lack = _lack(method, parts)
    if lack:
        return Verdict("incompatible", f"{lack} ({reason})", evidence, problems=codes)
    return Verdict("incompatible", f"{reason}; no mapping that was tried gives usable rows", evidence, problems=codes)


def _lack(method: str, parts: Parts) -> str | None:
    """What no mapping can make up for: parts that no column plays."""
    if method in ("dpo", "reward") and not parts.has("chosen", "rejected"):
        return "no columns are known as a preferred and a rejected answer"
    if method == "kto" and not parts.has("chosen", "rejected"):
        if not parts.has("label"):
            return "no column is known to say which answers are desirable"
        if parts.has("prompt", "completion"):
            return f"which values of {parts.by_part['label']!r} mean a desirable answer is yours to say: map it to true and false"
        return "no columns are known as a prompt and its answer"
    if method == "grpo" and not any(parts.has(part) for part in ("prompt", "messages", "chosen")):
        return "no column is known as a prompt"
    if method == "sft" and not any(parts.has(part) for part in ("messages", "dialogue", "completion", "chosen", "text")):
        return "no column is known as an answer or a text to learn"
    return None


def _reason(problems: list[Problem], total: int) -> str:
    """The first problem, with its share of the sample when it is in single rows."""
    first = problems[0]
    share = f" in {len(first.at)} of {total} sampled rows" if first.in_rows and len(first.at) < total else ""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return clean(f"{first.message}{share}{more}", limit=400)


def _evidence(columns: list[Column], parts: Parts, total: int) -> str:
    """What each column that plays a part holds: `prompt: string in 100 of 100 rows`."""
    played = [column for column in columns if column.name in parts.by_part.values() or column.name in SUPPORTED]
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
    return {**verdict.__dict__, "problems": list(verdict.problems)}
