"""The job has a timeout below two hours, or the default of 30 minutes.

Without a timeout, Jobs stop a run after 30 minutes, whatever it has reached; a model that has not been pushed by then is
lost. Loading, tokenizing and the first evaluation alone often take longer. A smoke run (a step limit of at most 50 in the
script) is exempt.

Bad:

    # /// script
    # dependencies = ["trl"]
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "4h"
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()
"""

from ml_intern_helpers.indexes.jobs import LEAST_TRAINING_TIMEOUT_S, timeout_seconds
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, failed_launch, passed, unknown

MODES = ("jobs",)

_FIX = 'write timeout = "4h" under [tool.hf-jobs] in the script block (one that fits model and flavor, 2h or more)'


def check(context: ScriptContext) -> Outcomes:
    timeout = (context.header.jobs or {}).get("timeout")
    if timeout is None:
        yield _absent(context)
        return
    line, stated = context.header.line_with("timeout", "="), context.header.setting_text("timeout")
    seconds = timeout_seconds(str(timeout))
    if seconds is None:
        return  # LAUNCH102 reports it
    if seconds >= LEAST_TRAINING_TIMEOUT_S:
        yield passed(stated, line)
    elif context.smoke is not None:
        yield passed(f"{stated} for a smoke run of {context.smoke[0]} steps", line)
    else:
        message = f"{stated} is {seconds / 3600:.1f} h: training needs at least 2 h"
        yield failed(message, _FIX, line) if line else failed_launch(message, "write --timeout 4h, 2h or more", stated)


def _absent(context: ScriptContext) -> Outcome:
    """The outcome without a timeout, or with one that cannot be read."""
    launch, message = context.launch, "no timeout: Jobs stop the run after 30 minutes"
    setting = launch.settings.get("timeout") if launch else None
    hidden = setting.how if setting and setting.value is None else launch.hidden if launch and not setting else ""
    if hidden:
        return unknown(f"which timeout the job gets: {hidden}")
    if context.smoke is not None:
        return passed(f"smoke run of {context.smoke[0]} steps: 30 minutes are enough", context.smoke[1])
    if launch is not None:
        return failed_launch(message, "write --timeout 4h, 2h or more", launch.text)
    return failed(message, f"{_FIX}; or check the command line that passes it: preflight_check --launch '…'", context.header.line)
