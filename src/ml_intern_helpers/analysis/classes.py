"""Tables of known classes: which are trainers, which hold a trainer's settings, and what their first arguments are."""

from __future__ import annotations

from typing import NamedTuple

from ml_intern_helpers.indexes.libraries import shipped_versions

#: The releases that every table in this package was executed against: those the shipped indexes are of.
RELEASES = shipped_versions()

#: Trainers by method as people name it: the class is `<key>Trainer`, its settings are `<key>Config`.
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
#: Their settings are TrainingArguments of transformers, so its tables and defaults hold for them.
TRANSFORMERS_STYLE = frozenset({"trl", "transformers", "sentence_transformers", "unsloth"})
#: Trainers of Lightning start with `.fit()` and are configured their own way.
LIGHTNING = frozenset({"lightning", "pytorch_lightning"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: TRL's dataclasses that scripts parse beside a config -> the names they take (held to the library by the tests).
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

_BEFORE_ARGS = {
    "ref_model": ("DPO", "KTO"),
    "reward_funcs": ("GRPO", "RLOO"),
    "teacher_model": ("Distillation", "GKD"),
}


class Role(NamedTuple):
    """What a class is for: `kind` is `trainer` or `config`; `method` is set for trainers."""

    kind: str
    library: str
    name: str
    method: str = ""


def role_of(dotted: str) -> Role | None:
    """The role of a class by its dotted name, from whatever submodule it was taken (`trl.trainer.sft_trainer.SFTTrainer`)."""
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
    """The first positional arguments of a trainer or config, as far as rules read them."""
    if not name.endswith("Trainer"):
        return ("output_dir",)
    stem = name.removesuffix("Trainer")
    if stem == "OnlineDPO":
        return ("model", "ref_model", "reward_funcs", "args")
    return ("model", *(argument for argument, stems in _BEFORE_ARGS.items() if stem in stems), "args")
