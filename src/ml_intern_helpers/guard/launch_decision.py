"""Decides on a launch before it starts: denies errors, asks the user about money and changed terms, lets the rest pass.

A command that launches nothing passes unchanged. The user is asked about a line that looks like a launch and cannot be checked.

A run on this machine whose script or command is known only at run time (`python $SCRIPT`, `$(cat cmd)`) passes, but under an open
task Claude is told how to have it checked; the user is asked where it may be a paid job under a task that allows money.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ml_intern_helpers.guard import own_records, prefilter
from ml_intern_helpers.guard.decision import PASS, Decision, log, mode
from ml_intern_helpers.guard.event import folders_of

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.guard.holds import Hold, State
    from ml_intern_helpers.preflight.launch_check import ExaminedLaunch

#: Less than the client's time limit for this hook (hooks.json), after which the client would let the call pass.
_MOST_SECONDS = 8.0
_MOST_FINDINGS = 8
#: Findings that the user decides on, not the model: terms that differ from the agreed ones, and schedules.
_FOR_THE_USER = ("SCOPE", "LAUNCH114")
#: Rules about tracking, saving and reproducibility. They apply to Jobs and to runs of a task; outside a task, a plain PyTorch
#: loop without a tracker on the user's own machine is not a mistake.
_TASK_RULES = ("LOG", "SAVE", "REPRO")
#: Kinds of targets whose content cannot be read.
_UNSEEN = ("unknown", "url", "module")


class TooSlow(BaseException):
    """Raised at the time limit; not an Exception, so that no `except Exception` in between catches it."""


def decision_on(event: dict[str, object], command: str, cwd: str) -> Decision:
    """The decision on a Bash command; it is logged when the command launches something or changes our records."""
    if mode() == "off":
        return PASS
    start = time.monotonic()
    decision, is_ours = (PASS, False) if prefilter.launches_nothing(command) else _checked(command, cwd, event)
    if decision.kind == "pass":
        on_records = own_records.decision_on_command(command, event)
        decision, is_ours = (on_records, True) if on_records.kind != "pass" else (decision, is_ours)
    if not is_ours:
        return PASS
    decision = decision.as_configured()
    from ml_intern_helpers.runs import project_files

    folder = project_files.home(*_folders(event, Path(cwd)))
    if decision.codes or folder.is_dir():  # a launch without findings creates no folder in a project
        log(folder, event, command, decision, (time.monotonic() - start) * 1000)
    return decision


def _folders(event: dict[str, object], cwd: Path) -> list[Path]:
    """The folders in which `.ml-intern` is searched; they include the project's, in case an earlier call has changed folder."""
    return [Path(folder) for folder in folders_of(event)] or [cwd]


def _checked(command: str, cwd: str, event: dict[str, object]) -> tuple[Decision, bool]:
    """(decision, whether the line launches anything); the user decides on a line that cannot be checked."""
    gc.disable()  # collections would only cost time: syntax trees stay alive
    try:
        with _limited():
            os.chdir(cwd)
            return _decided(command, Path(cwd), event)
    except (Exception, TooSlow, RecursionError) as err:
        from ml_intern_helpers.core.errors import ToolError
        from ml_intern_helpers.core.text import clean

        problem, next_step = clean(str(err) or type(err).__name__, limit=200), ""
        if isinstance(err, TooSlow):
            problem = f"it took longer than {_MOST_SECONDS:g} s"
        elif isinstance(err, ToolError):
            problem, next_step = clean(err.message, limit=300), clean(err.hint or "", limit=300)
        next_step = next_step or "write the launch as one plain command"
        reason = f"ml-intern could not check what this starts: {problem}\n    next: {next_step}; or let the user run it"
        return Decision("ask", reason, codes=("UNREAD",)), True


