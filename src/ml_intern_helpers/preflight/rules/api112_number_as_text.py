"""A number is given as text: `learning_rate="2e-5"`.

Nothing converts it. TypeError or ValueError is raised when the config or the trainer is built, or when training begins. (A
`TrlParser` does convert the values of its file and of the command line.)

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", learning_rate="2e-5")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", learning_rate=2e-5)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import constants, run_as_indexed, shown

#: Settings that always fail as text, whatever the other settings are (the tests run the library).
NUMBERS = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "warmup_steps", "logging_steps", "save_steps", "eval_steps", "max_grad_norm", "seed",
)  # fmt: skip


def check(context: ScriptContext) -> Outcomes:
    seen = set()
    for run in context.runs if context.training.kind == "trainer" else ():
        # The trainer may get its own optimizer, which does not use the config's learning rate.
        arguments = run.trainer.entries
        by_position = len(run.trainer.call.args) > len(("model", "args", "train_dataset"))
        own_optimizer = not {"optimizers", "optimizer_cls_and_kwargs"}.isdisjoint(arguments.items)
        if run.config.call in seen or arguments.open or by_position or own_optimizer or not run_as_indexed(context, run):
            continue
        seen.add(run.config.call)
        for constant in constants(context, run.config, NUMBERS):
            if isinstance(constant.value, str):
                error = "ValueError" if constant.name == "per_device_train_batch_size" else "TypeError"
                try:
                    float(constant.value)
                    fix = f"write {constant.name}={constant.value.strip()}"
                except ValueError:
                    fix = "give a number"
                message = f"{constant.name}={shown(constant.value)} is text where a number is needed: {error}"
                yield failed(message, fix, constant.node, whole=run.config.call)
