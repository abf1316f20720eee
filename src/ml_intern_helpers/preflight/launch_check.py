"""`preflight_check --launch`: every launch of a command line examined together with the script it starts.

`fields_of_launch` says where a launch runs, what it costs at most, what it gets and who pays.
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

#: Arguments that a report lists.
_MOST_ARGUMENTS = 200
_SEVERITIES = ("error", "warning", "info")


class Judged(NamedTuple):
    """A launch, and the examination of the script it starts."""

    launch: Launch
    examination: Examination

    @property
    def trains(self) -> bool:
        return self.examination.context.training.kind != "none"

    @property
    def unread(self) -> bool:
        """The script could not be read: this launch must not end in a pass."""
        return self.launch.target.kind not in ("file", "text", "trl") and not self.launch.dry

    @property
    def status(self) -> Status:
        if self.examination.number_of("error"):
            return "failed"
        return "unknown" if self.unread or (self.trains and self.examination.settled_nothing) else "ok"


def judged(text: str, script: Path | None, local: bool, options: Options = DEFAULT_OPTIONS) -> Report:
    """The report on a command line.

    Args:
        text: the command line.
        script: the script that the user names besides; the launch that starts it is judged with it.
        local: judge as for a run on this machine, whatever the launcher.
        options: what the caller knows besides.

    Raises:
        NotFound: it launches nothing that is known here.
        ToolError: it cannot be read, or the script cannot.
    """
    launches = launches_of(text, Path.cwd())
    if not launches:
        hint = "known: hf jobs run, hf jobs uv run, accelerate launch, torchrun, deepspeed, python, uv run, trl sft|dpo|grpo…"
        raise NotFound(f"no launch found in `{clean(text, limit=100)}`", hint=hint)
    if script is not None:
        _attach_script(launches, script)
    found = examined(launches, options, "local" if local else None)
    report = _report(found)
    if len(launches) > MOST:
        report.warnings.append(f"only the first {MOST} launches were judged")
    if script is None and not any(one.trains or one.unread or one.examination.findings for one in found):
        report.status = "unknown"
    return report


def examined(launches: list[Launch], options: Options = DEFAULT_OPTIONS, mode: str | None = None) -> list[Judged]:
    """Each launch with its script, as `mode` (None: as its launcher runs it); no more than MOST.

    Raises:
        Unavailable: a script is too intricate to follow.
    """
    for launch in launches[:MOST]:
        launch.mode = mode or launch.mode
    return [Judged(launch, examine(_source(launch), launch.mode, launch, options)) for launch in launches[:MOST]]


def _attach_script(launches: list[Launch], script: Path) -> None:
    """Attach the script that was named to the launch that starts it, or report that none does."""
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
            launch.notes.append(f"taken to start {name}, as you named it")
            return
    launches[0].problems.append(Problem("missing-file", f"the launch does not start {name}", f"launch {name}", launches[0].text))


def _source(launch: Launch) -> Source:
    """The script's source; an empty one where there is none to read, with a problem where it cannot be read."""
    target = launch.target
    try:
        if target.kind == "file" and target.path is not None:
            here = Path.cwd()
            # Messages name the script as the user would write it.
            source = read_source(target.path.relative_to(here) if target.path.is_relative_to(here) else target.path)
            # What `--config` means elsewhere is not known: that its file is missing counts only where a TrlParser opens it.
            if launch.config is not None and launch.config.problem is not None and "TrlParser(" in source.text:
                launch.problems.append(launch.config.problem)
            return source
        if target.kind in ("text", "trl"):
            return source_of_text(target.name, target.text)
    except ToolError as err:
        launch.target = target._replace(kind="unknown", reason=err.message)
        launch.problems.append(
            Problem("missing-file", err.message, err.hint or "give a script that Python can read", launch.text)
        )
    return Source(Path(target.name or "launch"), "", [""], ast.parse(""))


