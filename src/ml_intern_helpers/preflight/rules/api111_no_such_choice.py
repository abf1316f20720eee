"""A setting has a value outside its choices: `eval_strategy="step"`, `lr_scheduler_type="cosin"`.

The config turns the value into an enumeration when it is built: `ValueError: step is not a valid IntervalStrategy`. None and
False are not among the choices either.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", lr_scheduler_type="cosin")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", lr_scheduler_type="cosine")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import Constant, constants, shown

_INTERVALS = ("no", "steps", "epoch")
#: Setting -> its choices, in the library's order (the tests compare them).
CHOICES: dict[str, tuple[str, ...]] = {
    "eval_strategy": _INTERVALS,
    "logging_strategy": _INTERVALS,
    "save_strategy": (*_INTERVALS, "best"),
    "hub_strategy": ("end", "every_save", "checkpoint", "all_checkpoints"),
    "lr_scheduler_type": (
        "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt",
        "reduce_lr_on_plateau", "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay", "greedy",
    ),
    "optim": (
        "adamw_torch", "adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused", "adafactor", "adamw_anyprecision",
        "adamw_torch_4bit", "adamw_torch_8bit", "ademamix", "sgd", "adagrad", "adamw_bnb_8bit", "adamw_8bit", "ademamix_8bit",
        "lion_8bit", "lion_32bit", "paged_adamw_32bit", "paged_adamw_8bit", "paged_ademamix_32bit", "paged_ademamix_8bit",
        "paged_lion_32bit", "paged_lion_8bit", "rmsprop", "rmsprop_bnb", "rmsprop_bnb_8bit", "rmsprop_bnb_32bit",
        "galore_adamw", "galore_adamw_8bit", "galore_adafactor", "galore_adamw_layerwise", "galore_adamw_8bit_layerwise",
        "galore_adafactor_layerwise", "lomo", "adalomo", "grokadamw", "schedule_free_radam", "schedule_free_adamw",
        "schedule_free_sgd", "apollo_adamw", "apollo_adamw_layerwise", "stable_adamw",
    ),
}  # fmt: skip
#: The most choices that a fix lists.
_MOST_LISTED = 12


def check(context: ScriptContext) -> Outcomes:
    for config in context.configs:
        for constant in constants(context, config, CHOICES):
            if isinstance(constant.value, (str, bool, type(None))) and constant.value not in CHOICES[constant.name]:
                given = f"{constant.name}={shown(constant.value)}"
                message = f"{given} is not a valid choice: ValueError when {config.role.name} is built"
                yield failed(message, _fix(constant), constant.node, whole=config.call)


def _fix(constant: Constant) -> str:
    import difflib  # only a failure needs it

    choices = CHOICES[constant.name]
    if not constant.value and "no" in choices:
        return f'write {constant.name}="no"'
    text = str(constant.value).lower()
    alike = difflib.get_close_matches(text, choices, n=2) or [choice for choice in choices if text.startswith(choice)]
    if alike:
        return f"did you mean {' or '.join(shown(name) for name in alike)}?"
    if len(choices) > _MOST_LISTED:
        return "delete it to use the default, or write one of the library's choices"
    return f"choose {', '.join(choices)}"
