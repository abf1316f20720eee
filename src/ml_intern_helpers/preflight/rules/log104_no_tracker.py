"""No tracker is configured.

`report_to` is "none" unless it is set (since transformers 5), so that the metrics exist only as lines of a log. Any tracker
passes, because the choice is the user's (but see LOG107). No tracker passes where the agreed task says "none".

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

_TRACKERS = ("trackio", "wandb", "mlflow", "comet_ml", "neptune", "swanlab", "aim", "clearml")
_CALLBACKS = ("TrackioCallback", "WandbCallback", "MLflowCallback")
EXPECTED = Expectation(
    "report_to",
    good=lambda value: bool(value) and value not in ("none", ["none"], [None]),
    default="none",
    wrong="nothing tracks the run",
    fix='write report_to="trackio", project=…, run_name=… and, for Jobs, trackio_space_id="user/name"',
)


def check(context: ScriptContext) -> Outcomes:
    by_hand = _wired_by_hand(context)
    if by_hand is not None:
        yield by_hand
    elif context.agreed("tracking", "tool") == "none":
        yield passed("no tracker, as agreed", context.training.line)
    elif context.runs:
        yield from outcomes_for(context, EXPECTED)
    else:
        fix = "call trackio.init(project=…) before the loop and trackio.log in it"
        yield failed("nothing tracks the run", fix, context.training.line)


def _wired_by_hand(context: ScriptContext) -> Outcome | None:
    """`trackio.init(…)`, `Accelerator(log_with="trackio")` or a tracker's callback."""
    for name, call in context.calls_ending("init", "Run", "init_trackers", "SummaryWriter", *_CALLBACKS):
        if name.split(".")[0] in _TRACKERS or not name.endswith((".init", ".Run")):
            return passed(f"{name}(…)", call.lineno)
    for _, call in context.calls_ending("Accelerator"):
        setting = context.keywords(call).items.get("log_with")
        if setting is not None and isinstance(setting.node, ast.expr):
            return passed(f"Accelerator(log_with={context.source.segment(setting.node)})", call.lineno)
    return None
