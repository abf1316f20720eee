"""Monitoring switched off, or sent elsewhere than the user agreed.

Turning Trackio off because its start failed leaves the user blind to a run they wanted to watch.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "tracking": {"tool": "trackio", "project": "demo", …}

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", report_to="none"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "tracking": {"tool": "trackio", "project": "demo", …}

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.analysis.values import Value
from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.scope import as_agreed, compared, judged

CODE = "SCOPE107"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    tool = facts.agreed("tracking", "tool")
    by_hand = bool(facts.calls.get("trackio.init"))
    if tool not in ("trackio", "none"):
        return
    for run in facts.runs:
        if run.tunable and not (by_hand and tool == "trackio"):
            yield _tool(facts, run, str(tool))
        if run.tunable and tool == "trackio" and not by_hand:
            yield from _where(facts, run)


def _tool(facts: Facts, run: Run, agreed: str) -> Outcome:
    value, setting = facts.value(run, "report_to", "none"), facts.setting(run, "report_to")
    at = setting.node if setting else run.config.call
    return compared("report_to", _simple(value, agreed), agreed, at, run.config.call)


def _simple(value: Value, agreed: str) -> Value:
    """`["trackio", "tensorboard"]` holds what was agreed; `[]`, None and "none" are one."""
    if not value.settled:
        return value
    if as_agreed("tracking.tool", agreed, value.value):
        return value._replace(value=agreed)
    names = value.value if isinstance(value.value, (list, tuple)) else [value.value]
    names = [name for name in names if name not in (None, "none")]
    return value._replace(value=", ".join(map(str, names)) or "none")


def _where(facts: Facts, run: Run) -> Iterator[Outcome]:
    project, space = facts.agreed("tracking", "project"), facts.agreed("tracking", "space_id")
    if isinstance(project, str):
        yield judged(facts, run, "project", project, "huggingface", "tracking.project")
    if isinstance(space, str) and facts.setting(run, "trackio_space_id") is not None:
        yield judged(facts, run, "trackio_space_id", space, None, "tracking.space_id")