@contextmanager
def _limited() -> Iterator[None]:
    """Raises `TooSlow` in the body after _MOST_SECONDS, where the system has such a timer."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TooSlow

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _decided(command: str, cwd: Path, event: dict[str, object]) -> tuple[Decision, bool]:
    from ml_intern_helpers.core.errors import Unavailable
    from ml_intern_helpers.launches.find import TOO_DEEP, launches_of

    launches = [launch for launch in launches_of(command, cwd) if not launch.dry]
    if not launches:
        return PASS, False
    if any(launch.target.reason == TOO_DEEP for launch in launches):
        raise Unavailable("its shells are nested too deeply", hint="write the launch as one plain command")
    from ml_intern_helpers.guard import holds
    from ml_intern_helpers.preflight.launch_check import examine_launches

    examined = examine_launches(launches)
    checked = [each for each in examined if each.launch.mode == "jobs" or each.trains]
    unreadable = [each for each in examined if each.launch.mode == "local" and not each.trains and _is_unseen(each)]
    if not checked and not unreadable:
        return PASS, False
    if checked:
        from ml_intern_helpers.guard.permission_denied import release_refused

        release_refused(event)
    state = holds.state_of(_folders(event, cwd))
    in_task = state.task is not None and state.task.open
    # Outside a task, only distributed launchers certainly train.
    unreadable = [each for each in unreadable if in_task or each.launch.distributed]
    if not checked and not unreadable:
        return PASS, False
    errors, user_holds, warnings = _sorted_findings(checked, in_task)
    if errors:
        return Decision("deny", _refusal(errors), codes=tuple(dict.fromkeys(finding.code for finding in errors))), True
    open_holds = [*user_holds, *holds.holds(checked, state), *_holds_of_unseen(unreadable, state)]
    open_holds = open_holds or holds.reserve(checked, state, event)
    if open_holds:
        return Decision("ask", holds.question(open_holds), codes=tuple(dict.fromkeys(hold.code for hold in open_holds))), True
    context = [
        *(["ml-intern lets this launch pass. Pre-flight warns:", *_listed(warnings)] if warnings else []),
        _advice(unreadable),
    ]
    return Decision("pass", context="\n".join(filter(None, context))), True


def _sorted_findings(launches: list[ExaminedLaunch], in_task: bool) -> tuple[list[Finding], list[Hold], list[Finding]]:
    """Findings that are sent back to the model, holds that the user decides on, findings to mention when the launch passes."""
    from ml_intern_helpers.guard.holds import Hold

    errors: list[Finding] = []
    user_holds: list[Hold] = []
    warnings: list[Finding] = []
    for examined in launches:
        for finding in examined.examination.findings:
            is_exempt = examined.launch.mode == "local" and not in_task and finding.code.startswith(_TASK_RULES)
            if finding.severity == "info" or is_exempt:
                continue
            if finding.severity == "warning":
                warnings.append(finding)
            elif finding.code.startswith(_FOR_THE_USER):
                user_holds.append(Hold(finding.code, finding.message, finding.fix or "ask the user"))
            else:
                errors.append(finding)
        user_holds.extend(_suppressed(examined))
        target = examined.launch.target
        # `hf jobs run IMAGE $CMD`. A command that is written out is a program of the image and is not held.
        hidden = next((word.unknown for word in examined.launch.args if word.unknown), "") if target.kind == "command" else ""
        if examined.launch.mode == "jobs" and (target.kind in _UNSEEN or hidden):
            reason = hidden or target.reason or "its script was not read"
            message = f"what {examined.launch.launcher} starts could not be read: {reason}"
            user_holds.append(Hold("UNSEEN", message, "start a script of this folder, or ask the user"))
    return errors, user_holds, warnings


def _suppressed(examined: ExaminedLaunch) -> Iterator[Hold]:
    """Holds for findings that a comment suppresses: the model may have written it, but only the user may agree to them."""
    from ml_intern_helpers.guard.holds import Hold
    from ml_intern_helpers.preflight.registry import all_rules

    for finding in examined.examination.suppressed:
        is_error = all_rules()[finding.code].severity == "error"
        if finding.code.startswith(_FOR_THE_USER) or (is_error and examined.launch.mode == "jobs"):
            message = f"a comment in the script suppresses {finding.code} in line {finding.line}: {finding.reason}"
            yield Hold(finding.code, message, "correct the finding and remove the comment, or ask the user")


def _is_unseen(examined: ExaminedLaunch) -> bool:
    """Whether the target of a launch on this machine cannot be read. A missing file does not count: the shell reports it."""
    missing = any(problem.kind == "missing-file" for problem in examined.launch.problems)
    return examined.launch.target.kind in _UNSEEN and not missing


def _holds_of_unseen(unreadable: list[ExaminedLaunch], state: State) -> Iterator[Hold]:
    """Holds for commands that are known only at run time: where the task allows spending, each may be a paid job."""
    from ml_intern_helpers.guard.holds import Hold
    from ml_intern_helpers.launches.programs import HIDDEN

    if state.task is None or not state.task.open or state.task.cap_usd <= 0:
        return
    for examined in unreadable:
        if examined.launch.launcher == HIDDEN:
            message = f"this command is known only at run time and may start a paid job: {examined.launch.target.reason}"
            yield Hold("UNSEEN", message, "write the command out, so that its cost can be computed")


def _advice(unreadable: list[ExaminedLaunch]) -> str:
    """One line for the model about launches that could not be read; "" without any."""
    if not unreadable:
        return ""
    reason = unreadable[0].launch.target.reason or "its script was not read"
    further = f", and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
    next_step = "If it trains a model, write the path of the script on the command line, so that it can be checked."
    return f"ml-intern could not read what this command starts ({reason}{further}). {next_step}"


def _refusal(errors: list[Finding]) -> str:
    """The reason of a denial, which the model reads in place of the command's output."""
    lines = [f"ml-intern held this launch before it cost anything: {len(errors)} error{'s' if len(errors) > 1 else ''}."]
    lines += _listed(errors)
    lines.append("Correct them and launch again. `preflight_check --launch '…'` shows the whole checklist before you launch.")
    return "\n".join(lines)


def _listed(findings: list[Finding]) -> list[str]:
    from ml_intern_helpers.core.report import render_finding
    from ml_intern_helpers.preflight.render import without_repeats

    listed = without_repeats(findings)[:_MOST_FINDINGS]
    more = len(findings) - len(listed)
    return [*map(render_finding, listed), *([f"and {more} more"] if more > 0 else [])]
