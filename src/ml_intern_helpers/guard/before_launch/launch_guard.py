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
from typing import TYPE_CHECKING

from ml_intern_helpers.guard import control, everyday
from ml_intern_helpers.guard.decisions import PASS, Decision, softened
from ml_intern_helpers.guard.permissions import own_records

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.guard.before_launch.holds import State
    from ml_intern_helpers.preflight.launch_check import Judged

#: Below the client's own limit for this hook (hooks.json), after which it would let the call pass.
MOST_SECONDS = 8.0
_MOST_FINDINGS = 8


class TooSlow(BaseException):
    """Not an Exception: no handler on the way may take it for something else."""


def guarded(event: dict[str, object], command: str, cwd: str) -> Decision:
    """The decision on a Bash command, logged when it launches something."""
    mode = control.mode()
    if mode == "off":
        return PASS
    start = time.monotonic()
    found, looked = (PASS, False) if everyday.launches_nothing(command) else _looked_at(command, cwd, event)
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
    from ml_intern_helpers.guard.before_launch import holds, never_ran, not_looked_at
    from ml_intern_helpers.preflight.launch_check import examined

    judged = examined(launches)
    found = [one for one in judged if one.launch.mode == "jobs" or one.trains]
    hidden = not_looked_at.candidates(judged)
    if not found and not hidden:
        return PASS, False
    if found:
        never_ran.try_to_give_back(event)
    state = holds.state_of(_folders(event, cwd))
    hidden = not_looked_at.worth_a_word(hidden, state)
    return (_decided(found, hidden, state, event), True) if found or hidden else (PASS, False)


def _decided(found: list[Judged], hidden: list[Judged], state: State, event: dict[str, object]) -> Decision:
    from ml_intern_helpers.guard.before_launch import holds, not_looked_at, on_file, weighing

    weighed = weighing.weighed(found, state)
    if weighed.wrong:
        return Decision("deny", _refusal(weighed.wrong), codes=_codes(weighed.wrong))
    asked = [*weighed.asked, *holds.holds(found, state), *not_looked_at.held(hidden, state)]
    held = asked or on_file.reserve(found, state, event)
    if held:
        return Decision("ask", holds.question(held), codes=tuple(dict.fromkeys(hold.code for hold in held)))
    told = [_notes(weighed.told), not_looked_at.advice(hidden)]
    return Decision("pass", context="\n".join(filter(None, told)))


def _folders(event: dict[str, object], cwd: Path) -> list[Path]:
    """Where the project's `.ml-intern` is looked for: a `cd` in an earlier call must not lose the task."""
    from ml_intern_helpers.guard.near import places_of

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
    from ml_intern_helpers.preflight.render import without_repeats

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
    from ml_intern_helpers.guard.before_launch import decision_log
    from ml_intern_helpers.runs import project_files

    folder = project_files.home(*_folders(event, Path(cwd)))
    if decision.codes or folder.is_dir():  # a run that nothing is held against makes no folder in a project
        decision_log.write(folder, event, command, decision, took_ms)
