"""What the user decides and not the model: money, terms that differ from the agreed ones, a second job before the first trains.

Each hold is one reason with its way on. The client asks the user where one is there, and denies where none is (`claude -p`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.runs import contract, project_files, single_job_rule
from ml_intern_helpers.runs.contract import Task, fault
from ml_intern_helpers.runs.differences import Stated, differs
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of
from ml_intern_helpers.runs.spend import ON_THIS_MACHINE, Cost, cost_on_jobs, may_spend
from ml_intern_helpers.runs.timestamps import now

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

_LOOP = re.compile(r"in a loop: started (\d+|an unknown number of) times")
_AGREE = "with the user's word: `task agree --spend-cap USD …` (or `task change --spend-cap USD --reason …`), then launch again"


class Hold(NamedTuple):
    """A reason to wait: a code for the log, what it is, and what goes on from there."""

    code: str
    what: str
    way_on: str


class State(NamedTuple):
    """What a decision rests on besides the launch: the task, the runs until now, where both lie, and the time."""

    task: Task | None
    runs: Runs
    folder: Path
    at: datetime

    @property
    def task_id(self) -> str | None:
        return self.task.id if self.task is not None else None


def state_of(folders: list[Path]) -> State:
    """The task and the ledger of the project around `folders` (where the command is given, then where the session began).

    Raises:
        BadData: the ledger cannot be read at all.
    """
    folder = project_files.home(*folders)
    return State(contract.task_for(*folders), runs_of(folder), folder, now())


def holds(found: list[Judged], state: State) -> Iterator[Hold]:
    """Every reason to hold a line that launches `found`."""
    jobs = [one for one in found if one.launch.mode == "jobs"]
    yield from _contract(state.task)
    for one in found:
        yield from _elsewhere(one, state)
        yield from _same_failure(one, state)
    for one in jobs:
        yield from _money(one, state)
    yield from _one_first(jobs, state)


def _contract(task: Task | None) -> Iterator[Hold]:
    """A task file that is damaged holds nobody to anything; that must not be a way out of what was agreed."""
    if task is None or not (task.problem or task.open):
        return
    wrong = task.problem or "; ".join(told for name, value in task.values.items() if (told := fault(name, value)))
    if wrong:
        yield Hold(
            "TASK", f"what the user agreed to cannot be read: {wrong}", f"mend {task.path} from the plan, with the user's word"
        )


def _elsewhere(one: Judged, state: State) -> Iterator[Hold]:
    """Another account, or the other place: what only the launch tells."""
    if state.task is None or not state.task.open:
        return
    # A few steps on this machine before the job are what the skill asks for, and cost nothing.
    tried = one.launch.mode == "local" and one.found.facts.smoke is not None
    said = {} if tried else {"where": Stated("known", one.launch.mode)}
    account = _settings(one)["namespace"]
    if account:
        said["account"] = Stated("known", account)
    for difference in differs(state.task.values, said):
        yield Hold(f"TERM:{difference.term}", f"{difference.message}: {difference.costs}", difference.way_on)


def _settings(one: Judged) -> dict[str, object]:
    from ml_intern_helpers.preflight.launch_summary import fields_of_launch

    return fields_of_launch(one.found.facts)


def cost_of(one: Judged) -> Cost:
    """What the launch may cost at most; a loop costs it again each time, and so does each attempt."""
    from ml_intern_helpers.indexes.job_prices import price_of

    if one.launch.mode != "jobs":
        return ON_THIS_MACHINE
    settings = _settings(one)
    times, attempts = _times(one), _attempts(one)
    if times is None or attempts is None:
        return Cost(None, "how often it is started is not known")
    flavor, seconds = settings["flavor"], settings["timeout_s"]
    price = price_of(flavor) if isinstance(flavor, str) else None
    seconds = float(seconds) if isinstance(seconds, int | float) else None
    return cost_on_jobs(price, seconds, attempts=times * attempts, repeats=settings["schedule"] is not None)


def _times(one: Judged) -> int | None:
    """How often the line starts it; None when nobody knows."""
    found = next((match[1] for note in one.launch.notes if (match := _LOOP.search(note))), "1")
    return int(found) if found.isdecimal() else None


def _attempts(one: Judged) -> int | None:
    """`--attempts`: how often the Hub tries it; None when nobody knows."""
    told = one.launch.settings.get("attempts")
    if told is None:
        return None if one.launch.open else 1
    return int(told.value) if told.value is not None and told.value.isdecimal() and int(told.value) > 0 else None


def _money(one: Judged, state: State) -> Iterator[Hold]:
    decision = may_spend(state.task, state.runs, cost_of(one), state.at)
    if not decision.allowed:
        most = f": at most {decision.cost.usd:.2f} USD ({decision.cost.basis})" if decision.cost.usd is not None else ""
        said = decision.reason if decision.verdict == "over" else f"{decision.reason}{most}"
        yield Hold("SPEND", f"{one.launch.launcher} costs money, and {said}", _AGREE)


def _one_first(jobs: list[Judged], state: State) -> Iterator[Hold]:
    """A second job waits for the first to be seen training: thirty jobs with one bug cost thirty times."""
    training = [one for one in jobs if one.trains]
    waiting = single_job_rule.unproven(state.runs, state.task_id) if training else None
    if waiting is not None:
        name = waiting.text("job_id") or waiting.text("command")[:60]
        yield Hold("ONE_FIRST", f"the job before this one ({name}) has not been seen training", look_at(waiting))
    elif _several(training) and not _proven(training, state):
        yield Hold(
            "ONE_FIRST",
            "this starts several jobs, and none of this script was seen training yet",
            "submit one, see it train, then the rest",
        )


def look_at(waiting: Run) -> str:
    """How one goes on where a job waits for `waiting` to be seen training."""
    job = waiting.text("job_id")
    if not job:
        never = f'where it never started, with the user\'s word: `budget --apply-release {waiting.id} --reason "…"`'
        return f"find it with `hf jobs list`, see losses in its log; {never}"
    return f"look at it: `hf jobs logs {job}`; once losses are seen there, this launch passes"


def _several(training: list[Judged]) -> bool:
    return len(training) > 1 or any(_times(one) != 1 for one in training)


def _proven(training: list[Judged], state: State) -> bool:
    seen = {run.text("script_sha256") for run in state.runs.all if run.text("trained_at")} - {""}
    return all(sha256_of(one) in seen for one in training)


def sha256_of(one: Judged) -> str:
    """Of the script's content; "" where it was not read."""
    import hashlib

    target = one.launch.target
    if target.kind in ("text", "trl"):
        return hashlib.sha256(target.text.encode("utf-8", "replace")).hexdigest()
    from ml_intern_helpers.runs.launching import sha256_of as of_file

    return of_file(target.path) if target.kind == "file" and target.path is not None else ""


def _same_failure(one: Judged, state: State) -> Iterator[Hold]:
    if single_job_rule.held_as_third(state.runs, one.launch.text, sha256_of(one)):
        yield Hold(
            "SAME_FAILURE", "this very command has failed twice in a row", "read the whole error and change something first"
        )


def question(held: list[Hold]) -> str:
    """What the user is asked, and what the model reads where nobody is there to ask."""
    lines = ["ml-intern: this launch is the user's to decide."]
    lines += [f"{hold.what}\n    way on: {hold.way_on}" for hold in dict.fromkeys(held)]
    return "\n".join(lines)
