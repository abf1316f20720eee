"""`budget`: what the task's runs cost, what is set aside, what is left; and whether one more would fit."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError, UsageError
from ml_intern_helpers.core.report import Report, Status
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes import job_prices
from ml_intern_helpers.runs import first_one, launching, places, settle, spend
from ml_intern_helpers.runs.contract import Task, task_for
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of
from ml_intern_helpers.runs.when import now, seconds, stamp

SUMMARY = "Show what the runs of this task cost: cap, spent, set aside, left, run by run. Money is in USD."
EPILOG = """examples:
  budget
  budget --flavor a10g-large --for 4h            may a job of that kind be started?
  budget --apply-hub                             ask the Hub how the jobs ended, put it on file
  budget --apply-release run-20261123T041300-1a2b3c4d --reason "the user said no"

Set aside is price x time limit of every job that has not ended; spent is price x running time of those that have.
exit codes here: 1 over a cap, or no cap allows it; 3 no cap is agreed, or a figure is missing"""

#: A live list of prices is asked for as long as this; without one the dated list does.
DEFAULT_TIMEOUT_S = 20.0
MOST_RUNS = 30
EMPTY_FIELDS: dict[str, Any] = {
    "verdict": None, "reason": None, "account": None, "task_limit": None, "day_limit": None, "asked": None, "runs": [],
    "runs_total": 0, "damaged_lines": [], "path": None,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flavor", metavar="NAME", help="would a job on this hardware fit? (with --for)")
    parser.add_argument("--for", dest="span", metavar="SPAN", help="its --timeout: 90m, 4h")
    parser.add_argument("--attempts", type=int, default=1, metavar="N", help="its --attempts (default 1)")
    parser.add_argument("--apply-hub", action="store_true", help="write down how jobs ended, as the Hub says")
    parser.add_argument("--apply-release", metavar="RUN", help="give back what is set aside for a launch that never was")
    parser.add_argument("--reason", metavar="TEXT", help="why, for --apply-release")
    parser.add_argument("--all", action="store_true", help=f"list every run, not only the last {MOST_RUNS}")


def run(args: argparse.Namespace, context: Context) -> Report:
    _check(args)
    folder, task = places.home(Path()), task_for(Path())
    if args.apply_release:
        _release(folder, args.apply_release, args.reason)
    if args.apply_hub:
        _apply_hub(folder, context)
    at = now()
    runs = runs_of(folder, at)
    if task is None and not runs.all and not runs.damaged and not args.flavor:
        raise NotFound("nothing is on file here: no task was agreed on, nothing was launched", hint="`task agree …`")
    cost = _asked(args, context)
    decision = spend.may_spend(task, runs, cost or spend.Cost(0.0, ""), at)
    whole, day = spend.limits(task, runs, at)
    report = Report("budget", _status(task, runs, whole, day, decision if cost else None))
    report.fields = {
        "verdict": decision.verdict if cost else None,
        "reason": decision.reason if cost else spend.refusal(task, at) or None,
        "account": clean(task.usable("account") or "", limit=100) or None if task is not None else None,
        "task_limit": _limit(whole),
        "day_limit": _limit(day),
        "asked": {"flavor": args.flavor, "for_s": seconds(args.span), "most_usd": cost.usd, "price": cost.basis}
        if cost
        else None,
        **_runs(runs, task, args.all),
        "path": str(folder / places.LEDGER),
    }
    return report


def _check(args: argparse.Namespace) -> None:
    if bool(args.flavor) != bool(args.span):
        raise UsageError("--flavor and --for belong together", hint="budget --flavor a10g-large --for 4h")
    if args.attempts < 1 or (args.attempts > 1 and not args.flavor):
        raise UsageError("--attempts is a number from 1, and belongs to --flavor", hint="see `budget --help`")
    if bool(args.apply_release) != bool(args.reason):
        raise UsageError("--apply-release needs --reason, and --reason belongs to it", hint="see `budget --help`")


def _release(folder: Path, name: str, reason: str) -> None:
    found = runs_of(folder).get(name)
    if found is None:
        raise UsageError(f"no run {clean(name, limit=80)!r} is on file", hint="`budget` lists them")
    if found.text("job_id"):
        raise UsageError(f"{found.id} became a job: it costs what it costs", hint="`hf jobs cancel`, then `budget --apply-hub`")
    if not found.finished:
        launching.release(folder, found.id, reason)


def _apply_hub(folder: Path, context: Context) -> None:
    """Ask about every paid run that is not settled; what cannot be had is a warning, and its reservation stands."""
    from ml_intern_helpers.runs.job_lookup import asked

    open_ones = [one for one in runs_of(folder).all if one.paid and (not one.settled or one.estimated) and one.text("job_id")]
    for one, answer in asked(context.http, open_ones):
        if isinstance(answer, ToolError):
            context.warn(f"{one.id}: {answer.message}; what was reserved for it stands")
            continue
        settled = settle.settlement(one, answer)
        changes = settled.changes()
        seen = first_one.seen_training(job=answer)
        if seen is not None and not one.text("trained_at"):
            changes |= {"trained_at": stamp(now()), "trained_seen": seen.how}
        if settled.usd is None and settled.state != "running":
            context.warn(f"{one.id}: {settled.basis}")
        if any(one.values.get(name) != value for name, value in changes.items()):
            launching.tell(folder, one.id, **changes)


def _asked(args: argparse.Namespace, context: Context) -> spend.Cost | None:
    if not args.flavor:
        return None
    if not context.offline:
        try:
            job_prices.refresh(context.http)
        except ToolError as err:
            context.warn(f"{err.message}; the price is the last one known")
    price = job_prices.price_of(args.flavor)
    if price is None:
        known = ", ".join(sorted(job_prices.prices().usd_per_hour))
        raise UsageError(f"{clean(args.flavor, limit=60)!r} is no flavor of Jobs", hint=f"known: {known}")
    return spend.cost_on_jobs(price, seconds(args.span), attempts=args.attempts)


def _status(
    task: Task | None, runs: Runs, whole: spend.Limit | None, day: spend.Limit | None, decision: spend.Decision | None
) -> Status:
    if decision is not None:
        return {"within": "ok", "over": "failed", "no_cap": "failed", "unknown": "unknown"}[decision.verdict]  # type: ignore[return-value]
    if task is None or task.problem or runs.damaged or (whole is not None and whole.unknown):
        return "unknown"
    over = [limit for limit in (whole, day) if limit is not None and limit.over]
    spent_without = whole is None and any(one.cost_usd for one in runs.of_task(task.id))
    return "failed" if over or spent_without else "ok"


def _limit(limit: spend.Limit | None) -> dict[str, Any] | None:
    return {**asdict(limit), "left_usd": limit.left_usd} if limit is not None else None


def _runs(runs: Runs, task: Task | None, everything: bool) -> dict[str, Any]:
    mine = runs.of_task(task.id if task is not None else None)
    shown = mine if everything else mine[-MOST_RUNS:]
    return {"runs": [_line(one) for one in shown], "runs_total": len(mine), "damaged_lines": runs.damaged}


def _line(one: Run) -> dict[str, Any]:
    return {
        "id": clean(one.id, limit=80),
        "launched_at": stamp(_whole(one.launched_at)),
        "state": one.state,
        "where": "jobs" if one.paid else "local",
        "flavor": clean(one.text("flavor"), limit=40) or None,
        "timeout_s": one.figure("timeout_s"),
        "cost_usd": one.cost_usd,
        "settled": one.settled,
        "estimated": one.estimated,
        "seen_training": bool(one.text("trained_at")),
        "job_id": clean(one.text("job_id"), limit=80) or None,
        "url": clean(one.text("url"), limit=300) or None,
        "command": clean(one.text("command"), limit=300),
    }


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def render(report: Report) -> str:
    from ml_intern_helpers.runs.budget_text import text_of

    return text_of(report.fields)
