"""The checklist of the skill, filled in: one line per thing that must be settled before a launch."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, State

BOTH = ("jobs", "local")
Answers = dict[str, list[Outcome]]


class Line(NamedTuple):
    """One line: its id, what it says, when it applies, and the rules that decide it or the slot it is."""

    id: str
    label: str
    modes: tuple[str, ...]
    codes: tuple[str, ...] = ()
    slot: Callable[[Facts, Answers], Outcome] | None = None


class Item(NamedTuple):
    """A filled-in line, as in the JSON answer; texts are cleaned."""

    id: str
    label: str
    state: State
    evidence: str | None = None
    reason: str | None = None
    fix: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return self._asdict()


def _reference(facts: Facts, answers: Answers) -> Outcome:
    return Outcome(
        "fill_in", "URL of the working example this script follows", fix="name it in the plan; without one, find one first"
    )


def _dashboard(facts: Facts, answers: Answers) -> Outcome:
    where = next((facts.value(run, "trackio_space_id") for run in facts.runs), None)
    if where is not None and where.state == "known" and isinstance(where.value, str) and facts.mode == "jobs":
        question = f"open https://huggingface.co/spaces/{where.value} once the run has started"
    else:
        question = "URL of the dashboard, once the run has started"
    return Outcome("fill_in", question, fix="give it to the user with the job's URL")


def _columns(facts: Facts, answers: Answers) -> Outcome:
    """The rows' columns: settled when the script spells them out, else to be asked of the dataset."""
    picked = [columns for run in facts.runs if (columns := facts.columns(run)).state != "unseen"]
    if picked and all(columns.state == "known" for columns in picked):
        names = ", ".join(sorted(picked[0].names))
        if picked[0].inspected:
            return Outcome("pass", f"{names}: as inspect_dataset {picked[0].inspected} finds them", picked[0].line)
        return Outcome("pass", f"{names}: `{picked[0].text}` fails at once where one is missing", picked[0].line)
    if picked:
        return Outcome("set_at_run_time", f"`{picked[0].text}` picks them when it runs", picked[0].line)
    names = " ".join(_datasets(facts)) or "DATASET"
    method = _method_word(facts)
    if facts.script.not_asked:
        return Outcome("fill_in", "; ".join(facts.script.not_asked), fix=f"inspect_dataset {names}{method} must be ready")
    return Outcome("fill_in", f"inspect_dataset {names}{method} must be ready", fix="run it; map the columns it names")


def _method_word(facts: Facts) -> str:
    words = {"SFTTrainer": "sft", "DPOTrainer": "dpo", "GRPOTrainer": "grpo", "KTOTrainer": "kto", "RewardTrainer": "reward"}
    named = [words[run.trainer.role.name] for run in facts.runs if run.trainer.role.name in words]
    return f" --method {named[0]}" if named else ""


def _datasets(facts: Facts) -> list[str]:
    """The datasets loaded by name, at most three."""
    found = []
    for call in facts.calls.get("datasets.load_dataset", []):
        value = facts.constant(call.args[0]) if call.args and not isinstance(call.args[0], ast.Starred) else None
        if value and value.settled and isinstance(value.value, str) and value.value not in ("json", "csv", "parquet", "text"):
            found.append(value.value)
    return list(dict.fromkeys(found))[:3]


LINES = (
    Line("reference", "reference implementation", BOTH, slot=_reference),
    Line("columns", "dataset columns confirmed", BOTH, slot=_columns),
    Line("scope", "as the user agreed", BOTH, tuple(f"SCOPE10{number}" for number in range(1, 10))),
    Line("format", "method matches the format", BOTH, ("DATA101", "DATA102", "DATA108")),
    Line("push_to_hub", "push_to_hub=True", ("jobs",), ("SAVE101",)),
    Line("hub_model_id", "hub_model_id", ("jobs",), ("SAVE102",)),
    Line("saved", "the model is saved", BOTH, ("SAVE103",)),
    Line("output_dir", "output folder is free", ("local",), ("SAVE104",)),
    Line("disable_tqdm", "disable_tqdm=True", BOTH, ("LOG101",)),
    Line("logging_strategy", 'logging_strategy="steps"', BOTH, ("LOG102",)),
    Line("logging_first_step", "logging_first_step=True", BOTH, ("LOG103",)),
    Line("timeout", "timeout of 2 h or more", ("jobs",), ("LAUNCH101", "LAUNCH102")),
    Line("hardware", "GPUs of the launch", ("jobs",), ("LAUNCH112", "LAUNCH113", "LAUNCH104")),
    Line("secrets", "token reaches the job", ("jobs",), ("LAUNCH111", "LAUNCH110")),
    Line("tracking", "tracked", BOTH, ("LOG104", "LOG107")),
    Line("space", "metrics outlive the job", ("jobs",), ("LOG105",)),
    Line("dashboard", "dashboard URL", BOTH, slot=_dashboard),
    Line("packages", "packages the job installs", ("jobs",), ("PKG101", "PKG102", "PKG103")),
)
#: Worst first: one fault outweighs three passes.
_ORDER: tuple[State, ...] = ("fail", "fill_in", "unknown", "set_at_run_time", "pass")


def filled(facts: Facts, answers: Answers) -> list[Item]:
    """The lines that apply, each with its state."""
    items = []
    for line in LINES:
        if facts.mode in line.modes:
            outcomes = [line.slot(facts, answers)] if line.slot else [one for code in line.codes for one in answers.get(code, [])]
            if outcomes:
                items.append(_item(facts, line, outcomes))
    return items


def _item(facts: Facts, line: Line, outcomes: list[Outcome]) -> Item:
    state = next(state for state in _ORDER if any(_state(one) == state for one in outcomes))
    said = [one for one in outcomes if _state(one) == state]
    text = clean("; ".join(dict.fromkeys(_located(facts, one) for one in said)), limit=300)
    fix = clean("; ".join(dict.fromkeys(one.fix for one in said if one.fix)), limit=300) or None
    if state == "pass":
        return Item(line.id, line.label, state, evidence=text)
    return Item(line.id, line.label, state, reason=text, fix=fix)


def _state(outcome: Outcome) -> State:
    """A fault that is only a warning is a question to somebody: it must be answered, and does not fail the line."""
    return "fill_in" if outcome.state == "fail" and outcome.severity == "warning" else outcome.state


def _located(facts: Facts, outcome: Outcome) -> str:
    return outcome.text if outcome.line is None else f"{outcome.text} ({facts.source.place(outcome.line)})"
