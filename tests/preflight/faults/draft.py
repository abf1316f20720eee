"""A clean training script in parts, made up at random, that a fault or a look-alike can be put into."""

from __future__ import annotations

import random
import textwrap
from dataclasses import dataclass, field

#: Ends the line that a finding must name.
HERE = "  # <- here"
METHODS = ("SFT", "DPO", "GRPO", "KTO", "Reward")
_COMMON = (
    "learning_rate=2e-5", "num_train_epochs=1", "max_steps=100", "per_device_train_batch_size=4", "logging_steps=10", "seed=7",
    "gradient_accumulation_steps=2", 'lr_scheduler_type="cosine"', "warmup_steps=0.1", 'report_to="none"', "save_steps=200",
    'eval_strategy="no"', "weight_decay=0.01", "push_to_hub=False", "disable_tqdm=True", "max_grad_norm=1.0", "bf16=False",
)  # fmt: skip
_OWN = {
    "SFT": ("max_length=512", "packing=False", 'dataset_text_field="text"', "assistant_only_loss=False"),
    "DPO": ("beta=0.1", "max_length=512", 'loss_type="sigmoid"'),
    "GRPO": ("num_generations=4", "max_completion_length=64", "beta=0.0", "temperature=0.9"),
    "KTO": ("beta=0.1", "max_length=512", "desirable_weight=1.0"),
    "Reward": ("max_length=512", "center_rewards_coefficient=0.01"),
}
_NOISE = (
    "import json\nimport os",
    "def count(rows):\n    return sum(len(row) for row in rows)",
    'def describe(model):\n    """Not a call: SFTConfig(max_seq_length=1)."""\n    return type(model).__name__',
    "STEPS = int(os.environ.get('STEPS', '100'))",
    "class Timer:\n    def __init__(self, name):\n        self.name = name\n\n    def stop(self):\n        return self.name",
    "try:\n    import wandb\nexcept ImportError:\n    wandb = None",
)


@dataclass
class Draft:
    """The parts; `text()` puts them together.

    Attributes:
        method: of METHODS.
        imports, top: lines before the run.
        config, trainer: arguments, one a line.
        config_call, trainer_call: what is called with them.
        before, after: statements around the trainer, in the function where there is one.
        in_main: the run stands in a function.
    """

    rng: random.Random
    method: str
    imports: list[str]
    config: list[str]
    trainer: list[str]
    config_call: str
    trainer_call: str
    top: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=lambda: ["trainer.train()"])
    in_main: bool = False

    def text(self) -> str:
        body = [*self.before, *_call("config", self.config_call, self.config), *_call("trainer", self.trainer_call, self.trainer)]
        body += self.after
        run = "\n".join(body)
        if self.in_main:
            run = f"def main():\n{textwrap.indent(run, '    ')}\n\n\nmain()"
        return "\n".join([*self.imports, *self.top, run, ""])


def _call(name: str, called: str, arguments: list[str]) -> list[str]:
    return [f"{name} = {called}(", *(f"    {argument}" for argument in arguments), ")"]


def draft(rng: random.Random, *methods: str) -> Draft:
    """A script without a fault; of one of `methods`, or of any."""
    method = rng.choice(methods or METHODS)
    settings = ['output_dir="out"', *rng.sample(_COMMON, rng.randint(2, 8)), *rng.sample(_OWN[method], rng.randint(0, 2))]
    reward = ["reward_funcs=lambda completions, **kwargs: [0.0] * len(completions),"] if method == "GRPO" else []
    made = Draft(
        rng,
        method,
        ["from datasets import load_dataset", f"from trl import {method}Config, {method}Trainer"],
        [f"{setting}," for setting in settings],
        ['model="Qwen/Qwen3-0.6B",', *reward, "args=config,", "train_dataset=rows,"],
        f"{method}Config",
        f"{method}Trainer",
        before=['rows = load_dataset("trl-lib/Capybara", split="train")'],
        in_main=rng.random() < 0.5,
    )
    made.top += ["import os", *rng.sample(_NOISE, rng.randint(0, 4))]
    return made


def put(rng: random.Random, lines: list[str], line: str) -> None:
    """Insert `line` anywhere."""
    lines.insert(rng.randint(0, len(lines)), line)
