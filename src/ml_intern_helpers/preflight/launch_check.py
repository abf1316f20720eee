"""`preflight_check --launch`: every launch of a command line examined with the script it starts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.source import Source, read_source, source_of_text
from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.report import Finding, Report, Status
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.launches.find import MOST, launches_of
from ml_intern_helpers.launches.launch import Launch, Problem, ProblemKind, Target
from ml_intern_helpers.preflight.examine import Examination, examine
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.launch_summary import fields_of_launch, lines_of
from ml_intern_helpers.preflight.outcome import Outcome, failed_launch
from ml_intern_helpers.preflight.rendering import answer

_ORDER = ("error", "warning", "info")
#: The rule that reports a problem of the command line.
_CODES: dict[ProblemKind, str] = {
    "unknown-option": "LAUNCH105",
    "refused-command": "LAUNCH106",
    "missing-file": "LAUNCH107",
    "file-not-in-container": "LAUNCH108",
    "token-on-command-line": "LAUNCH109",
    "secret-as-variable": "LAUNCH110",
}


@dataclass(frozen=True)
class Judged:
    """A launch and what was found in it."""

    launch: Launch
    found: Examination

    @property
    def trains(self) -> bool:
        return self.found.facts.training.kind != "none"

    @property
    def unread(self) -> bool:
        """The script could not be looked at: this launch must not end in a pass."""
        return self.launch.target.kind not in ("file", "text", "trl") and not self.launch.dry

    @property
    def status(self) -> Status:
        if self.found.number_of("error"):
            return "failed"
        return "unknown" if self.unread or (self.trains and self.found.settled_nothing) else "ok"


def judged(text: str, script: Path | None, local: bool, about: Options = DEFAULT_OPTIONS) -> Report:
    """The report on a command line.

    Args:
        text: the command line.
        script: the script that the user names besides; the launches that start it are judged with it.
        local: judge as for a run on this machine, whatever the launcher.
        about: what the caller knows besides.

    Raises:
        NotFound: it launches nothing that is known here.
        ToolError: it cannot be read, or the script cannot.
    """
    launches = launches_of(text, Path.cwd())
    if not launches:
        hint = "known: hf jobs run, hf jobs uv run, accelerate launch, torchrun, deepspeed, python, uv run, trl sft|dpo|grpo…"
        raise NotFound(f"no launch found in `{clean(text, limit=100)}`", hint=hint)
    if script is not None:
        _name_script(launches, script)
    found = examined(launches, about, "local" if local else None)
    report = _report(found)
    if len(launches) > MOST:
        report.warnings.append(f"only the first {MOST} launches were judged")
    if script is None and not any(one.trains or one.unread or one.found.findings for one in found):
        report.status = "unknown"
    return report


def examined(launches: list[Launch], about: Options = DEFAULT_OPTIONS, mode: str | None = None) -> list[Judged]:
    """Each launch with its script, as `mode` (None: as its launcher runs it); no more than MOST.

    Raises:
        Unavailable: a script is too intricate to follow.
    """
    for launch in launches[:MOST]:
        launch.mode = mode or launch.mode
    return [Judged(launch, examine(_source(launch), launch.mode, launch, about)) for launch in launches[:MOST]]


def _name_script(launches: list[Launch], script: Path) -> None:
    """Tie the script that was named to the launch that starts it, or say that none does."""
    here = Path.cwd() / script
    for launch in launches:
        if launch.target.path is not None and _same(launch.target.path, here):
            return
    for launch in launches:
        if launch.target.kind in ("unknown", "url", "module", "command") and not any(
            problem.kind == "missing-file" for problem in launch.problems
        ):
            launch.target = Target("file", str(script), here)
            launch.notes.append(f"taken to start {clean(str(script), limit=100)}, as you named it")
            return
    name = clean(str(script), limit=100)
    launches[0].problems.append(Problem("missing-file", f"the launch does not start {name}", f"launch {name}", launches[0].text))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except (OSError, ValueError):
        return False


def _source(launch: Launch) -> Source:
    """The script's source; an empty one where there is none to read, and a fault where it cannot be read."""
    target = launch.target
    try:
        if target.kind == "file" and target.path is not None:
            return _with_config(launch, read_source(_short(target.path)))
        if target.kind in ("text", "trl"):
            return source_of_text(target.name, target.text)
    except ToolError as err:
        launch.target = target._replace(kind="unknown", reason=err.message)
        launch.problems.append(
            Problem("missing-file", err.message, err.hint or "give a script that Python can read", launch.text)
        )
    return Source(Path(target.name or "launch"), "", [""], ast.parse(""))


def _with_config(launch: Launch, source: Source) -> Source:
    """A config file that is not there is a fault where a TrlParser opens it; what `--config` means elsewhere is not known."""
    if launch.config is not None and launch.config.problem is not None and "TrlParser(" in source.text:
        launch.problems.append(launch.config.problem)
    return source


