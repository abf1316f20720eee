"""Trackio writes to the job's own disk.

Without `trackio_space_id` Trackio is local: its database is in the container and is deleted with it.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

MODES = ("jobs",)

#: With any of these variables, which trackio.init reads itself, the metrics are not kept on the job's disk.
_ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID")
EXPECTED = Expectation(
    "trackio_space_id",
    good=bool,
    default=None,
    wrong="on Jobs the metrics die with the container",
    fix='write trackio_space_id="user/name" (public unless hub_private_repo=True), or set TRACKIO_SPACE_ID in [tool.hf-jobs] env',
)


def check(context: ScriptContext) -> Outcomes:
    values = [context.value(run, "report_to").value for run in context.runs]
    if not any("trackio" in (value if isinstance(value, (list, tuple)) else [value]) for value in values):
        return
    elsewhere = _by_environment(context)
    if context.smoke is not None:
        yield passed(f"smoke run of {context.smoke[0]} steps: no Space needed", context.smoke[1])
    elif elsewhere is not None:
        yield elsewhere
    else:
        yield from outcomes_for(context, EXPECTED)


def _by_environment(context: ScriptContext) -> Outcome | None:
    for name in _ELSEWHERE:
        if name in ((context.header.jobs or {}).get("env") or {}):
            if context.launch is not None and name in context.launch.environ:
                return passed(f"{name} in --env")
            return passed(f"{name} in [tool.hf-jobs] env", context.header.line_with(name))
        for node in ast.walk(context.source.tree):
            key = node.slice if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) else None
            if isinstance(key, ast.Constant) and key.value == name:
                return passed(f"{name} set in os.environ", key.lineno)
    return None
