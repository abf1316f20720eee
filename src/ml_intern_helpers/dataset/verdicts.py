"""Judges the rows for each method: how TRL reads them as they are, or after a mapping, which was run.

It also lists the columns that the trainer would not read, since one of them may be the target, and recommends methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles, plain_name
from ml_intern_helpers.dataset.columns import Column, shown_name
from ml_intern_helpers.dataset.formats import formats
from ml_intern_helpers.dataset.lengths import lengths
from ml_intern_helpers.dataset.mapping.code import quoted, row
from ml_intern_helpers.dataset.mapping.plain import NotPlain
from ml_intern_helpers.dataset.mapping.run import find_mapping
from ml_intern_helpers.dataset.missing_columns import missing_columns
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.shapes.shape import Rows, listed
from ml_intern_helpers.dataset.trainers.methods import READERS, missing_signal, reward_columns
from ml_intern_helpers.dataset.trainers.rows import PICTURES, SUPPORTED, Problem, Row

Word = Literal["ready", "needs_mapping", "incompatible", "unknown"]
METHODS = tuple(READERS)
TITLES: dict[Word, str] = {
    "ready": "READY",
    "needs_mapping": "NEEDS MAPPING",
    "incompatible": "INCOMPATIBLE",
    "unknown": "UNKNOWN",
}
#: Role -> its name in a sentence.
_ROLE_WORDS = {
    "messages": "the conversation",
    "prompt": "the prompt",
    "completion": "the answer",
    "chosen": "the preferred answer",
    "rejected": "the rejected answer",
    "label": "the judgment",
    "text": "the text",
}


@dataclass(frozen=True)
class Verdict:
    """The verdict on the rows for one method.

    Attributes:
        verdict: `ready`, `needs_mapping`, `incompatible` or `unknown`.
        reason: one line.
        evidence: what the columns hold, with counts.
        mapping: code that was run on the sample and whose output was checked; only with `needs_mapping`.
        mapping_rows_in, mapping_rows_out: sampled rows before and after that run.
        problems: codes of the problems found.
        columns_not_used: columns that the method would not read; only with `ready` and `needs_mapping`, like the next two.
        length: length of the text that the method would train on, see `lengths`.
        rows: the rows as the method would read them, after a mapping; not part of the JSON form.
        mapping_code: the mapping without the line that loads the data; not part of the JSON form.
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
    mapping_code: str = ""

    def as_dict(self) -> dict[str, Any]:
        fields = {name: value for name, value in self.__dict__.items() if name not in ("rows", "mapping_code")}
        not_used = [clean(name, limit=200) for name in self.columns_not_used]
        return {**fields, "problems": list(self.problems), "columns_not_used": not_used}


def verdicts(sample: Sample, columns: list[Column], roles: ColumnRoles, method: str | None) -> dict[str, Verdict]:
    """A verdict for every method.

    Some mappings must import `datasets` to run, which takes a second. This is done for `method`, and for others only if it is
    imported anyway.
    """
    judged = _verdict(method, sample, columns, roles, wait=True) if method else None
    wait = judged is None or judged.verdict == "needs_mapping"
    return {name: judged if judged and name == method else _verdict(name, sample, columns, roles, wait=wait) for name in METHODS}


def _verdict(method: str, sample: Sample, columns: list[Column], roles: ColumnRoles, *, wait: bool) -> Verdict:
    rows = sample.rows
    # What each column with a role holds: `prompt: string in 100 of 100 rows`
    total = len(rows)
    used = [column for column in columns if column.name in roles.by_role.values() or column.name in SUPPORTED]
    descriptions = [
        f"{clean(column.name, limit=60)}: {column.main} in {column.kinds.get(column.main, 0)} of {total} rows"
        for column in used[:8]
    ]
    evidence = "; ".join(descriptions) or f"columns: {_listed([column.name for column in columns])}"
    if not rows:
        return Verdict("unknown", "no complete row could be read", evidence)
    problems = READERS[method](rows)
    if not problems:
        return _ready(method, sample, roles, evidence)
    codes, reason = tuple(dict.fromkeys(problem.code for problem in problems)), _reason(problems, len(rows))
    try:
        mapping = find_mapping(method, roles, rows, problems, wait=wait)
    except NotPlain:  # running the mapping would need `datasets`
        return Verdict("unknown", f"{reason}; --method {method} tries a mapping", evidence, problems=codes)
    if mapping is None:
        # It is incompatible unless columns with unknown names could serve, which only the user knows.
        missing = missing_columns(method, roles, sample.rows)
        if missing is None:
            return Verdict("incompatible", f"{reason}; no mapping that was tried gives usable rows", evidence, problems=codes)
        if missing.open:
            return Verdict("unknown", missing.reason(), evidence, problems=(*codes, "unnamed"))
        message = missing.message if missing.whole else f"{missing.message} ({reason})"
        return Verdict("incompatible", message, evidence, problems=codes)
    no_signal = missing_signal(method, mapping.rows, complete=sample.extent.complete)
    if no_signal:
        return Verdict("incompatible", no_signal[1], evidence, problems=(*codes, no_signal[0]))
    reason += _reading_of(method, roles, mapping.code) + _vision_note(method, mapping.rows[0])
    # Put the imports first, then the line that loads the data and the mapping.
    lines = mapping.code.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    imports.append(f"from datasets import {'load_from_disk' if 'load_from_disk' in sample.load else 'load_dataset'}")
    return Verdict(
        "needs_mapping",
        reason + (f"; {_rewards(mapping.columns)}" if method == "grpo" else ""),
        evidence,
        "\n".join([*imports, sample.load, *(line for line in lines if line not in imports)]),
        mapping.rows_in,
        mapping.rows_out,
        codes,
        unused(method, sample.columns, mapping.code),
        lengths(method, mapping.rows),
        tuple(mapping.rows),
        mapping.code,
    )


