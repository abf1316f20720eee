"""Examines every launch of a command line together with the script it starts, for `preflight_check --launch`.

`fields_of_launch` states where a launch runs, what it may cost, what it receives and who pays.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.source import Source, read_source, source_of_text
from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.report import Finding, Report, Status
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.job_prices import prices
from ml_intern_helpers.indexes.jobs import DEFAULT_TIMEOUT_S, timeout_seconds
from ml_intern_helpers.launches.find import MOST, launches_of
from ml_intern_helpers.launches.launch import Launch, Problem, Target
from ml_intern_helpers.launches.words import masked, redacted, texts
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.examine import Examination, examine
from ml_intern_helpers.preflight.render import fields_of, fields_of_item, headline, method_and_adapter, smoke_run

#: The most arguments that a report lists.
_MOST_ARGUMENTS = 200
_SEVERITIES = ("error", "warning", "info")


class ExaminedLaunch(NamedTuple):
    """A launch, and the examination of the script it starts."""

    launch: Launch
    examination: Examination

    @property
    def trains(self) -> bool:
        return self.examination.context.training.kind != "none"

    @property
    def unread(self) -> bool:
        """Whether the script could not be read, so that this launch must not pass."""
        return self.launch.target.kind not in ("file", "text", "trl") and not self.launch.dry

    @property
    def status(self) -> Status:
        if self.examination.number_of("error"):
            return "failed"
        return "unknown" if self.unread or (self.trains and self.examination.settled_nothing) else "ok"


def report_on(text: str, script: Path | None, local: bool, options: Options = DEFAULT_OPTIONS) -> Report:
    """The report on a command line.

    Args:
        text: the command line.
        script: the script that the user also named; a launch whose script is unknown is assumed to start it.
        local: judge every launch as a run on this machine.
        options: what the caller states about the run.

    Raises:
        NotFound: the command line starts nothing that is known here.
        ToolError: the command line or a script cannot be read.
    """
    launches = launches_of(text, Path.cwd())
    if not launches:
        hint = "known: hf jobs run, hf jobs uv run, accelerate launch, torchrun, deepspeed, python, uv run, trl sft|dpo|grpo…"
        raise NotFound(f"no launch found in `{clean(text, limit=100)}`", hint=hint)
    if script is not None:
        _attach_script(launches, script)
    results = examine_launches(launches, options, "local" if local else None)
    report = _report(results)
    if len(launches) > MOST:
        report.warnings.append(f"only the first {MOST} launches were judged")
    if script is None and not any(result.trains or result.unread or result.examination.findings for result in results):
        report.status = "unknown"
    return report


def examine_launches(launches: list[Launch], options: Options = DEFAULT_OPTIONS, mode: str | None = None) -> list[ExaminedLaunch]:
    """The first MOST launches, each with its examined script; `mode` overrides that of the launcher.

    Raises:
        Unavailable: a script is too complex to analyse.
    """
    for launch in launches[:MOST]:
        launch.mode = mode or launch.mode
    return [ExaminedLaunch(launch, examine(_source(launch), launch.mode, launch, options)) for launch in launches[:MOST]]


def _attach_script(launches: list[Launch], script: Path) -> None:
    """Make the first launch with an unknown script start `script`, unless one already does; else report a problem."""
    here = Path.cwd() / script
    name = clean(str(script), limit=100)
    for launch in launches:
        try:
            if launch.target.path is not None and launch.target.path.resolve() == here.resolve():
                return
        except (OSError, ValueError):
            continue
    for launch in launches:
        missing = any(problem.kind == "missing-file" for problem in launch.problems)
        if launch.target.kind in ("unknown", "url", "module", "command") and not missing:
            launch.target = Target("file", str(script), here)
            launch.notes.append(f"assumed to start {name}, the script that you named")
            return
    message, fix = f"the launch does not start {name}", f"start {name} on the command line"
    launches[0].problems.append(Problem("missing-file", message, fix, launches[0].text))


def _source(launch: Launch) -> Source:
    """The script's source; empty where there is no script, and with a problem where it cannot be read."""
    target = launch.target
    try:
        if target.kind == "file" and target.path is not None:
            here = Path.cwd()
            # Messages name the script as the user would write it.
            source = read_source(target.path.relative_to(here) if target.path.is_relative_to(here) else target.path)
            # A missing --config file is a problem only where a TrlParser opens it; elsewhere the option may mean something else.
            if launch.config is not None and launch.config.problem is not None and "TrlParser(" in source.text:
                launch.problems.append(launch.config.problem)
            return source
        if target.kind in ("text", "trl"):
            return source_of_text(target.name, target.text)
    except ToolError as err:
        launch.target = target._replace(kind="unknown", reason=err.message)
        fix = err.hint or "give a script that Python can read"
        launch.problems.append(Problem("missing-file", err.message, fix, launch.text))
    return Source(Path(target.name or "launch"), "", [""], ast.parse(""))


