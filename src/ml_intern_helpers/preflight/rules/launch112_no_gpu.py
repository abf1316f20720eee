"""The job trains on a flavor without a GPU.

Without `--flavor` a job runs on cpu-basic, which has two cores. Training that takes an hour on a GPU does not finish there
before the timeout.

Bad:

    $ hf jobs uv run --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch, passed, unknown

MODES = ("jobs",)

_NO_FLAVOR = "no --flavor: the job runs on cpu-basic"
_FIX = "choose a GPU that holds the model: --flavor a10g-large (24 GB), a100-large (80 GB); `hf jobs hardware` lists them"


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None:
        return
    setting, flavor = context.launch.settings.get("flavor"), context.flavor
    if flavor is None:
        yield unknown(f"which flavor the job gets: {setting.how if setting else context.launch.hidden}")
        return
    gpus, card = context.hardware
    if gpus:
        yield passed(f"{context.header.setting_text('flavor')}: {gpus} x {card}")
    elif gpus == 0:
        by_default = "flavor" in context.header.from_launch and not (setting and setting.value)
        how = _NO_FLAVOR if by_default else f"{flavor} has no GPU"
        if context.smoke is not None:
            yield passed(f"{how}; a smoke run of {context.smoke[0]} steps")
        else:
            on_purpose = bool(context.runs) and all(context.value(run, "use_cpu", False).value is True for run in context.runs)
            severity: Severity | None = "warning" if on_purpose else None
            yield failed_launch(f"{how}, and the script trains", _FIX, context.launch.text, severity)
