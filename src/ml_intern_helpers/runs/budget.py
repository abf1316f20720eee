"""`budget`: shows what the runs of the task cost, what is reserved and left, and whether another job would fit."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError, UsageError
from ml_intern_helpers.core.report import Report, Status
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes import job_prices
from ml_intern_helpers.runs import launching, project_files, settlement, single_job_rule, spend
from ml_intern_helpers.runs.contract import Task, task_for
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of
from ml_intern_helpers.runs.timestamps import now, seconds, span, stamp

SUMMARY = "Show what the runs of this task cost: cap, spent, reserved, left, and each run. Money is in USD."
EPILOG = """examples:
  budget
  budget --flavor a10g-large --for 4h            does such a job fit the cap?
  budget --apply-hub                             ask the Hub how the jobs ended and record it
  budget --apply-release run-20261123T041300-1a2b3c4d --reason "the user said no"

Reserved is price x time limit of every job that has not ended; spent is price x running time of those that have.
exit codes here: 1 over a cap, or no cap allows it; 3 no cap is agreed, or a figure is missing"""

#: Time limit for the live price list; after it, the stored list is used.
DEFAULT_TIMEOUT_S = 20.0
MOST_RUNS = 30
EMPTY_FIELDS: dict[str, Any] = {
    "verdict": None, "reason": None, "account": None, "task_limit": None, "day_limit": None, "asked": None, "runs": [],
    "runs_total": 0, "damaged_lines": [], "path": None,
}  # fmt: skip

_WORDS = {"within": "YES", "over": "NO, OVER THE CAP", "no_cap": "NO", "unknown": "COULD NOT TELL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flavor", metavar="NAME", help="check whether a job on this hardware fits the cap (with --for)")
    parser.add_argument("--for", dest="span", metavar="SPAN", help="time limit (--timeout) of that job: 90m, 4h")
    parser.add_argument("--attempts", type=int, default=1, metavar="N", help="attempts (--attempts) of that job (default 1)")
    parser.add_argument("--apply-hub", action="store_true", help="ask the Hub how the jobs ended, and record it")
    parser.add_argument("--apply-release", metavar="RUN", help="release the reservation of a launch that never happened")
    parser.add_argument("--reason", metavar="TEXT", help="the reason for --apply-release")
    parser.add_argument("--all", action="store_true", help=f"list every run, not only the last {MOST_RUNS}")


def run(args: argparse.Namespace, context: Context) -> Report:
    if bool(args.flavor) != bool(args.span):
        raise UsageError("--flavor and --for belong together", hint="budget --flavor a10g-large --for 4h")
    if args.attempts < 1 or (args.attempts > 1 and not args.flavor):
        raise UsageError("--attempts is a number from 1 and belongs to --flavor", hint="see `budget --help`")
    if bool(args.apply_release) != bool(args.reason):
        raise UsageError("--apply-release needs --reason, and --reason belongs to it", hint="see `budget --help`")
    folder, task = project_files.home(Path()), task_for(Path())
    if args.apply_release:
        released = runs_of(folder).get(args.apply_release)
        if released is None:
            raise UsageError(f"no run {clean(args.apply_release, limit=80)!r} is on file", hint="`budget` lists them")
        if released.text("job_id"):
            raise UsageError(
                f"{released.id} was submitted as a job, so its cost counts", hint="`hf jobs cancel`, then `budget --apply-hub`"
            )
        if not released.finished:
            launching.release(folder, released.id, args.reason)
    if args.apply_hub:
        _apply_hub(folder, context)
    at = now()
    runs = runs_of(folder, at)
    if task is None and not runs.all and not runs.damaged and not args.flavor:
        raise NotFound("neither a task nor a launch is on file in this project", hint="`task agree …`")
    cost = _cost_in_question(args, context)
    decision = spend.may_spend(task, runs, cost, at) if cost else None
    task_limit, day_limit = spend.limits(task, runs, at)
    report = Report("budget", _status(task, runs, task_limit, day_limit, decision))
    task_runs = runs.of_task(task.id if task is not None else None)
    question = {"flavor": args.flavor, "for_s": seconds(args.span), "most_usd": cost.usd, "price": cost.basis} if cost else None
    report.fields = {
        "verdict": decision.verdict if decision else None,
        "reason": decision.reason if decision else spend.refusal(task, at) or None,
        "account": clean(task.usable("account") or "", limit=100) or None if task is not None else None,
        "task_limit": {**asdict(task_limit), "left_usd": task_limit.left_usd} if task_limit is not None else None,
        "day_limit": {**asdict(day_limit), "left_usd": day_limit.left_usd} if day_limit is not None else None,
        "asked": question,
        "runs": [_fields_of(run) for run in (task_runs if args.all else task_runs[-MOST_RUNS:])],
        "runs_total": len(task_runs),
        "damaged_lines": runs.damaged,
        "path": str(folder / project_files.LEDGER),
    }
    return report


def _apply_hub(folder: Path, context: Context) -> None:
    """Ask the Hub about every unsettled paid run; without an answer the reservation stays, with a warning."""
    unsettled = [run for run in runs_of(folder).all if run.paid and (not run.settled or run.estimated) and run.text("job_id")]
    for run, answer in settlement.answers_about(context.http, unsettled):
        if isinstance(answer, ToolError):
            context.warn(f"{run.id}: {answer.message}; its reservation stays")
            continue
        settled = settlement.settlement(run, answer)
        changes = settled.changes()
        seen = single_job_rule.seen_training(job=answer)
        if seen is not None and not run.text("trained_at"):
            changes |= {"trained_at": stamp(now()), "trained_seen": seen.how}
        if settled.usd is None and settled.state != "running":
            context.warn(f"{run.id}: {settled.basis}")
        if any(run.values.get(name) != value for name, value in changes.items()):
            launching.tell(folder, run.id, **changes)


def _cost_in_question(args: argparse.Namespace, context: Context) -> spend.Cost | None:
    if not args.flavor:
        return None
    if not context.offline:
        try:
            job_prices.refresh(context.http)
        except ToolError as err:
            context.warn(f"{err.message}; the price is the last one known")
    price = job_prices.price_of(args.flavor)
    if price is None:
        flavors = ", ".join(sorted(job_prices.prices().usd_per_hour))
        raise UsageError(f"{clean(args.flavor, limit=60)!r} is not a hardware flavor of Jobs", hint=f"known: {flavors}")
    return spend.cost_on_jobs(price, seconds(args.span), attempts=args.attempts)


def _status(
    task: Task | None, runs: Runs, task_limit: spend.Limit | None, day_limit: spend.Limit | None, decision: spend.Decision | None
) -> Status:
    if decision is not None:
        return {"within": "ok", "over": "failed", "no_cap": "failed", "unknown": "unknown"}[decision.verdict]  # type: ignore[return-value]
    if task is None or task.problem or runs.damaged or (task_limit is not None and task_limit.unknown):
        return "unknown"
    over = [limit for limit in (task_limit, day_limit) if limit is not None and limit.over]
    spent_without = task_limit is None and any(run.cost_usd for run in runs.of_task(task.id))
    return "failed" if over or spent_without else "ok"


def _fields_of(run: Run) -> dict[str, Any]:
    return {
        "id": clean(run.id, limit=80),
        "launched_at": stamp(run.launched_at.replace(microsecond=0)),
        "state": run.state,
        "where": "jobs" if run.paid else "local",
        "flavor": clean(run.text("flavor"), limit=40) or None,
        "timeout_s": run.figure("timeout_s"),
        "cost_usd": run.cost_usd,
        "settled": run.settled,
        "estimated": run.estimated,
        "seen_training": bool(run.text("trained_at")),
        "job_id": clean(run.text("job_id"), limit=80) or None,
        "url": clean(run.text("url"), limit=300) or None,
        "command": clean(run.text("command"), limit=300),
    }


def render(report: Report) -> str:
    """The budget on one screen: what is left first, then the caps, then the runs, newest last."""
    fields = report.fields
    return "\n".join([_verdict(fields), *_limits(fields), *_listed(fields), *_notes(fields)])


def _verdict(fields: dict[str, Any]) -> str:
    if fields["verdict"]:
        return f"{_WORDS[fields['verdict']]}: {fields['reason']}"
    limit = fields["task_limit"]
    if limit is None:
        return f"NO CAP: {fields['reason'] or 'nothing was agreed'}"
    if fields["damaged_lines"] or limit["unknown"]:
        return "COULD NOT TELL what is left: see below"
    closest = min((cap for cap in (limit, fields["day_limit"]) if cap is not None), key=lambda cap: float(cap["left_usd"]))
    when = "" if closest is limit else " in these 24 h"
    word = "OVER THE CAP" if closest["settled_usd"] + closest["reserved_usd"] > closest["cap_usd"] + 0.0001 else "LEFT"
    reason = f" ({fields['reason']})" if fields["reason"] else ""
    return f"{word}: {closest['left_usd']:.2f} of {closest['cap_usd']:.2f} USD{when}{reason}"


def _limits(fields: dict[str, Any]) -> Iterator[str]:
    for name, limit in (("task", fields["task_limit"]), ("24 h", fields["day_limit"])):
        if limit is not None:
            unknown = f", {limit['unknown']} runs of unknown cost" if limit["unknown"] else ""
            yield (
                f"  {name:<5} cap {limit['cap_usd']:.2f}  spent {limit['settled_usd']:.2f}  "
                f"reserved {limit['reserved_usd']:.2f}  left {limit['left_usd']:.2f}{unknown}"
            )
    if fields["account"]:
        yield f"  paid by {fields['account']}"


def _listed(fields: dict[str, Any]) -> Iterator[str]:
    hidden = fields["runs_total"] - len(fields["runs"])
    if hidden:
        yield f"  {hidden} earlier runs are not listed (--all lists them)"
    if not fields["runs_total"]:
        yield "  no run is on file"
    for run in fields["runs"]:
        kind = "spent at most (estimated)" if run["estimated"] else "spent" if run["settled"] else "reserved"
        money = "cost unknown" if run["cost_usd"] is None else f"{run['cost_usd']:.2f} USD {kind}"
        limit = f" {span(run['timeout_s'])}" if run["timeout_s"] else ""
        place = f"{run['flavor'] or 'jobs'}{limit}" if run["where"] == "jobs" else "local"
        trained = ", seen training" if run["seen_training"] else ""
        yield f"  {run['launched_at'][:16]}Z {run['id']}  {run['state']}{trained}  {place}  {money}"
        yield f"      {run['command'][:110]}" + (f"  {run['url']}" if run["url"] else "")


def _notes(fields: dict[str, Any]) -> Iterator[str]:
    if fields["damaged_lines"]:
        lines = ", ".join(map(str, fields["damaged_lines"][:10]))
        yield f"  damaged: line {lines} of {fields['path']}: a launch may be missing; repair or remove it"
    if any(not run["settled"] for run in fields["runs"]):
        yield "  reserved: `budget --apply-hub` records what was spent, once the job has ended"
    if any(run["estimated"] for run in fields["runs"]):
        yield "  estimated: from the launch to the observed end; `budget --apply-hub` asks the Hub for the actual running time"
