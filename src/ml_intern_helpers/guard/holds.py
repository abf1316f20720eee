"""Finds the holds on a launch: reasons why the user has to decide on it (money, changed terms, a second job too early).

Each hold is one reason with its next step. The client asks the user, and denies the launch if no user is present (`claude -p`).
A launch without a hold is recorded in the ledger before it starts (`reserve`): its cost is checked and reserved in one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.runs import contract, launching, project_files, single_job_rule
from ml_intern_helpers.runs.contract import Task, entry_problem
from ml_intern_helpers.runs.differences import Stated, differs
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of
from ml_intern_helpers.runs.spend import ON_THIS_MACHINE, Cost, cost_on_jobs, may_spend
from ml_intern_helpers.runs.timestamps import now

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import ExaminedLaunch

_AGREE = "if the user agrees: `task agree --spend-cap USD …` (or `task change --spend-cap USD --reason …`), then launch again"


class Hold(NamedTuple):
    """A reason to wait: a code for the log, what is wrong, and what to do next."""

    code: str
    what: str
    next_step: str


class State(NamedTuple):
    """What a decision needs besides the launch: the task, the recorded runs, the folder of both, and the current time."""

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


def holds(launches: list[ExaminedLaunch], state: State) -> Iterator[Hold]:
    """Every reason to hold a line that starts `launches`."""
    jobs = [examined for examined in launches if examined.launch.mode == "jobs"]
    yield from _contract(state.task)
    for examined in launches:
        yield from _elsewhere(examined, state)
        if single_job_rule.held_as_third(state.runs, examined.launch.text, sha256_of(examined)):
            next_step = "read the whole error and change the command or the script before the next try"
            yield Hold("SAME_FAILURE", "this command with this script has failed twice in a row", next_step)
    for examined in jobs:
        decision = may_spend(state.task, state.runs, cost_of(examined), state.at)
        if not decision.allowed:
            estimate = f": at most {decision.cost.usd:.2f} USD ({decision.cost.basis})" if decision.cost.usd is not None else ""
            reason = decision.reason if decision.verdict == "over" else f"{decision.reason}{estimate}"
            yield Hold("SPEND", f"{examined.launch.launcher} costs money, and {reason}", _AGREE)
    yield from _one_first(jobs, state)


def _contract(task: Task | None) -> Iterator[Hold]:
    """A hold on every launch while the task file is unreadable or malformed, so that damaging it cannot evade the agreement."""
    if task is None or not (task.problem or task.open):
        return
    entry_problems = [problem for name, value in task.values.items() if (problem := entry_problem(name, value))]
    problems = task.problem or "; ".join(entry_problems)
    if problems:
        yield Hold(
            "TASK", f"the task file cannot be read: {problems}", f"repair {task.path} from the plan and have the user confirm it"
        )


def _elsewhere(examined: ExaminedLaunch, state: State) -> Iterator[Hold]:
    """Holds for differences in the terms that the command line decides: the account, and Jobs or this machine."""
    if state.task is None or not state.task.open:
        return
    # The skill asks for a smoke run on this machine before a job; it costs nothing and may differ from the agreed place.
    is_smoke_run = examined.launch.mode == "local" and examined.examination.context.smoke is not None
    stated = {} if is_smoke_run else {"where": Stated("known", examined.launch.mode)}
    account = _settings(examined)["namespace"]
    if account:
        stated["account"] = Stated("known", account)
    for difference in differs(state.task.values, stated):
        yield Hold(f"TERM:{difference.term}", f"{difference.message}: {difference.costs}", difference.way_on)


def _settings(examined: ExaminedLaunch) -> dict[str, object]:
    from ml_intern_helpers.preflight.launch_check import fields_of_launch

    return fields_of_launch(examined.examination.context)


def cost_of(examined: ExaminedLaunch) -> Cost:
    """What the launch may cost at most, for all rounds of a loop and all attempts."""
    from ml_intern_helpers.indexes.job_prices import price_of

    if examined.launch.mode != "jobs":
        return ON_THIS_MACHINE
    settings = _settings(examined)
    times, attempts = examined.launch.repeats, _attempts(examined)
    if times is None or attempts is None:
        return Cost(None, "how often it is started is unknown")
    flavor, seconds = settings["flavor"], settings["timeout_s"]
    price = price_of(flavor) if isinstance(flavor, str) else None
    seconds = float(seconds) if isinstance(seconds, int | float) else None
    return cost_on_jobs(price, seconds, attempts=times * attempts, repeats=settings["schedule"] is not None)


def _attempts(examined: ExaminedLaunch) -> int | None:
    """`--attempts`: how often the Hub tries it; None when that is unknown."""
    attempts = examined.launch.settings.get("attempts")
    if attempts is None:
        return None if examined.launch.open else 1
    return int(attempts.value) if attempts.value is not None and attempts.value.isdecimal() and int(attempts.value) > 0 else None


def _one_first(jobs: list[ExaminedLaunch], state: State) -> Iterator[Hold]:
    """Holds a second job until the first is seen training: thirty jobs with the same bug cost thirty times as much."""
    training = [examined for examined in jobs if examined.trains]
    waiting = single_job_rule.unproven(state.runs, state.task_id) if training else None
    if waiting is not None:
        name = waiting.text("job_id") or waiting.text("command")[:60]
        yield Hold("ONE_FIRST", f"the job before this one ({name}) has not been seen training", look_at(waiting))
    elif (len(training) > 1 or any(examined.launch.repeats != 1 for examined in training)) and not _proven(training, state):
        yield Hold(
            "ONE_FIRST",
            "this starts several jobs, and no job with this script has been seen training yet",
            "submit one, see it train, then submit the rest",
        )


def look_at(waiting: Run) -> str:
    """What to do where a job has to wait until `waiting` is seen training."""
    job = waiting.text("job_id")
    if not job:
        if_never_started = f'if it never started and the user agrees, `budget --apply-release {waiting.id} --reason "…"`'
        return f"find it with `hf jobs list` and look for losses in its log; {if_never_started}"
    return f"read `hf jobs logs {job}`; once it shows losses, this launch passes"


def _proven(training: list[ExaminedLaunch], state: State) -> bool:
    trained_hashes = {run.text("script_sha256") for run in state.runs.all if run.text("trained_at")} - {""}
    return all(sha256_of(examined) in trained_hashes for examined in training)


def sha256_of(examined: ExaminedLaunch) -> str:
    """The SHA-256 of the script's content; "" if it was not read."""
    import hashlib

    target = examined.launch.target
    if target.kind in ("text", "trl"):
        return hashlib.sha256(target.text.encode("utf-8", "replace")).hexdigest()
    from ml_intern_helpers.runs.launching import sha256_of as of_file

    return of_file(target.path) if target.kind == "file" and target.path is not None else ""


