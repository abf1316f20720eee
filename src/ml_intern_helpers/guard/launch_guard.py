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
from ml_intern_helpers.guard.decisions import PASS, Decision

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch.judge import Judged
    from ml_intern_helpers.report import Finding

#: Below the client's own limit for this hook (hooks.json), after which it would let the call pass.
MOST_SECONDS = 8.0
_MOST_FINDINGS = 8
#: Not wrong, but not the model's to decide: terms that differ from what was agreed, and what starts again and again.
_FOR_THE_USER = ("SCOPE", "LAUNCH114")


class TooSlow(BaseException):
    """Not an Exception: no handler on the way may take it for something else."""


def guarded(event: dict[str, object], command: str, cwd: str) -> Decision:
    """The decision on a Bash command, logged when it launches something."""
    mode = control.mode()
    if mode == "off" or everyday.launches_nothing(command):
        return PASS
    start = time.monotonic()
    found, looked = _looked_at(command, cwd, event)
    if not looked:
        return PASS
    decision = _softened(found) if mode == "warn" else found
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
        return _unread(command, err)


def _judged(command: str, cwd: Path, event: dict[str, object]) -> tuple[Decision, bool]:
    from ml_intern_helpers.preflight.launch.find import launches_of

    launches = [launch for launch in launches_of(command, cwd) if not launch.dry]
    if not launches:
        return PASS, False
    from ml_intern_helpers.preflight.launch.judge import examined

    found = [one for one in examined(launches) if one.launch.mode == "jobs" or one.trains]
    return (_decided(found, cwd, event), True) if found else (PASS, False)


def _decided(found: list[Judged], cwd: Path, event: dict[str, object]) -> Decision:
    errors = [finding for one in found for finding in one.found.findings if finding.severity == "error"]
    wrong = [finding for finding in errors if not finding.code.startswith(_FOR_THE_USER)]
    if wrong:
        return Decision("deny", _refusal(wrong), codes=_codes(wrong))
    from ml_intern_helpers.guard import holds, on_file

    state = holds.state_of(cwd)
    held = [*holds.other_terms(errors), *holds.holds(found, state)] or on_file.reserve(found, state, event)
    if held:
        return Decision("ask", holds.question(held), codes=tuple(dict.fromkeys(hold.code for hold in held)))
    return Decision("pass", context=_notes(found))


def _codes(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.code for finding in findings))


def _refusal(wrong: list[Finding]) -> str:
    """What the model reads in place of the command's output: what is wrong, and how it goes on."""
    from ml_intern_helpers.preflight.shortened import without_repeats
    from ml_intern_helpers.report import render_finding

    shown = without_repeats(wrong)[:_MOST_FINDINGS]
    more = len(wrong) - len(shown)
    lines = [f"ml-intern held this launch before it cost anything: {len(wrong)} error{'s' if len(wrong) > 1 else ''}."]
    lines += [render_finding(finding) for finding in shown]
    lines += [f"and {more} more"] if more > 0 else []
    lines.append("Correct them and launch again. `preflight_check --launch '…'` shows the whole checklist before the next try.")
    return "\n".join(lines)


def _notes(found: list[Judged]) -> str:
    """Warnings of a launch that passes; the model should know them, the launch need not wait."""
    from ml_intern_helpers.report import render_finding

    warnings = [finding for one in found for finding in one.found.findings if finding.severity == "warning"]
    if not warnings:
        return ""
    return "\n".join(["ml-intern, pre-flight of this launch: no error.", *map(render_finding, warnings[:_MOST_FINDINGS])])


def _softened(decision: Decision) -> Decision:
    """`ML_INTERN_GUARD=warn`: told, not held."""
    if decision.kind not in ("deny", "ask"):
        return decision
    return Decision("pass", context=f"ML_INTERN_GUARD=warn let this pass. {decision.reason}", codes=decision.codes)


def _unread(command: str, err: BaseException) -> tuple[Decision, bool]:
    """A line that the shell itself refuses launches nothing; of any other that cannot be read a person decides."""
    from ml_intern_helpers.errors import BadData
    from ml_intern_helpers.text import clean

    if isinstance(err, BadData) and "quote" in err.message:
        return PASS, False
    told = "it took too long" if isinstance(err, TooSlow) else clean(str(err) or type(err).__name__, limit=200)
    reason = (
        f"ml-intern could not check what this starts ({told}). Write the launch as one plain command, or let the user run it."
    )
    return Decision("ask", reason, codes=("UNREAD",)), True


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
    from ml_intern_helpers.guard import decision_log
    from ml_intern_helpers.runs import places

    folder = places.home(Path(cwd))
    if decision.reason or decision.context or folder.is_dir():  # a run that nothing is said about makes no folder in a project
        decision_log.write(folder, event, command, decision, took_ms)
