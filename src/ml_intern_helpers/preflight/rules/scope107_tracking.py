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

from ml_intern_helpers.analysis.values import Value
from ml_intern_helpers.preflight.agreement import as_agreed, compare_setting, compare_value
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    tool = context.agreed("tracking", "tool")
    by_hand = bool(context.calls.get("trackio.init"))
    if tool not in ("trackio", "none"):
        return
    for run in context.runs:
        if run.tunable and not (by_hand and tool == "trackio"):
            yield _tool(context, run, str(tool))
        if run.tunable and tool == "trackio" and not by_hand:
            yield from _where(context, run)


def _tool(context: ScriptContext, run: Run, agreed: str) -> Outcome:
    value, setting = context.value(run, "report_to", "none"), context.setting(run, "report_to")
    at = setting.node if setting else run.config.call
    return compare_value("report_to", _simple(value, agreed), agreed, at, run.config.call)


def _simple(value: Value, agreed: str) -> Value:
    """`["trackio", "tensorboard"]` holds what was agreed; `[]`, None and "none" are one."""
    if not value.settled:
        return value
    if as_agreed("tracking.tool", agreed, value.value):
        return value._replace(value=agreed)
    names = value.value if isinstance(value.value, (list, tuple)) else [value.value]
    names = [name for name in names if name not in (None, "none")]
    return value._replace(value=", ".join(map(str, names)) or "none")


def _where(context: ScriptContext, run: Run) -> Outcomes:
    project, space = context.agreed("tracking", "project"), context.agreed("tracking", "space_id")
    if isinstance(project, str):
        yield compare_setting(context, run, "project", project, "huggingface", "tracking.project")
    if isinstance(space, str) and context.setting(run, "trackio_space_id") is not None:
        yield compare_setting(context, run, "trackio_space_id", space, None, "tracking.space_id")
