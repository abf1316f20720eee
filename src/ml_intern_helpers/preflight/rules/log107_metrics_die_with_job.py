"""TensorBoard alone writes to the job's own disk.

Its event files are in `output_dir/runs`, and nobody can look into a container. On Jobs the curves can be read only once the
folder has been pushed; otherwise they are deleted with the job. `push_to_hub=True` uploads them.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="tensorboard")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.analysis.names import origins
from ml_intern_helpers.analysis.values import Value, default, known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, at_run_time, failed, passed
from ml_intern_helpers.preflight.settings import line_of

MODES = ("jobs",)

_WRONG = "tensorboard alone: its files stay on the job's disk and die with the container"
_FIX = 'write report_to="trackio", project=… and trackio_space_id="user/name", or push the folder (push_to_hub=True)'
_TRACKERS = frozenset({"trackio", "wandb", "mlflow", "comet_ml", "neptune", "swanlab", "aim", "clearml"})


def check(context: ScriptContext) -> Outcomes:
    started = ("init", "Run", "TrackioCallback", "WandbCallback", "MLflowCallback")
    another = any(name.split(".")[0] in _TRACKERS or name.endswith("Callback") for name, _ in context.calls_ending(*started))
    if context.smoke is not None or another:
        return
    for run in context.runs:
        if run.tunable and _is_alone(context.value(run, "report_to")):
            yield _outcome(context, run)
    for _, call in context.calls_ending("Accelerator") if not context.runs else ():
        setting = context.keywords(call).items.get("log_with")
        if setting is not None and _is_alone(setting.value) and _uploaded(context) == known(False):
            fix = 'write log_with="trackio" with a Space, or upload the folder (HfApi().upload_folder(…))'
            yield failed(_WRONG, fix, setting.node, whole=call)


def _is_alone(value: Value) -> bool:
    return value.state == "known" and value.value in ("tensorboard", ["tensorboard"], ("tensorboard",))


def _outcome(context: ScriptContext, run: Run) -> Outcome:
    setting = context.setting(run, "report_to")
    pushed = context.value(run, "push_to_hub", False)
    uploaded = pushed if pushed.value is True or not pushed.settled else _uploaded(context)
    if uploaded == known(True):
        return passed("tensorboard's files are pushed with output_dir", line_of(setting, run))
    if uploaded != known(False) or pushed.state == "default":
        return at_run_time("tensorboard's files outlive the job only where output_dir is pushed", line_of(setting, run))
    return failed(_WRONG, _FIX, setting.node if setting else run.config.call, whole=run.config.call)


def _uploaded(context: ScriptContext) -> Value:
    """Whether code or a mounted bucket may keep the folder; which folder is not checked."""
    pushes = []
    # `trainer.push_to_hub()` uploads the folder, `model.push_to_hub()` only the weights.
    for call in context.methods("push_to_hub"):
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        name = getattr(receiver, "attr", None) or getattr(receiver, "id", None) or ""
        objects = origins(context.script, receiver)
        if any(run.trainer.call in objects for run in context.runs) or (not objects and "trainer" in name.lower()):
            pushes.append(call)
    by_hand = pushes or context.methods("upload_folder", "upload_large_folder")
    volumes = (context.header.jobs or {}).get("volumes")
    return default(True, "an upload by hand") if by_hand or volumes else known(False)
