"""Decides on a launch before it starts: errors are sent back, the user is asked about money and changed terms, the rest passes.

A command that launches nothing passes untouched. The user is asked about a line that looks like a launch and cannot be checked;
such a line is never allowed silently.

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
    from ml_intern_helpers.preflight.launch_check import Judged

#: Below the client's own limit for this hook (hooks.json), after which it would let the call pass.
_MOST_SECONDS = 8.0
_MOST_FINDINGS = 8
#: Findings that the user decides on, not the model: terms that differ from the agreed ones, and schedules.
_FOR_THE_USER = ("SCOPE", "LAUNCH114")
#: How a run of a task is tracked, saved and reproduced. A run on the user's own machine outside any task may do it in another
#: way: a plain PyTorch loop without a tracker is not a mistake.
_OUR_WAY = ("LOG", "SAVE", "REPRO")
#: Kinds of targets whose content cannot be read.
_UNSEEN = ("unknown", "url", "module")


class TooSlow(BaseException):
    """Raised at the time limit; not an Exception, so that no handler on the way catches it."""


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
    """The folders in which `.ml-intern` is looked for: a `cd` in an earlier call must not lose the task."""
    return [Path(folder) for folder in folders_of(event)] or [cwd]


def _checked(command: str, cwd: str, event: dict[str, object]) -> tuple[Decision, bool]:
    """(decision, whether the line launches anything); the user decides on a line that cannot be checked."""
    gc.disable()  # syntax trees are all live objects
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
    from ml_intern_helpers.preflight.launch_check import examined

    judged = examined(launches)
    known = [each for each in judged if each.launch.mode == "jobs" or each.trains]
    unseen = [each for each in judged if each.launch.mode == "local" and not each.trains and _is_unseen(each)]
    if not known and not unseen:
        return PASS, False
    if known:
        from ml_intern_helpers.guard.permission_denied import release_refused

        release_refused(event)
    state = holds.state_of(_folders(event, cwd))
    in_task = state.task is not None and state.task.open
    unseen = [each for each in unseen if in_task or each.launch.distributed]  # outside a task only what certainly trains
    if not known and not unseen:
        return PASS, False
    wrong, asked, notes = _sorted_findings(known, in_task)
    if wrong:
        return Decision("deny", _refusal(wrong), codes=tuple(dict.fromkeys(finding.code for finding in wrong))), True
    held = [*asked, *holds.holds(known, state), *_holds_of_unseen(unseen, state)]
    held = held or holds.reserve(known, state, event)
    if held:
        return Decision("ask", holds.question(held), codes=tuple(dict.fromkeys(hold.code for hold in held))), True
    context = [*(["ml-intern lets this launch pass. Pre-flight warns:", *_listed(notes)] if notes else []), _advice(unseen)]
    return Decision("pass", context="\n".join(filter(None, context))), True


def _sorted_findings(launches: list[Judged], in_task: bool) -> tuple[list[Finding], list[Hold], list[Finding]]:
    """Findings that are sent back to the model, holds that the user decides on, findings to mention when the launch passes."""
    from ml_intern_helpers.guard.holds import Hold

    wrong: list[Finding] = []
    asked: list[Hold] = []
    notes: list[Finding] = []
    for judged in launches:
        for finding in judged.examination.findings:
            is_free = judged.launch.mode == "local" and not in_task and finding.code.startswith(_OUR_WAY)
            if finding.severity == "info" or is_free:
                continue
            if finding.severity == "warning":
                notes.append(finding)
            elif finding.code.startswith(_FOR_THE_USER):
                asked.append(Hold(finding.code, finding.message, finding.fix or "ask the user"))
            else:
                wrong.append(finding)
        asked.extend(_suppressed(judged))
        target = judged.launch.target
        # `hf jobs run IMAGE $CMD`; a command that is written out is one of the image.
        hidden = next((word.unknown for word in judged.launch.args if word.unknown), "") if target.kind == "command" else ""
        if judged.launch.mode == "jobs" and (target.kind in _UNSEEN or hidden):
            why = hidden or target.reason or "its script was not read"
            what = f"what {judged.launch.launcher} starts could not be read: {why}"
            asked.append(Hold("UNSEEN", what, "start a script of this folder, or ask the user"))
    return wrong, asked, notes


def _suppressed(judged: Judged) -> Iterator[Hold]:
    """Findings that a comment silences: the model may have written it, and it cannot agree to terms or money for the user."""
    from ml_intern_helpers.guard.holds import Hold
    from ml_intern_helpers.preflight.registry import all_rules

    for finding in judged.examination.suppressed:
        is_error = all_rules()[finding.code].severity == "error"
        if finding.code.startswith(_FOR_THE_USER) or (is_error and judged.launch.mode == "jobs"):
            what = f"a comment in the script suppresses {finding.code} in line {finding.line}: {finding.reason}"
            yield Hold(finding.code, what, "correct the finding and remove the comment, or ask the user")


def _is_unseen(judged: Judged) -> bool:
    """Whether the target of a launch on this machine cannot be read. A missing file does not count: the shell reports it."""
    missing = any(problem.kind == "missing-file" for problem in judged.launch.problems)
    return judged.launch.target.kind in _UNSEEN and not missing


def _holds_of_unseen(unseen: list[Judged], state: State) -> Iterator[Hold]:
    """Commands that are known only at run time, where the task allows money: each may be a paid job."""
    from ml_intern_helpers.guard.holds import Hold
    from ml_intern_helpers.launches.programs import HIDDEN

    if state.task is None or not state.task.open or state.task.cap_usd <= 0:
        return
    for judged in unseen:
        if judged.launch.launcher == HIDDEN:
            what = f"this command is known only at run time and may start a paid job: {judged.launch.target.reason}"
            yield Hold("UNSEEN", what, "write the command out, so that its cost can be computed")


def _advice(unseen: list[Judged]) -> str:
    """One line for the model; "" for none."""
    if not unseen:
        return ""
    why = unseen[0].launch.target.reason or "its script was not read"
    more = f", and {len(unseen) - 1} more" if len(unseen) > 1 else ""
    next_step = "If it trains a model, write the path of the script on the command line, so that it can be checked."
    return f"ml-intern could not read what this command starts ({why}{more}). {next_step}"


def _refusal(wrong: list[Finding]) -> str:
    """The reason of a denial, which the model reads in place of the command's output."""
    lines = [f"ml-intern held this launch before it cost anything: {len(wrong)} error{'s' if len(wrong) > 1 else ''}."]
    lines += _listed(wrong)
    lines.append("Correct them and launch again. `preflight_check --launch '…'` shows the whole checklist before you launch.")
    return "\n".join(lines)


def _listed(findings: list[Finding]) -> list[str]:
    from ml_intern_helpers.core.report import render_finding
    from ml_intern_helpers.preflight.render import without_repeats

    shown = without_repeats(findings)[:_MOST_FINDINGS]
    more = len(findings) - len(shown)
    return [*map(render_finding, shown), *([f"and {more} more"] if more > 0 else [])]