def _report(results: list[ExaminedLaunch]) -> Report:
    main = next((result for result in results if result.trains), results[0])
    statuses = [result.status for result in results]
    status: Status = next((worst for worst in ("failed", "unknown") if worst in statuses), "ok")
    if not any(result.trains or result.unread for result in results) and status == "ok":
        status = "unknown"
    fields = fields_of(main.examination, status)
    fields["launches"] = [
        {
            "number": result.launch.number,
            "place": "" if result.launch.of == 1 else f" {result.launch.number}",
            **fields_of_launch(result.examination.context),
            "method": clean(result.examination.context.training.method, limit=100) or None,
            # A `trl` command is examined as a generated outline, whose line numbers mean nothing to the user.
            "checklist": [
                fields_of_item(item, places=result.launch.target.kind != "trl") for item in result.examination.checklist
            ],
        }
        for result in results
    ]
    fields["verdict"] = _verdict(results, main, status)
    fields["unknowns"] = _unknowns(results)
    # Launches of the same script report each of its findings once.
    findings: dict[Finding, None] = {}
    for result in results:
        for finding in result.examination.findings:
            if result.launch.target.kind == "trl" and finding.file != result.launch.place:
                # A finding in the generated outline of a `trl` command belongs to the command line.
                fix = f"{finding.fix} (as an option, --NAME VALUE, or in the --config file)"
                finding = finding._replace(file=result.launch.place, cell=None, line=None, column=None, evidence=None, fix=fix)
            findings[finding] = None
    places = {result.launch.place for result in results}
    ordered = sorted(findings, key=lambda finding: (_SEVERITIES.index(finding.severity), finding.file not in places))
    report = Report("preflight_check", status, fields, ordered)
    report.warnings = list(dict.fromkeys(note for result in results for note in result.examination.notes))
    return report


def _verdict(results: list[ExaminedLaunch], main: ExaminedLaunch, status: Status) -> str:
    slots = sum(item.state == "fill_in" for result in results for item in result.examination.checklist)
    counts = [
        (sum(result.examination.number_of("error") for result in results), "error", ""),
        (sum(result.examination.number_of("warning") for result in results), "warning", ""),
        (slots, "slot", " to fill"),
        (sum(result.unread for result in results), "script", " not read"),
    ]
    number = f"{len(results)} launches" if len(results) > 1 else "1 launch"
    context = main.examination.context
    what = f"{method_and_adapter(context, 'no training seen')}{smoke_run(context)}"
    return clean(f"{headline(status, counts)}: {number}, {main.launch.launcher} ({what})")


def _unknowns(results: list[ExaminedLaunch]) -> list[dict[str, Any]]:
    unknowns: dict[tuple[int | None, str], None] = {}
    for result in results:
        launch = result.launch
        if result.unread and launch.target.reason:
            unknowns[(None, f"{launch.place}: {clean(launch.target.reason, limit=200)}")] = None
        if launch.open:
            unknowns[(None, f"{launch.place}: there may be more arguments: {clean(launch.open, limit=200)}")] = None
        unknowns |= dict.fromkeys(result.examination.unknowns)
    return [{"line": line, "reason": reason} for line, reason in unknowns]


def fields_of_launch(context: ScriptContext) -> dict[str, Any]:
    """The entry in `launches`; see docs/schemas/preflight_check.v1.json. It holds no values of secrets or variables."""
    launch = context.launch
    assert launch is not None
    jobs = (context.header.jobs or {}) if launch.mode == "jobs" else {}
    seconds = _seconds(launch, jobs)
    return {
        "launcher": launch.launcher,
        "command": launch.text,
        "mode": launch.mode,
        "dry_run": launch.dry,
        "script": launch.target.name or None,
        "script_kind": launch.target.kind,
        "not_read": launch.target.reason or None,
        "arguments": [masked(text) for text in redacted(texts(launch.args[:_MOST_ARGUMENTS]))],
        "image": _image(launch, jobs),
        "flavor": _text(jobs.get("flavor")),
        "timeout": _text(jobs.get("timeout")),
        "timeout_s": seconds,
        "python": _text(jobs.get("python")) or (launch.settings["python"].value if "python" in launch.settings else None),
        "namespace": _text(jobs.get("namespace")),
        "env": sorted(masked(name, 60) for name in (jobs.get("env") or launch.environ)),
        "secrets": sorted(masked(name, 60) for name in set(jobs.get("secrets") or ())),
        "volumes": [masked(str(volume)) for volume in jobs.get("volumes") or ()],
        "packages": [clean(item.text, limit=100) for item in context.header.requirements] if launch.installs == "uv" else [],
        "processes": launch.processes,
        "schedule": launch.settings["schedule"].value if "schedule" in launch.settings else None,
        "repeats": launch.repeats,
        "from_script": sorted(
            key for key in (context.own_header.jobs or {}) if launch.reads_header and key not in context.header.from_launch
        ),
        "cost": cost(_text(jobs.get("flavor")), seconds),
        "notes": list(launch.notes),
    }


def _text(value: object) -> str | None:
    return masked(str(value), 100) if value is not None else None


def _image(launch: Launch, jobs: dict[str, Any]) -> str | None:
    if launch.mode != "jobs":
        return None
    setting = launch.settings.get("image")
    unclear = setting.value is None if setting else bool(launch.hidden)
    return _text(jobs.get("image")) or (None if unclear else launch.default_image)


def _seconds(launch: Launch, jobs: dict[str, Any]) -> int | None:
    """The job's time limit: its timeout, or else the server's default of 30 minutes; None when it is not known."""
    if launch.mode != "jobs":
        return None
    if "timeout" in jobs:
        return timeout_seconds(str(jobs["timeout"]))
    setting = launch.settings.get("timeout")
    unclear = setting.value is None if setting else bool(launch.hidden)
    return None if unclear else DEFAULT_TIMEOUT_S


def cost(flavor: str | None, seconds: int | None) -> dict[str, Any] | None:
    """The most that the job can cost, its hourly price times its time limit; None for an unknown flavor."""
    price = prices().usd_per_hour.get(flavor or "")
    if price is None:
        return None
    most = round(price * seconds / 3600, 2) if seconds is not None and seconds > 0 else None
    return {"usd_per_hour": price, "most_usd": most, "as_of": prices().as_of}
