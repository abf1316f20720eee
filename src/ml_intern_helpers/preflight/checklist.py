"""Fills in the checklist of the skill: one line for each thing that must be settled before a launch."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, State, fill_in

BOTH = ("jobs", "local")


class Line(NamedTuple):
    """One line: its id, its label, the modes it applies to, and the rules that decide it, or the slot to fill in."""

    id: str
    label: str
    modes: tuple[str, ...]
    codes: tuple[str, ...] = ()
    slot: Callable[[ScriptContext], Outcome] | None = None


class Item(NamedTuple):
    """A filled-in line.

    Attributes:
        id, label: of the line.
        state: the worst state of the outcomes that decide it.
        statements: (text, place) of each piece of evidence (for a pass) or reason; a place is `train.py:31`, or "".
        fix: what to write or do; None where nothing remains to be done.
        codes: the rules that failed, if the line fails.
    """

    id: str
    label: str
    state: State
    statements: tuple[tuple[str, str], ...]
    fix: str | None
    codes: tuple[str, ...]

    def text(self, *, places: bool = True) -> str:
        """The statements as one cleaned sentence, with or without their places in brackets."""
        sentences = dict.fromkeys(f"{text} ({place})" if place and places else text for text, place in self.statements)
        return clean("; ".join(sentences), limit=300)


def _dashboard(context: ScriptContext) -> Outcome:
    question = "URL of the dashboard, once the run has started"
    space = context.value(context.runs[0], "trackio_space_id") if context.runs and context.mode == "jobs" else None
    if space is not None and space.state == "known" and isinstance(space.value, str):
        question = f"open https://huggingface.co/spaces/{space.value} once the run has started"
    return fill_in(question, "give it to the user with the job's URL")


def _columns(context: ScriptContext) -> Outcome:
    """The rows' columns: settled when the script names them, otherwise a slot that inspect_dataset fills."""
    visible = [columns for run in context.runs if (columns := context.columns(run)).state != "unseen"]
    if visible and all(columns.state == "known" for columns in visible):
        names = ", ".join(sorted(visible[0].names))
        if visible[0].inspected:
            return Outcome("pass", f"{names}: as inspect_dataset {visible[0].inspected} finds them", visible[0].line)
        return Outcome("pass", f"{names}: `{visible[0].text}` raises an error at once if one is missing", visible[0].line)
    if visible:
        return Outcome("set_at_run_time", f"`{visible[0].text}` chooses them at run time", visible[0].line)
    method_of = {"SFTTrainer": "sft", "DPOTrainer": "dpo", "GRPOTrainer": "grpo", "KTOTrainer": "kto", "RewardTrainer": "reward"}
    methods = [method_of[run.trainer.role.name] for run in context.runs if run.trainer.role.name in method_of]
    method = f" --method {methods[0]}" if methods else ""
    paths = [call.args[0] for call in context.calls.get("datasets.load_dataset", []) if call.args]
    values = [context.constant(expr).value for expr in paths if not isinstance(expr, ast.Starred)]
    loaded = [name for name in values if isinstance(name, str) and name not in ("json", "csv", "parquet", "text")]
    question = f"inspect_dataset {' '.join([*dict.fromkeys(loaded)][:3]) or 'DATASET'}{method} must be ready"
    if context.script.uninspected:
        return fill_in("; ".join(context.script.uninspected), question)
    return fill_in(question, "run it, and map the columns that it names")


_REFERENCE = fill_in("URL of the working example this script follows", "name it in the plan; if there is none, find one first")
LINES = (
    Line("reference", "reference implementation", BOTH, slot=lambda context: _REFERENCE),
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
#: States from worst to best; a line has the worst state among its outcomes.
_ORDER: tuple[State, ...] = ("fail", "fill_in", "unknown", "set_at_run_time", "pass")


def filled(context: ScriptContext, outcomes: dict[str, list[Outcome]]) -> list[Item]:
    """The checklist lines that apply, filled in; `outcomes` are keyed by the code of their rule."""
    items = []
    for line in LINES:
        stated = [(code, outcome) for code in line.codes for outcome in outcomes.get(code, [])]
        if context.mode in line.modes and (line.slot or stated):
            items.append(_item(context, line, [("", line.slot(context))] if line.slot else stated))
    return items


def _item(context: ScriptContext, line: Line, outcomes: list[tuple[str, Outcome]]) -> Item:
    """The filled-in line, in the worst state among its (code, outcome) pairs."""
    state = next(state for state in _ORDER if any(_state(outcome) == state for _, outcome in outcomes))
    decisive = [(code, outcome) for code, outcome in outcomes if _state(outcome) == state]
    statements = [(outcome.text, "" if outcome.line is None else context.source.place(outcome.line)) for _, outcome in decisive]
    fix = clean("; ".join(dict.fromkeys(outcome.fix for _, outcome in decisive if outcome.fix)), limit=300) or None
    codes = dict.fromkeys(code for code, outcome in decisive if outcome.state == "fail")
    return Item(line.id, line.label, state, tuple(dict.fromkeys(statements)), None if state == "pass" else fix, tuple(codes))


def _state(outcome: Outcome) -> State:
    """An outcome's state on its line: a warning does not fail the line, but leaves it to be filled in."""
    return "fill_in" if outcome.state == "fail" and outcome.severity == "warning" else outcome.state
