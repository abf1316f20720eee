"""The question most lines of the checklist ask: is this argument of the config what it should be?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.values import Setting, Value
from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome, at_run_time, failed, passed, unknown


class Ask(NamedTuple):
    """An argument and what is asked of it.

    Attributes:
        name: the config's argument.
        good: whether a value is right.
        default: the value when it is not set, in the releases of `knowledge.classes.RELEASES`.
        wrong: the message when it is not right.
        fix: what to write.
    """

    name: str
    good: Callable[[object], bool]
    default: object
    wrong: str
    fix: str


def answers(facts: Facts, ask: Ask) -> Iterator[Outcome]:
    """One answer per different config; a script without any gets the reason why nothing can be said."""
    if not facts.runs:
        yield no_config(facts)
    seen = set()
    for run in facts.runs:
        answer = _answer(facts, run, ask) if run.tunable else _not_ours(run)
        if answer not in seen:
            seen.add(answer)
            yield answer


def no_config(facts: Facts) -> Outcome:
    what = facts.training.method or "the script"
    return unknown(f"{what}: no trainer config to read", facts.training.line)


def _not_ours(run: Run) -> Outcome:
    return unknown(f"{run.trainer.role.library} is configured in its own way", run.trainer.line)


def _answer(facts: Facts, run: Run, ask: Ask) -> Outcome:
    setting = facts.setting(run, ask.name)
    if setting is None:
        return _for_default(run, ask)
    line = getattr(setting.node, "lineno", run.config.line)
    value = facts.value(run, ask.name, ask.default)
    if value.state == "unknown":
        return unknown(value.reason, line)
    if not value.settled:
        return at_run_time(value.reason, line)
    if ask.good(value.value):
        return passed(f"{ask.name}={shown(value.value)}{_by_default(value)}", line)
    if value.state == "default":
        give = "give" if value.reason.startswith("--") else "set"
        return at_run_time(f"{shown(value.value)} by default: {give} {value.reason}", line)
    return failed(f"{ask.name}={shown(value.value)}: {ask.wrong}", ask.fix, setting.node, whole=run.config.call)


def _for_default(run: Run, ask: Ask) -> Outcome:
    if ask.good(ask.default):
        return passed(f"{ask.name} is {shown(ask.default)} by default", run.config.line)
    return failed(f"{ask.name} is not set: {ask.wrong}", ask.fix, run.config.call)


def _by_default(value: Value) -> str:
    return f" by default; {value.reason} decides" if value.state == "default" else ""


def shown(value: object) -> str:
    """A value as it is written, shortened; a text in double quotes, as the fix texts have it."""
    text = '"' + value + '"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def line_of(setting: Setting | None, run: Run) -> int:
    return getattr(setting.node, "lineno", run.config.line) if setting else run.config.line