def question(reasons: list[Hold]) -> str:
    """The question to the user; the model reads it if no user is present."""
    lines = ["ml-intern: the user has to decide on this launch."]
    lines += [f"{hold.what}\n    next: {hold.next_step}" for hold in dict.fromkeys(reasons)]
    return "\n".join(lines)


#: How long to wait for another session's lock: a hook must answer within the client's time limit for it.
_LONGEST_WAIT_S = 2.0


def ledger_entry(examined: ExaminedLaunch, event: dict[str, object]) -> launching.Launch:
    """What the ledger keeps of a launch."""
    from ml_intern_helpers.preflight.launch_check import fields_of_launch

    settings = fields_of_launch(examined.examination.context)
    cost = settings["cost"] or {}
    ids = tuple((name, str(event[name])) for name in ("tool_use_id", "session_id") if isinstance(event.get(name), str))
    return launching.Launch(
        command=examined.launch.text,
        where=examined.launch.mode,
        script=examined.launch.target.name,
        script_sha256=sha256_of(examined),
        flavor=settings["flavor"],
        timeout_s=settings["timeout_s"],
        usd_per_hour=cost.get("usd_per_hour"),
        account=settings["namespace"],
        trains=examined.trains and examined.launch.mode == "jobs",  # the single-job rule is about jobs only
        smoke=bool(examined.examination.context.smoke),
        ids=ids,
    )


def reserve(launches: list[ExaminedLaunch], state: State, event: dict[str, object]) -> list[Hold]:
    """Record each launch in the ledger; return holds for those that another session has made impossible meanwhile.

    Raises:
        BadData, Unavailable: the ledger cannot be read or written. A paid launch must then not go ahead.
    """
    if not state.folder.is_dir() and all(examined.launch.mode != "jobs" for examined in launches):
        return []  # runs on this machine outside any task: no folder is created for them
    late_holds, reserved = [], []
    for examined in launches:
        entry, cost = ledger_entry(examined, event), cost_of(examined)
        decision, run_id = launching.reserve(state.folder, state.task, entry, cost, timeout_s=_LONGEST_WAIT_S)
        if run_id is None:
            late_holds.append(Hold("SPEND", decision.reason, "wait until the other launch is settled, or ask the user"))
        else:
            reserved.append(run_id)
    if reserved and any(examined.trains and examined.launch.mode == "jobs" for examined in launches):
        # Two sessions may have started at once, each seeing no earlier job; the ledger's order decides which one was first.
        runs = runs_of(state.folder, state.at).all
        earlier_runs = runs[: next((number for number, run in enumerate(runs) if run.id in reserved), len(runs))]
        unproven_run = single_job_rule.unproven(Runs(earlier_runs), state.task_id)
        if unproven_run is not None:
            late_holds.append(Hold("ONE_FIRST", "another session has just started a job of this task", look_at(unproven_run)))
    for run_id in reserved if late_holds else []:
        launching.release(state.folder, run_id, "the whole command line was held")
    return late_holds