def _ready(method: str, sample: Sample, roles: ColumnRoles, evidence: str) -> Verdict:
    no_signal = missing_signal(method, sample.rows, complete=sample.extent.complete)
    if no_signal:
        return Verdict("incompatible", no_signal[1], evidence, problems=(no_signal[0],))
    first = sample.rows[0]
    if method == "grpo":
        reason = f"'prompt' is usable; {_rewards(sample.columns)}"
    elif method == "sft" and "input_ids" in first:
        reason = "rows are tokenised already ('input_ids'); which tokenizer made them cannot be seen"
    else:
        columns_read = [name for name in read(method, list(first)) if name in USED[method]]
        has_turns = any(isinstance(first[name], list) for name in columns_read)
        reason = f"TRL reads {_listed(columns_read)} as {'messages' if has_turns else 'plain text'}"
    reason += _vision_note(method, first) + _other_reading(method, roles, read(method, sample.columns))
    not_used = unused(method, sample.columns, None)
    return Verdict(
        "ready", reason, evidence, columns_not_used=not_used, length=lengths(method, sample.rows), rows=tuple(sample.rows)
    )


def _rewards(columns: list[str]) -> str:
    rewards = reward_columns(columns)
    if not rewards:
        return "there is no other column, so rewards can only judge the completion itself"
    return f"your reward functions receive {_listed(rewards)}"


def _reason(problems: list[Problem], total: int) -> str:
    """The first problem, with its share of the sample if only some rows have it."""
    first = problems[0]
    share = f" in {len(first.at)} of {total} sampled rows" if first.in_rows and len(first.at) < total else ""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return clean(f"{first.message}{share}{more}", limit=400)


def _listed(names: list[str]) -> str:
    return ", ".join(map(shown_name, names[:12])) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _reading_of(method: str, roles: ColumnRoles, code: str) -> str:
    """A note on how the mapping reads columns that could also be read differently."""
    for shape in roles.shapes:
        if any(expression in code for expression in shape.fields.values()):
            return f"; the format is {shape.name}, see its note"
    not_used = unused(method, list(roles.kinds), code)
    used = [name for name in roles.kinds if name not in not_used]
    alternatives = ""
    for role, names in roles.others.items():
        column = roles.by_role[role]
        if role in _ROLE_WORDS and column in used and (method != "grpo" or role in ("prompt", "messages")):
            alternatives += f"; {shown_name(column)} is taken for {_ROLE_WORDS[role]}, {listed(names)} could be it too"
    return alternatives or _other_reading(method, roles, used)


def _other_reading(method: str, roles: ColumnRoles, used: Iterable[str]) -> str:
    """A note on another format in columns that this reading leaves out, or on the shape that it uses."""
    used = set(used)
    for entry in formats(roles) if method == "sft" else []:
        columns = [entry["columns"][part] for part in entry["columns"] if part not in ("context", "system", "tools", "images")]
        if method in entry["methods"] and columns and not used & set(columns):
            return f"; {listed(columns)} could be read as {entry['name']} instead"
    for shape in roles.shapes:
        if shape.name in ("transcript", "classification") and used & set(shape.columns.values()):
            return f"; the format is {shape.name}, see its note"
    return ""


def _vision_note(method: str, row: Row) -> str:
    """A note on images, at which a text model stops."""
    name = next((name for name in PICTURES if row.get(name)), None)
    return (
        f"; with {shown_name(name)} it takes a vision-language model, a text model stops" if name and method != "reward" else ""
    )


#: What each trainer takes from a row; GRPO hands every other column to the reward functions.
_PAIR = ("prompt", "chosen", "rejected")
_ADDITIONAL = ("tools", "images", "image", "chat_template_kwargs")
USED = {
    "sft": ("prompt", "completion", "messages", "conversations", "text"),
    "dpo": _PAIR,
    "kto": (*_PAIR, "completion", "label"),
    "reward": _PAIR,
}


