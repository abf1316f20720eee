"""Lists the known trainers and configs, their methods, and their first positional arguments; reads the fields of dataclasses."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.indexes.libraries import shipped_versions

#: The releases that every table in this package was tested against: those of the shipped indexes.
RELEASES = shipped_versions()

#: Prefix of the class names (`<key>Trainer`, `<key>Config`) -> the usual name of the method.
METHODS = {
    "SFT": "SFT", "DPO": "DPO", "GRPO": "GRPO", "KTO": "KTO", "Reward": "reward model", "RLOO": "RLOO",
    "Distillation": "distillation", "ORPO": "ORPO", "CPO": "CPO", "OnlineDPO": "online DPO", "GKD": "GKD", "PPO": "PPO",
    "BCO": "BCO", "PRM": "PRM", "NashMD": "Nash-MD", "XPO": "XPO", "IterativeSFT": "iterative SFT",
}  # fmt: skip
_OTHER_TRAINERS = {
    ("transformers", "Trainer"): "transformers Trainer",
    ("transformers", "Seq2SeqTrainer"): "transformers Seq2SeqTrainer",
    ("sentence_transformers", "SentenceTransformerTrainer"): "sentence embeddings",
    ("sentence_transformers", "CrossEncoderTrainer"): "cross encoder",
    ("sentence_transformers", "SparseEncoderTrainer"): "sparse encoder",
    ("setfit", "Trainer"): "SetFit",
    ("unsloth", "UnslothTrainer"): "SFT",
}
_ARGUMENTS = {
    ("transformers", "TrainingArguments"),
    ("transformers", "Seq2SeqTrainingArguments"),
    ("sentence_transformers", "SentenceTransformerTrainingArguments"),
    ("sentence_transformers", "CrossEncoderTrainingArguments"),
    ("sentence_transformers", "SparseEncoderTrainingArguments"),
    ("setfit", "TrainingArguments"),
    ("unsloth", "UnslothTrainingArguments"),
}
#: Libraries whose configs derive from transformers' TrainingArguments, so its tables and defaults apply.
TRANSFORMERS_STYLE = frozenset({"trl", "transformers", "sentence_transformers", "unsloth"})
#: Lightning's trainers start with `.fit()` and have configurations of their own.
LIGHTNING = frozenset({"lightning", "pytorch_lightning"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: TRL's dataclasses that scripts parse beside a config -> their fields (tests compare them with the library).
PARSED_BESIDE = {
    "ScriptArguments": _words(
        "dataset_name dataset_config dataset_train_split dataset_test_split dataset_streaming ignore_bias_buffers"
    ),
    "DatasetMixtureConfig": _words("datasets streaming test_split_size"),
    "ModelConfig": _words(
        "model_name_or_path model_revision dtype attn_implementation use_peft lora_r lora_alpha lora_dropout "
        "lora_target_modules lora_target_parameters lora_modules_to_save lora_task_type use_rslora use_dora "
        "load_in_8bit load_in_4bit bnb_4bit_quant_type use_bnb_nested_quant bnb_4bit_quant_storage"
    ),
}

_BEFORE_ARGS = {"ref_model": ("DPO", "KTO"), "reward_funcs": ("GRPO", "RLOO"), "teacher_model": ("Distillation", "GKD")}


class Role(NamedTuple):
    """The role of a class: `kind` is `trainer` or `config`; `method` is set for trainers only."""

    kind: str
    library: str
    name: str
    method: str = ""


def role_of(dotted: str) -> Role | None:
    """The role of a class by its dotted name, through any submodule (`trl.trainer.sft_trainer.SFTTrainer`)."""
    library, _, rest = dotted.partition(".")
    name = rest.rpartition(".")[2]
    if (library, name) in _OTHER_TRAINERS:
        return Role("trainer", library, name, _OTHER_TRAINERS[library, name])
    if (library, name) in _ARGUMENTS:
        return Role("config", library, name)
    if library == "trl" and name.endswith("Trainer") and name != "Trainer":
        stem = name.removesuffix("Trainer")
        return Role("trainer", "trl", name, METHODS.get(stem, stem))
    if library == "trl" and name.endswith("Config") and name.removesuffix("Config") in METHODS:
        return Role("config", "trl", name)
    return None


def positional_names(name: str) -> tuple[str, ...]:
    """The names of a trainer's or config's first positional arguments, up to the last that rules read."""
    if not name.endswith("Trainer"):
        return ("output_dir",)
    stem = name.removesuffix("Trainer")
    if stem == "OnlineDPO":
        return ("model", "ref_model", "reward_funcs", "args")
    return ("model", *(argument for argument, stems in _BEFORE_ARGS.items() if stem in stems), "args")


class Field(NamedTuple):
    """One field; `default` is the expression of its default, None when it is required or a function makes it."""

    name: str
    default: ast.expr | None


def is_dataclass(script: Script, definition: ast.ClassDef) -> bool:
    """Whether the class is decorated with `@dataclass` or `@dataclass(…)`."""
    decorators = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in definition.decorator_list]
    named = [target.name for decorator in decorators if (target := dotted(script, decorator))]
    return any(name.endswith("dataclass") for name in named)


def fields_of(script: Script, definition: ast.ClassDef, depth: int = 0) -> dict[str, Field]:
    """The fields in order, those of local dataclass bases first; empty when it is not a dataclass."""
    if depth > 8 or not is_dataclass(script, definition):
        return {}
    fields: dict[str, Field] = {}
    for base in reversed(definition.bases):
        target = dotted(script, base)
        if target and isinstance(target.definition, ast.ClassDef):
            fields |= fields_of(script, target.definition, depth + 1)
    for item in definition.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            fields[item.target.id] = Field(item.target.id, _default(script, item.value) if item.value else None)
    return fields


def _default(script: Script, expr: ast.expr) -> ast.expr | None:
    """The default inside `field(default=…)`, `field(default_factory=…)` or transformers' `HfArg(…)`."""
    target = dotted(script, expr.func) if isinstance(expr, ast.Call) else None
    if not isinstance(expr, ast.Call) or target is None or target.name.rpartition(".")[2] not in ("field", "HfArg"):
        return expr
    words = {word.arg: word.value for word in expr.keywords}
    factory = words.get("default_factory")
    if "default" in words or factory is None:
        return words.get("default")
    if isinstance(factory, ast.Lambda):
        return factory.body
    factory_target = dotted(script, factory)
    if factory_target is None or factory_target.name not in ("list", "dict"):
        return None
    empty = ast.Dict([], []) if factory_target.name == "dict" else ast.List([], ast.Load())
    script.places[empty] = script.places[factory]
    return ast.copy_location(empty, factory)
