"""What each finding on a launch is good for: to send it back, to ask the user, or a word beside a launch that passes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.guard.before_launch.holds import Hold

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.guard.before_launch.holds import State
    from ml_intern_helpers.preflight.launch_check import Judged

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
        for finding in one.examination.findings:
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

    for hushed in one.examination.suppressed:
        is_error = all_rules()[hushed.code].severity == "error"
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