def _report(found: list[Judged]) -> Report:
    main = next((one for one in found if one.trains), found[0])
    statuses = [one.status for one in found]
    status: Status = next((one for one in ("failed", "unknown") if one in statuses), "ok")
    if not any(one.trains or one.unread for one in found) and status == "ok":
        status = "unknown"
    fields = fields_of(main.examination, status)
    fields["launches"] = [
        {
            "number": one.launch.number,
            "place": "" if one.launch.of == 1 else f" {one.launch.number}",
            **fields_of_launch(one.examination.context),
            "method": clean(one.examination.context.training.method, limit=100) or None,
            # The outline that stands for the script of a `trl` command has lines that nobody can open.
            "checklist": [fields_of_item(item, places=one.launch.target.kind != "trl") for item in one.examination.checklist],
        }
        for one in found
    ]
    fields["verdict"] = _verdict(found, main, status)
    fields["unknowns"] = _unknowns(found)
    # Two launches of one script share what is wrong in it.
    findings: dict[Finding, None] = {}
    for one in found:
        for finding in one.examination.findings:
            if one.launch.target.kind == "trl" and finding.file != one.launch.place:
                # What is wrong in the outline that stands for trl's script is wrong on the command line.
                fix = f"{finding.fix} (as an option, --NAME VALUE, or in the --config file)"
                finding = finding._replace(file=one.launch.place, cell=None, line=None, column=None, evidence=None, fix=fix)
            findings[finding] = None
    places = {one.launch.place for one in found}
    ordered = sorted(findings, key=lambda one: (_SEVERITIES.index(one.severity), one.file not in places))
    report = Report("preflight_check", status, fields, ordered)
    report.warnings = list(dict.fromkeys(note for one in found for note in one.examination.notes))
    return report


def _verdict(found: list[Judged], main: Judged, status: Status) -> str:
    slots = sum(item.state == "fill_in" for one in found for item in one.examination.checklist)
    counts = [
        (sum(one.examination.number_of("error") for one in found), "error", ""),
        (sum(one.examination.number_of("warning") for one in found), "warning", ""),
        (slots, "slot", " to fill"),
        (sum(one.unread for one in found), "script", " not read"),
    ]
    number = f"{len(found)} launches" if len(found) > 1 else "1 launch"
    context = main.examination.context
    what = f"{method_and_adapter(context, 'no training seen')}{smoke_run(context)}"
    return clean(f"{headline(status, counts)}: {number}, {main.launch.launcher} ({what})")


def _unknowns(found: list[Judged]) -> list[dict[str, Any]]:
    unknowns: dict[tuple[int | None, str], None] = {}
    for one in found:
        if one.unread and one.launch.target.reason:
            unknowns[(None, f"{one.launch.place}: {clean(one.launch.target.reason, limit=200)}")] = None
        if one.launch.open:
            unknowns[(None, f"{one.launch.place}: more words may come: {clean(one.launch.open, limit=200)}")] = None
        unknowns |= dict.fromkeys(one.examination.unknowns)
    return [{"line": line, "reason": reason} for line, reason in unknowns]


def fields_of_launch(context: ScriptContext) -> dict[str, Any]:
    """The entry in `launches`; see docs/schemas/preflight_check.v1.json. Values of secrets and of variables stay out."""
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
        "volumes": [masked(str(one)) for one in jobs.get("volumes") or ()],
        "packages": [clean(one.text, limit=100) for one in context.header.requirements] if launch.installs == "uv" else [],
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
    """What stops the job: the timeout, or without one the server's half hour; None when it cannot be told."""
    if launch.mode != "jobs":
        return None
    if "timeout" in jobs:
        return timeout_seconds(str(jobs["timeout"]))
    setting = launch.settings.get("timeout")
    unclear = setting.value is None if setting else bool(launch.hidden)
    return None if unclear else DEFAULT_TIMEOUT_S


def cost(flavor: str | None, seconds: int | None) -> dict[str, Any] | None:
    """The most it can cost: price an hour times the timeout; None for an unknown flavor."""
    price = prices().usd_per_hour.get(flavor or "")
    if price is None:
        return None
    most = round(price * seconds / 3600, 2) if seconds is not None and seconds > 0 else None
    return {"usd_per_hour": price, "most_usd": most, "as_of": prices().as_of}
