"""A setting needs a package that the job does not install.

`report_to="trackio"`, `peft_config=`, `load_in_4bit`, `use_vllm=True` and 8-bit optimizers are not imports of the script. Each
fails without its package, in most cases only when training starts.

Bad:

    # /// script
    # dependencies = ["trl"]
    # ///
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", optim="paged_adamw_8bit")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    # /// script
    # dependencies = ["trl", "trackio", "bitsandbytes"]
    # ///
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", project="demo", optim="paged_adamw_8bit")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.installed import Coverage, coverage_of, needed_by_imports, needed_by_settings
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    if context.launch is not None and context.launch.installs != "uv":
        yield unknown("what is installed in the image cannot be read here")
        return
    imported = {name for need in needed_by_imports(context) for name in need.distributions}
    for need in needed_by_settings(context):
        coverage = coverage_of(context, need)
        if imported & set(need.distributions):
            continue  # PKG101 reports it
        if coverage is Coverage.MISSING:
            message = f"{need.what} needs {' or '.join(need.distributions)}, which the job does not install"
            yield failed(message, f'add "{need.distributions[0]}" to dependencies', need.node)
        elif coverage is Coverage.DOUBTFUL:
            yield unknown(f"whether {need.distributions[0]}, needed by {need.what}, comes with a dependency", need.line)
