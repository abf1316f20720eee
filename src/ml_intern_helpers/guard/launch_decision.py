"""What happens to a launch before it starts: errors are sent back, money and changed terms are asked about, the rest passes.

Everything that is not a launch passes untouched. Where the guard itself fails on a line that looks like a launch, the user is
asked: never silently allowed.
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
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.guard import decision, own_records, prefilter
from ml_intern_helpers.guard.decision import PASS, Decision, softened
from ml_intern_helpers.guard.holds import Hold
from ml_intern_helpers.launches.programs import HIDDEN

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.guard.holds import State
    from ml_intern_helpers.preflight.launch_check import Judged

#: Below the client's own limit for this hook (hooks.json), after which it would let the call pass.
MOST_SECONDS = 8.0
_MOST_FINDINGS = 8


class TooSlow(BaseException):
    """Not an Exception: no handler on the way may take it for something else."""


def guarded(event: dict[str, object], command: str, cwd: str) -> Decision:
    """The decision on a Bash command, logged when it launches something."""
    mode = decision.mode()
    if mode == "off":
        return PASS
    start = time.monotonic()
    found, looked = (PASS, False) if prefilter.launches_nothing(command) else _looked_at(command, cwd, event)
    if found.kind == "pass":
        written = own_records.on_command(command, event)
        found, looked = (written, True) if written.kind != "pass" else (found, looked)
    if not looked:
        return PASS
    decision = softened(found) if mode == "warn" else found
    _log(event, command, cwd, decision, (time.monotonic() - start) * 1000)
    return decision


def _looked_at(command: str, cwd: str, event: dict[str, object]) -> tuple[Decision, bool]:
    """(decision, whether the line launches anything)."""
    gc.disable()  # syntax trees are all live objects
    try:
        with _limited():
            os.chdir(cwd)
            return _judged(command, Path(cwd), event)
    except (Exception, TooSlow, RecursionError) as err:
        return _unread(err), True


def _judged(command: str, cwd: Path, event: dict[str, object]) -> tuple[Decision, bool]:
    from ml_intern_helpers.core.errors import Unavailable
    from ml_intern_helpers.launches.find import TOO_DEEP, launches_of

    launches = [launch for launch in launches_of(command, cwd) if not launch.dry]
    if not launches:
        return PASS, False
    if any(launch.target.reason == TOO_DEEP for launch in launches):
        raise Unavailable("its shells are nested too deeply", hint="write the launch as one plain command")
    from ml_intern_helpers.guard import holds, launch_decision, reservation
    from ml_intern_helpers.preflight.launch_check import examined

    judged = examined(launches)
    found = [one for one in judged if one.launch.mode == "jobs" or one.trains]
    hidden = launch_decision.candidates(judged)
    if not found and not hidden:
        return PASS, False
    if found:
        reservation.try_to_give_back(event)
    state = holds.state_of(_folders(event, cwd))
    hidden = launch_decision.worth_a_word(hidden, state)
    return (_decided(found, hidden, state, event), True) if found or hidden else (PASS, False)


def _decided(found: list[Judged], hidden: list[Judged], state: State, event: dict[str, object]) -> Decision:
    from ml_intern_helpers.guard import holds, launch_decision, reservation

    weighed = launch_decision.weighed(found, state)
    if weighed.wrong:
        return Decision("deny", _refusal(weighed.wrong), codes=_codes(weighed.wrong))
    asked = [*weighed.asked, *holds.holds(found, state), *launch_decision.held(hidden, state)]
    held = asked or reservation.reserve(found, state, event)
    if held:
        return Decision("ask", holds.question(held), codes=tuple(dict.fromkeys(hold.code for hold in held)))
    told = [_notes(weighed.told), launch_decision.advice(hidden)]
    return Decision("pass", context="\n".join(filter(None, told)))


def _folders(event: dict[str, object], cwd: Path) -> list[Path]:
    """Where the project's `.ml-intern` is looked for: a `cd` in an earlier call must not lose the task."""
    from ml_intern_helpers.guard.event import places_of

    return [Path(one) for one in places_of(event)] or [cwd]


def _codes(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.code for finding in findings))


def _refusal(wrong: list[Finding]) -> str:
    """What the model reads in place of the command's output: what is wrong, and how it goes on."""
    lines = [f"ml-intern held this launch before it cost anything: {len(wrong)} error{'s' if len(wrong) > 1 else ''}."]
    lines += _listed(wrong)
    lines.append("Correct them and launch again. `preflight_check --launch '…'` shows the whole checklist before the next try.")
    return "\n".join(lines)


def _notes(told: list[Finding]) -> str:
    """What the model should know of a launch that passes; the launch need not wait."""
    return "\n".join(["ml-intern lets this launch pass; pre-flight says of it:", *_listed(told)]) if told else ""


def _listed(findings: list[Finding]) -> list[str]:
    from ml_intern_helpers.core.report import render_finding
    from ml_intern_helpers.preflight.shortened import without_repeats

    shown = without_repeats(findings)[:_MOST_FINDINGS]
    more = len(findings) - len(shown)
    return [*map(render_finding, shown), *([f"and {more} more"] if more > 0 else [])]


def _unread(err: BaseException) -> Decision:
    """What cannot be checked is a person's to decide. Also a line that this reader cannot make sense of: the shell may."""
    from ml_intern_helpers.core.errors import ToolError
    from ml_intern_helpers.core.text import clean

    told, way_on = clean(str(err) or type(err).__name__, limit=200), ""
    if isinstance(err, TooSlow):
        told = f"it took longer than {MOST_SECONDS:g} s"
    elif isinstance(err, ToolError):
        told, way_on = clean(err.message, limit=300), clean(err.hint or "", limit=300)
    way_on = way_on or "write the launch as one plain command"
    reason = f"ml-intern could not check what this starts: {told}\n    way on: {way_on}; or let the user run it"
    return Decision("ask", reason, codes=("UNREAD",))