def _short(path: Path) -> Path:
    """As the user would write it: relative to where they are."""
    try:
        return path.relative_to(Path.cwd())
    except (OSError, ValueError):
        return path


def _report(found: list[Judged]) -> Report:
    main = next((one for one in found if one.trains), found[0])
    statuses = [one.status for one in found]
    status: Status = next((one for one in ("failed", "unknown") if one in statuses), "ok")
    if not any(one.trains or one.unread for one in found) and status == "ok":
        status = "unknown"
    fields = answer.fields_of(main.found, status)
    fields["launches"] = [_entry(one) for one in found]
    fields["verdict"] = _verdict(found, main, status)
    fields["unknowns"] = _unknowns(found)
    report = Report("preflight_check", status, fields, _findings(found))
    report.warnings = list(dict.fromkeys(note for one in found for note in one.found.notes))
    return report


def _entry(one: Judged) -> dict[str, Any]:
    return {
        "number": one.launch.number,
        "place": "" if one.launch.of == 1 else f" {one.launch.number}",
        **fields_of_launch(one.found.facts),
        "method": clean(one.found.facts.training.method, limit=100) or None,
        "checklist": [_item(item.to_dict(), one.launch) for item in one.found.checklist],
    }


def _verdict(found: list[Judged], main: Judged, status: Status) -> str:
    errors, warnings = (sum(one.found.number_of(kind) for one in found) for kind in ("error", "warning"))
    slots = sum(item.state == "fill_in" for one in found for item in one.found.checklist)
    unread = sum(one.unread for one in found)
    counts = [(errors, "error"), (warnings, "warning"), (slots, "slot"), (unread, "script")]
    ends = {"slot": " to fill", "script": " not read"}
    said = [f"{count} {name}{'s' if count > 1 else ''}{ends.get(name, '')}" for count, name in counts if count]
    word = {"failed": "FAIL", "unknown": "COULD NOT TELL"}.get(status, "PASS")
    number = f"{len(found)} launches" if len(found) > 1 else "1 launch"
    what = ", ".join(
        part for part in (main.found.facts.training.method or "no training seen", answer.adapter(main.found.facts)) if part
    )
    smoke = f"; smoke run of {main.found.facts.smoke[0]} steps" if main.found.facts.smoke else ""
    return clean(f"{word}{' with ' if said else ''}{', '.join(said)}: {number}, {main.launch.launcher} ({what}{smoke})")


def _unknowns(found: list[Judged]) -> list[dict[str, Any]]:
    told: dict[tuple[int | None, str], None] = {}
    for one in found:
        if one.unread and one.launch.target.reason:
            told[(None, f"{one.launch.place}: {clean(one.launch.target.reason, limit=200)}")] = None
        if one.launch.open:
            told[(None, f"{one.launch.place}: more words may come: {clean(one.launch.open, limit=200)}")] = None
        told |= dict.fromkeys(one.found.unknowns)
    return [{"line": line, "reason": reason} for line, reason in told]


def _findings(found: list[Judged]) -> list[Finding]:
    """Those of all launches, each once: two launches of one script share what is wrong in it."""
    findings = list(dict.fromkeys(_placed(finding, one.launch) for one in found for finding in one.found.findings))
    return sorted(findings, key=lambda one: (_ORDER.index(one.severity), not (one.file or "").startswith("launch")))


def _placed(finding: Finding, launch: Launch) -> Finding:
    """What is wrong with a `trl` command is wrong on the command line, not in the outline that stands for trl's script."""
    if launch.target.kind != "trl" or finding.file == launch.place:
        return finding
    fix = f"{finding.fix} (as an option, --NAME VALUE, or in the --config file)"
    return finding._replace(file=launch.place, line=None, column=None, evidence=None, fix=fix)


def _item(item: dict[str, Any], launch: Launch) -> dict[str, Any]:
    if launch.target.kind != "trl":
        return item
    lines = re.compile(rf" \({re.escape(launch.target.name)}:\d+\)")
    return {key: lines.sub("", value) if isinstance(value, str) else value for key, value in item.items()}


def text_of(report: Report) -> str:
    """Verdict, each launch with its checklist, findings, what could not be told."""
    fields = report.fields
    lines = [fields["verdict"]]
    for entry in fields["launches"]:
        lines += lines_of(entry)
        lines += answer.checklist_lines(entry["checklist"], report)
    return "\n".join([*lines, *answer.tail_of(report)])


def reported(facts: Facts, code: str) -> Iterator[Outcome]:
    """The problems of the launch that the rule `code` reports; nothing without a launch."""
    for problem in facts.launch.problems if facts.launch else ():
        if _CODES[problem.kind] == code:
            yield failed_launch(problem.message, problem.fix, problem.seen, None if problem.certain else "warning")
