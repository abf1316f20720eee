"""Tracking is switched off, or goes elsewhere than the user agreed.

Switching off Trackio because its start failed leaves the user unable to watch a run that they wanted to watch.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "tracking": {"tool": "trackio", "project": "demo", …}

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", report_to="none"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "tracking": {"tool": "trackio", "project": "demo", …}

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import Value
from ml_intern_helpers.preflight.agreement import as_agreed, compare_setting, compare_value
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    tool, project, space = (context.agreed("tracking", part) for part in ("tool", "project", "space_id"))
    by_hand = tool == "trackio" and context.calls.get("trackio.init")
    if tool not in ("trackio", "none") or by_hand:
        return
    for run in context.runs:
        if not run.tunable:
            continue
        setting, value = context.setting(run, "report_to"), context.value(run, "report_to", "none")
        at = setting.node if setting else run.config.call
        yield compare_value("report_to", _simplified(value, str(tool)), tool, at, run.config.call)
        if tool == "trackio" and isinstance(project, str):
            yield compare_setting(context, run, "project", project, "huggingface", "tracking.project")
        if tool == "trackio" and isinstance(space, str) and context.setting(run, "trackio_space_id") is not None:
            yield compare_setting(context, run, "trackio_space_id", space, None, "tracking.space_id")


def _simplified(value: Value, agreed: str) -> Value:
    """The value as one name: the agreed tool where a list contains it; "none" for `[]` and None."""
    if not value.settled:
        return value
    if as_agreed("tracking.tool", agreed, value.value):
        return value._replace(value=agreed)
    names = value.value if isinstance(value.value, (list, tuple)) else [value.value]
    names = [name for name in names if name not in (None, "none")]
    return value._replace(value=", ".join(map(str, names)) or "none")