@contextmanager
def _limited() -> Iterator[None]:
    """Ends what takes too long with `TooSlow`, where the system has such a clock."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TooSlow

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _log(event: dict[str, object], command: str, cwd: str, decision: Decision, took_ms: float) -> None:
    from ml_intern_helpers.guard import decision
    from ml_intern_helpers.runs import project_files

    folder = project_files.home(*_folders(event, Path(cwd)))
    if decision.codes or folder.is_dir():  # a run that nothing is held against makes no folder in a project
        decision.write(folder, event, command, decision, took_ms)


# MERGED ml_intern_helpers.guard.launch_decision: What each finding on a launch is good for: to send it back, to ask the user, or a word beside a launch that passes.

#: Not wrong, but not the model's to decide: terms that differ from what was agreed, and what starts again and again.
_FOR_THE_USER = ("SCOPE", "LAUNCH114")
#: How we want a run of ours to be watched, kept and repeated. Whoever trains on their own machine, outside any task of ours,
#: may do it in another way: a plain PyTorch loop without a tracker is no mistake, and no reason to talk.
_OUR_WAY = ("LOG", "SAVE", "REPRO")
#: Kinds of targets whose content nobody has seen.
UNSEEN = ("unknown", "url", "module")


class Weighed(NamedTuple):
    """`wrong` is sent back to the model, `asked` is the user's, `told` stands beside a launch that passes."""

    wrong: list[Finding]
    asked: list[Hold]
    told: list[Finding]


def weighed(found: list[Judged], state: State) -> Weighed:
    """The findings of the launches of one line."""
    result = Weighed([], [], [])
    ours = state.task is not None and state.task.open
    for one in found:
        for finding in one.found.findings:
            if finding.severity == "info" or _free(one, finding.code, ours):
                continue
            if finding.severity == "warning":
                result.told.append(finding)
            elif finding.code.startswith(_FOR_THE_USER):
                result.asked.append(Hold(finding.code, finding.message, finding.fix or "ask the user"))
            else:
                result.wrong.append(finding)
        result.asked.extend(_silenced(one))
        result.asked.extend(_unseen(one))
    return result


def _free(one: Judged, code: str, ours: bool) -> bool:
    return one.launch.mode == "local" and not ours and code.startswith(_OUR_WAY)


def _silenced(one: Judged) -> Iterator[Hold]:
    """A comment in the script, which the model may have written, cannot agree to terms or to money in the user's place."""
    from ml_intern_helpers.preflight.registry import all_rules

    for hushed in one.found.suppressed:
        is_error = all_rules()[hushed.code].SEVERITY == "error"
        if hushed.code.startswith(_FOR_THE_USER) or (is_error and one.launch.mode == "jobs"):
            what = f"a comment in the script silences {hushed.code} in line {hushed.line}: {hushed.reason}"
            yield Hold(hushed.code, what, "mend what it silences and take the comment out, or ask the user")


def _unseen(one: Judged) -> Iterator[Hold]:
    """Paid, and nobody has looked at what it runs."""
    target = one.launch.target
    # `hf jobs run IMAGE $CMD`; a command that is written out is one of the image.
    hidden = next((word.unknown for word in one.launch.args if word.unknown), "") if target.kind == "command" else ""
    if one.launch.mode == "jobs" and (target.kind in UNSEEN or hidden):
        why = hidden or target.reason or "its script was not read"
        yield Hold(
            "UNSEEN",
            f"what {one.launch.launcher} starts could not be looked at: {why}",
            "start a script of this folder, or ask the user",
        )


# MERGED ml_intern_helpers.guard.launch_decision: Launches on this machine whose script, or whole command, is known to the shell alone: `python $SCRIPT`, `$(cat cmd)`.
#
# They cost no money that anybody knows of, so they pass, but not unseen: Claude is told how to have them checked. Only where the
# hidden command may be a paid one, under a task that allows money, the user is asked.


def candidates(judged: list[Judged]) -> list[Judged]:
    """Those that nobody has looked at. A file that is not there is no launch: the shell says so itself."""
    local = [one for one in judged if one.launch.mode == "local" and not one.trains]
    return [
        one for one in local if one.launch.target.kind in UNSEEN and not any(f.code == "LAUNCH107" for f in one.launch.faults)
    ]


def worth_a_word(found: list[Judged], state: State) -> list[Judged]:
    """Under an open task each; else only what trains for certain, by its launcher: the rest is not our business."""
    ours = state.task is not None and state.task.open
    return [one for one in found if ours or one.launch.distributed]


def held(found: list[Judged], state: State) -> list[Hold]:
    """A command of which nothing is known, where a paid job may be among what the task allows."""
    if state.task is None or not state.task.open or state.task.cap_usd <= 0:
        return []
    way_on = "write the command out, so that what it costs can be told"
    return [
        Hold("UNSEEN", f"what this starts could not be looked at, and it may be a paid job: {one.launch.target.reason}", way_on)
        for one in found
        if one.launch.launcher == HIDDEN
    ]


def advice(found: list[Judged]) -> str:
    """One line for the model; "" for none."""
    if not found:
        return ""
    why = found[0].launch.target.reason or "its script was not read"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    way_on = "if it trains, name a script of this folder on the line to have it checked"
    return f"ml-intern could not look at what this starts ({why}{more}): {way_on}."
