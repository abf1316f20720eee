"""What the user decides and not the model: money, terms that differ from the agreed ones, a second job before the first trains.

Each hold is one reason with what to do next. The client asks the user, and denies where nobody is there (`claude -p`).
"""

from __future__ import annotations

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

_AGREE = "with the user's word: `task agree --spend-cap USD …` (or `task change --spend-cap USD --reason …`), then launch again"


class Hold(NamedTuple):
    """A reason to wait: a code for the log, what is wrong, and what to do next."""

    code: str
    what: str
    next_step: str


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


def holds(launches: list[Judged], state: State) -> Iterator[Hold]:
    """Every reason to hold a line that starts `launches`."""
    jobs = [judged for judged in launches if judged.launch.mode == "jobs"]
    yield from _contract(state.task)
    for judged in launches:
        yield from _elsewhere(judged, state)
        if single_job_rule.held_as_third(state.runs, judged.launch.text, sha256_of(judged)):
            next_step = "read the whole error and change something before the next try"
            yield Hold("SAME_FAILURE", "this very command has failed twice in a row", next_step)
    for judged in jobs:
        yield from _money(judged, state)
    yield from _one_first(jobs, state)


def _contract(task: Task | None) -> Iterator[Hold]:
    """A damaged task file holds nobody to anything; damaging it must not be a way around the agreement."""
    if task is None or not (task.problem or task.open):
        return
    wrong = task.problem or "; ".join(problem for name, value in task.values.items() if (problem := fault(name, value)))
    if wrong:
        yield Hold(
            "TASK", f"what the user agreed to cannot be read: {wrong}", f"repair {task.path} from the plan, with the user's word"
        )


def _elsewhere(judged: Judged, state: State) -> Iterator[Hold]:
    """Another account, or the other place: what only the launch says."""
    if state.task is None or not state.task.open:
        return
    # A smoke run on this machine before the job is what the skill asks for, and costs nothing.
    tried = judged.launch.mode == "local" and judged.examination.context.smoke is not None
    said = {} if tried else {"where": Stated("known", judged.launch.mode)}
    account = _settings(judged)["namespace"]
    if account:
        said["account"] = Stated("known", account)
    for difference in differs(state.task.values, said):
        yield Hold(f"TERM:{difference.term}", f"{difference.message}: {difference.costs}", difference.way_on)


def _settings(judged: Judged) -> dict[str, object]:
    from ml_intern_helpers.preflight.launch_check import fields_of_launch

    return fields_of_launch(judged.examination.context)


def cost_of(judged: Judged) -> Cost:
    """What the launch may cost at most, for all rounds of a loop and all attempts."""
    from ml_intern_helpers.indexes.job_prices import price_of

    if judged.launch.mode != "jobs":
        return ON_THIS_MACHINE
    settings = _settings(judged)
    times, attempts = judged.launch.repeats, _attempts(judged)
    if times is None or attempts is None:
        return Cost(None, "how often it is started is unknown")
    flavor, seconds = settings["flavor"], settings["timeout_s"]
    price = price_of(flavor) if isinstance(flavor, str) else None
    seconds = float(seconds) if isinstance(seconds, int | float) else None
    return cost_on_jobs(price, seconds, attempts=times * attempts, repeats=settings["schedule"] is not None)


def _attempts(judged: Judged) -> int | None:
    """`--attempts`: how often the Hub tries it; None when that is unknown."""
    attempts = judged.launch.settings.get("attempts")
    if attempts is None:
        return None if judged.launch.open else 1
    return int(attempts.value) if attempts.value is not None and attempts.value.isdecimal() and int(attempts.value) > 0 else None


def _money(judged: Judged, state: State) -> Iterator[Hold]:
    decision = may_spend(state.task, state.runs, cost_of(judged), state.at)
    if not decision.allowed:
        most = f": at most {decision.cost.usd:.2f} USD ({decision.cost.basis})" if decision.cost.usd is not None else ""
        reason = decision.reason if decision.verdict == "over" else f"{decision.reason}{most}"
        yield Hold("SPEND", f"{judged.launch.launcher} costs money, and {reason}", _AGREE)


def _one_first(jobs: list[Judged], state: State) -> Iterator[Hold]:
    """A second job waits until the first is seen training: thirty jobs with one bug cost thirty times."""
    training = [judged for judged in jobs if judged.trains]
    waiting = single_job_rule.unproven(state.runs, state.task_id) if training else None
    if waiting is not None:
        name = waiting.text("job_id") or waiting.text("command")[:60]
        yield Hold("ONE_FIRST", f"the job before this one ({name}) has not been seen training", look_at(waiting))
    elif (len(training) > 1 or any(judged.launch.repeats != 1 for judged in training)) and not _proven(training, state):
        yield Hold(
            "ONE_FIRST",
            "this starts several jobs, and no job with this script has been seen training yet",
            "submit one, see it train, then submit the rest",
        )


def look_at(waiting: Run) -> str:
    """What to do where a job has to wait until `waiting` is seen training."""
    job = waiting.text("job_id")
    if not job:
        never = f'if it never started, with the user\'s word, `budget --apply-release {waiting.id} --reason "…"`'
        return f"find it with `hf jobs list` and look for losses in its log; {never}"
    return f"read `hf jobs logs {job}`; once it shows losses, this launch passes"


def _proven(training: list[Judged], state: State) -> bool:
    seen = {run.text("script_sha256") for run in state.runs.all if run.text("trained_at")} - {""}
    return all(sha256_of(judged) in seen for judged in training)


def sha256_of(judged: Judged) -> str:
    """Of the script's content; "" where it was not read."""
    import hashlib

    target = judged.launch.target
    if target.kind in ("text", "trl"):
        return hashlib.sha256(target.text.encode("utf-8", "replace")).hexdigest()
    from ml_intern_helpers.runs.launching import sha256_of as of_file

    return of_file(target.path) if target.kind == "file" and target.path is not None else ""


def question(held: list[Hold]) -> str:
    """What the user is asked; the model reads it where nobody is there to ask."""
    lines = ["ml-intern: this launch is the user's to decide."]
    lines += [f"{hold.what}\n    next: {hold.next_step}" for hold in dict.fromkeys(held)]
    return "\n".join(lines)