def unused(method: str, columns: list[str], code: str | None) -> tuple[str, ...]:
    """The columns of the dataset that `method` does not train on.

    Args:
        method: the training method.
        columns: all of the dataset's columns.
        code: the mapping, or None if the rows are read as they are.
    """
    if method == "grpo":
        return ()
    if code is None or not any(sign in code for sign in ("select_columns", "remove_columns=")):
        return tuple(name for name in columns if name not in read(method, columns))
    # A column is also used if its name is in the mapping's list of columns to keep.
    return tuple(
        name
        for name in columns
        if row(name) not in code
        and not any(quoted(name) in line for line in code.splitlines() if "select_columns" in line or "not in [" in line)
    )


def read(method: str, columns: list[str]) -> list[str]:
    """The columns that a trainer reads if the rows are not mapped."""
    if method == "grpo":
        return [name for name in ("prompt", *_ADDITIONAL) if name in columns]
    if method == "sft" and "input_ids" in columns:
        return ["input_ids", "labels", "completion_mask", "assistant_masks", "attention_mask", "position_ids"]
    used = [name for name in USED[method] if name in columns]
    if method == "sft":
        used = used[:2] if used[:2] == ["prompt", "completion"] else [name for name in used if name != "prompt"][:1]
    if method == "kto" and "chosen" in used:
        used = [name for name in used if name in _PAIR]
    return used + [name for name in _ADDITIONAL if name in columns]


#: Names of columns with which a reward function can compare a completion.
REFERENCES = frozenset({
    "answer", "answers", "solution", "ground_truth", "groundtruth", "reference", "reference_answer", "final_answer",
    "expected_answer", "expected_output", "gold", "target", "answer_key", "answerkey", "correct_answer", "test_cases", "tests",
    "test_list", "unit_tests", "input_output", "verification_info", "reward_model",
})  # fmt: skip
#: Longest answer, in characters, that can be compared as a whole.
SHORT = 60
_UNANSWERED = "prompts without answers: your reward functions judge what the model writes"


def recommended(by_method: Mapping[str, Verdict], roles: ColumnRoles, rows: Rows) -> list[dict[str, str]]:
    """`{"method", "why"}` of the methods that suit the rows and are ready or need a mapping, the best first."""
    usable = {name: verdict.verdict for name, verdict in by_method.items() if verdict.verdict in ("ready", "needs_mapping")}
    return [{"method": method, "why": why} for method, why in _suitable_methods(roles, rows, usable) if method in usable]


def _suitable_methods(roles: ColumnRoles, rows: Rows, usable: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    refusing = [shape for shape in roles.shapes if "sft" in shape.refuses]
    if refusing:
        if any("grpo" in shape.methods for shape in refusing):
            yield "grpo", _UNANSWERED
    elif roles.has("chosen", "rejected") or any("dpo" in shape.methods for shape in roles.shapes):
        yield "dpo", "each prompt has a better and a worse answer"
        yield "reward", "the same pairs, where a scorer is wanted"
        yield "kto", "takes the pairs apart into good and bad answers"
        yield "sft", "learns the better answers alone"
    elif roles.has("prompt", "completion", "label") and "kto" in usable:
        yield "kto", "each answer is marked good or bad by itself"
        yield "sft", "learns the good answers alone"
    else:
        # Recommend SFT for demonstrations, GRPO for answers that can be checked, or both.
        shape = next((shape for shape in roles.shapes if "grpo" in shape.methods), None)
        column = shape.columns["completion"] if shape else _reference(roles, rows)
        grpo_entry = [("grpo", f"{shown_name(column)} can be held against what the model writes")] if column else []
        grpo_first = usable.get("grpo") == "ready" and usable.get("sft") != "ready"
        if grpo_first:
            yield from grpo_entry
        if "sft" in usable:
            yield "sft", _demonstrations(roles)
        if not grpo_first:
            yield from grpo_entry
        if not grpo_entry and "sft" not in usable:
            yield "grpo", _UNANSWERED


def _reference(roles: ColumnRoles, rows: Rows) -> str | None:
    """A column with which completions can be compared, recognised by its name and short values; None without one."""
    for name in reward_columns(list(roles.kinds)):
        values = [row.get(name) for row in rows if row.get(name) not in (None, "", [], {})]
        long_values = sum(1 for cell in values if isinstance(cell, str) and len(cell) > SHORT)
        if plain_name(name) in REFERENCES and values and 2 * long_values < len(values):
            return name
    return None


def _demonstrations(roles: ColumnRoles) -> str:
    shape = next((shape for shape in roles.shapes if shape.name == "classification"), None)
    if shape and not shape.fields:
        return f"learns to write such texts, without {shown_name(shape.columns['class'])}"
    if roles.has("messages") or roles.has("dialogue") or any("messages" in shape.fields for shape in roles.shapes):
        return "conversations with the assistant's turns to imitate"
    if roles.has("prompt", "completion") or any("completion" in shape.fields for shape in roles.shapes):
        return "prompts with answers to imitate"
    return "plain text: continued pre-training, without a chat template"
