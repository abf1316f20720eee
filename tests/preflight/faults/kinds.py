"""Ways in which a script fails on the current releases. Every name drawn here is refused by the real libraries: see
`test_faults.py`, which asks them.
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.faults.draft import HERE, Draft, put

#: Arguments that no config of TRL takes today: once there, or never.
CONFIG = {
    "evaluation_strategy": '"no"', "no_cuda": "True", "overwrite_output_dir": "True", "logging_dir": '"logs"', "max_seq_len": "512",
    "save_safetensors": "True", "per_gpu_train_batch_size": "4", "group_by_length": "True", "learning_rat": "1e-5",
    "num_epochs": "3", "batch_size": "8", "max_seq_length": "512", "max_prompt_length": "256", "push_to_hub_model_id": '"me/x"',
    "warmup_ratio": "0.1", "torch_dtype": '"bfloat16"', "include_tokens_per_second": "True", "attn_implementation": '"sdpa"',
}  # fmt: skip
#: Arguments that no trainer of TRL takes.
TRAINER = {
    "tokenizer": "None", "max_seq_length": "512", "max_prompt_length": "64", "dataset_text_field": '"text"', "packing": "False",
    "config": "config", "dataset": "rows", "training_args": "config", "eval_datasets": "None", "callback": "None",
}  # fmt: skip
#: (module, name) that an import fails on.
NAMES = (
    ("trl", "PPOTrainer"), ("trl", "PPOConfig"), ("trl", "DataCollatorForCompletionOnlyLM"), ("trl", "setup_chat_format"),
    ("trl", "ORPOTrainer"), ("trl", "AutoModelForCausalLMWithValueHead"), ("trl", "SFTTrainr"), ("trl", "ConstantLengthDataset"),
    ("transformers", "AdamW"), ("transformers", "AutoModelWithLMHead"), ("transformers", "TextDataset"),
    ("transformers", "TFAutoModel"), ("transformers", "AutoModelForCasualLM"), ("datasets", "load_metric"),
    ("datasets", "load_datasets"), ("peft", "prepare_model_for_int8_training"), ("peft", "LoRAConfig"),
    ("huggingface_hub", "HfFolder"), ("huggingface_hub", "Repository"), ("accelerate", "Acelerator"), ("trackio", "initialize"),
)  # fmt: skip
MODULES = ("trl.core", "trl.extras.dataset_formatting", "trl.trainer.ppo_config", "transformers.deepspeed", "trl.environment",
           "transformers.optimizers", "peft.lora", "datasets.metric")  # fmt: skip
MODEL = {"load_in_4bit": "True", "load_in_8bit": "True", "use_flash_attention_2": "True", "use_auth_token": "True"}
LORA = {"rank": "8", "alpha": "16", "dropout": "0.1", "target_module": '"all-linear"', "lora_rank": "8", "modules": '["q_proj"]'}
#: Call -> (arguments it takes, one it does not).
CALLS = {
    "transformers.EarlyStoppingCallback": ("", "patience=3"),
    "trackio.init": ('project="demo"', 'entity="me"'),
    "peft.get_peft_model": ("model, lora", "config=lora"),
    "peft.prepare_model_for_kbit_training": ("model", "gradient_checkpointing=True"),
    "transformers.set_seed": ("7", "deterministically=True"),
    "transformers.DataCollatorForLanguageModeling": ("tok", "mlm_prob=0.1"),
    "accelerate.Accelerator": ("", "fp16=True"),
    "trl.clone_chat_template": ("model, tok, 'Qwen/Qwen3-0.6B'", "resize=True"),
    "huggingface_hub.snapshot_download": ("'me/x'", "use_auth_token=True"),
    "huggingface_hub.upload_folder": ("repo_id='me/x', folder_path='out'", "repository='me/x'"),
}
#: Settings of every config -> values that are none of their choices.
NO_CHOICES = {
    "eval_strategy": ("step", "epochs", "No", None), "logging_strategy": ("step", "batch"), "save_strategy": ("end", "Epoch"),
    "lr_scheduler_type": ("cosin", "cosine_annealing"), "optim": ("adamw_torch8bit", "adamw", "AdamW"),
    "hub_strategy": ("always", "every_step"),
}  # fmt: skip
Kind = Callable[[Draft], str]


def _fault(draft: Draft) -> tuple[str, str]:
    name = draft.rng.choice(sorted(CONFIG))
    return name, CONFIG[name]


def _keyword(draft: Draft) -> str:
    return "{}={},".format(*_fault(draft)) + HERE


def _entry(draft: Draft) -> str:
    return '"{}": {},'.format(*_fault(draft)) + HERE


def config_argument(draft: Draft) -> str:
    put(draft.rng, draft.config, _keyword(draft))
    return "API101"


def trainer_argument(draft: Draft) -> str:
    name = draft.rng.choice(sorted(TRAINER))
    put(draft.rng, draft.trainer, f"{name}={TRAINER[name]},{HERE}")
    return "API101"


def trainer_argument_in_config(draft: Draft) -> str:
    word = draft.rng.choice(["processing_class=None", "train_dataset=rows", "callbacks=[]", "peft_config=None"])
    put(draft.rng, draft.config, f"{word},{HERE}")
    return "API101"


def config_argument_in_trainer(draft: Draft) -> str:
    word = draft.rng.choice(["learning_rate=1e-5", 'output_dir="out"', "num_train_epochs=1", "max_steps=3"])
    put(draft.rng, draft.trainer, f"{word},{HERE}")
    return "API101"


def unpacked_literal(draft: Draft) -> str:
    draft.before += ["options = {", '    "save_total_limit": 2,', f"    {_entry(draft)}", "}"]
    draft.config.append("**options,")
    return "API101"


def unpacked_dict_call(draft: Draft) -> str:
    draft.before += ["options = dict(", "    save_total_limit=2,", f"    {_keyword(draft)}", ")"]
    draft.config.append("**options,")
    return "API101"


def unpacked_at_the_module(draft: Draft) -> str:
    draft.top += ["OPTIONS = {", f"    {_entry(draft)}", "}"]
    draft.config.append("**OPTIONS,")
    return "API101"


def merged_dicts(draft: Draft) -> str:
    merge = draft.rng.choice(["{**base, **more}", "base | more", "{**more, 'save_total_limit': 3}"])
    draft.before += ['base = {"save_total_limit": 2}', "more = {", f"    {_entry(draft)}", "}", f"options = {merge}"]
    draft.config.append("**options,")
    return "API101"


def key_set_later(draft: Draft) -> str:
    name, value = _fault(draft)
    draft.before += ["options = {}", f'options["{name}"] = {value}{HERE}']
    draft.config.append("**options,")
    return "API101"


def updated_dict(draft: Draft) -> str:
    name, value = _fault(draft)
    given = draft.rng.choice([f"{name}={value}", f'{{"{name}": {value}}}'])
    draft.before += ["options = {}", f"options.update({given}){HERE}"]
    draft.config.append("**options,")
    return "API101"


def dict_from_function(draft: Draft) -> str:
    draft.top += ["def options():", "    return dict(", f"        {_keyword(draft)}", "    )"]
    draft.config.append("**options(),")
    return "API101"


def aliased_import(draft: Draft) -> str:
    draft.imports.append(f"from trl import {draft.method}Config as Settings")
    draft.config_call = "Settings"
    return config_argument(draft)


def module_attribute(draft: Draft) -> str:
    alias = draft.rng.choice(["trl", "t", "rl"])
    draft.imports.append("import trl" if alias == "trl" else f"import trl as {alias}")
    draft.config_call = f"{alias}.{draft.method}Config"
    return config_argument(draft)


def submodule_class(draft: Draft) -> str:
    draft.imports.append(f"from trl.trainer.{draft.method.lower()}_config import {draft.method}Config as Settings")
    draft.config_call = "Settings"
    return config_argument(draft)


def bound_to_a_name(draft: Draft) -> str:
    draft.top.append(f"Settings = {draft.method}Config")
    draft.config_call = "Settings"
    return config_argument(draft)


def by_getattr(draft: Draft) -> str:
    draft.imports.append("import trl")
    draft.config_call = f'getattr(trl, "{draft.method}Config")'
    return config_argument(draft)


def in_a_partial(draft: Draft) -> str:
    draft.imports.append("import functools")
    draft.before += ["make = functools.partial(", f"    {draft.method}Config,", f"    {_keyword(draft)}", ")"]
    draft.config_call = "make"
    return "API101"


def through_a_partial(draft: Draft) -> str:
    draft.imports.append("from functools import partial")
    draft.before.append(f"make = partial({draft.method}Config, save_total_limit=2)")
    draft.config_call = "make"
    return config_argument(draft)


def nested_function(draft: Draft) -> str:
    draft.top += ["def outer():", "    def inner():", f"        return {draft.method}Config(", f"            {_keyword(draft)}",
                  "        )", "", "    return inner()"]  # fmt: skip
    return "API101"


def in_a_class(draft: Draft) -> str:
    draft.top += ["class Job:", "    def settings(self):", f"        self.config = {draft.method}Config(",
                  f"            {_keyword(draft)}", "        )"]  # fmt: skip
    return "API101"


def in_a_comprehension(draft: Draft) -> str:
    draft.top += ["SWEEP = [", f"    {draft.method}Config(learning_rate=rate, {'{}={}'.format(*_fault(draft))}){HERE}",
                  "    for rate in (1e-5, 2e-5)", "]"]  # fmt: skip
    return "API101"


def under_a_condition(draft: Draft) -> str:
    draft.before += ["if len(rows) > 10:", f"    other = {draft.method}Config({'{}={}'.format(*_fault(draft))}){HERE}"]
    return "API101"


def subclass_of_trainer(draft: Draft) -> str:
    draft.top += [f"class Mine({draft.method}Trainer):", "    def log(self, logs, start_time=None):", "        super().log(logs)"]
    draft.trainer_call = "Mine"
    return trainer_argument(draft)


def dataclass_of_config(draft: Draft) -> str:
    draft.imports.append("from dataclasses import dataclass")
    draft.top += ["@dataclass", f"class Settings({draft.method}Config):", '    note: str = ""']
    draft.config_call = "Settings"
    draft.config.append('note="x",')
    return config_argument(draft)


def passed_to_super(draft: Draft) -> str:
    name = draft.rng.choice(sorted(TRAINER))
    draft.top += [f"class Mine({draft.method}Trainer):", "    def __init__(self, *args, **kwargs):",
                  f"        super().__init__(*args, {name}=None, **kwargs){HERE}"]  # fmt: skip
    draft.trainer_call = "Mine"
    return "API101"


def import_of_a_name(draft: Draft) -> str:
    module, name = draft.rng.choice(NAMES)
    alias = draft.rng.choice(["", " as thing"])
    put(draft.rng, draft.imports, f"from {module} import {name}{alias}{HERE}")
    return "API102"


def import_in_a_function(draft: Draft) -> str:
    module, name = draft.rng.choice(NAMES)
    draft.top += ["def later():", f"    from {module} import {name}{HERE}", f"    return {name}"]
    return "API102"


def import_of_a_module(draft: Draft) -> str:
    module = draft.rng.choice(MODULES)
    line = draft.rng.choice([f"import {module}", f"import {module} as thing", f"from {module} import thing"])
    put(draft.rng, draft.imports, line + HERE)
    return "API102"


def attribute_access(draft: Draft) -> str:
    module, name = draft.rng.choice(NAMES)
    alias = draft.rng.choice([module, "lib"])
    draft.imports.append(f"import {module}" if alias == module else f"import {module} as lib")
    use = draft.rng.choice([f"print({alias}.{name})", f"thing = {alias}.{name}", f"{alias}.{name}()"])
    draft.after.append(use + HERE)
    return "API102"


def after_a_star(draft: Draft) -> str:
    draft.imports[1] = "from trl import *"
    return config_argument(draft)


def model_argument(draft: Draft) -> str:
    name = draft.rng.choice(sorted(MODEL))
    auto = draft.rng.choice(["AutoModelForCausalLM", "AutoModel", "AutoModelForSequenceClassification"])
    draft.imports.append(f"from transformers import {auto}")
    draft.before += [f'model = {auto}.from_pretrained("Qwen/Qwen3-0.6B", {name}={MODEL[name]}){HERE}']
    return "API104"


def model_argument_in_a_dict(draft: Draft) -> str:
    name = draft.rng.choice(sorted(MODEL))
    draft.imports.append("import transformers")
    draft.before += ["loading = {", '    "dtype": "auto",', f'    "{name}": {MODEL[name]},{HERE}', "}",
                     'model = transformers.AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", **loading)']  # fmt: skip
    return "API104"


def adapter_argument(draft: Draft) -> str:
    name = draft.rng.choice(sorted(LORA))
    draft.imports.append("from peft import LoraConfig")
    draft.before += ["lora = LoraConfig(", "    r=8,", f"    {name}={LORA[name]},{HERE}", ")"]
    draft.trainer.append("peft_config=lora,")
    return "API101"


def other_callable(draft: Draft) -> str:
    called = draft.rng.choice(sorted(CALLS))
    right, wrong = CALLS[called]
    module, _, name = called.rpartition(".")
    draft.imports.append(f"from {module} import {name}")
    draft.after.insert(0, f"{name}({', '.join(part for part in (right, wrong) if part)}){HERE}")
    return "API101"


def transformers_arguments(draft: Draft) -> str:
    draft.imports.append("from transformers import Trainer, TrainingArguments")
    draft.config_call, draft.trainer_call = "TrainingArguments", "Trainer"
    draft.trainer = ["model=None,", "args=config,", "train_dataset=rows,"]
    draft.config = ['output_dir="out",']
    return config_argument(draft)


def too_many_positions(draft: Draft) -> str:
    count = 24
    draft.trainer = [", ".join(["None"] * count) + "," + HERE]
    return "API105"


def twice_by_position(draft: Draft) -> str:
    draft.trainer = ['"Qwen/Qwen3-0.6B",', *draft.trainer[1:], f'model="Qwen/Qwen3-0.6B",{HERE}']
    return "API105"


def twice_by_dict(draft: Draft) -> str:
    draft.before += ["options = {", f'    "output_dir": "other",{HERE}', "}"]
    draft.config.append("**options,")
    return "API105"


def required_missing(draft: Draft) -> str:
    draft.imports.append("from huggingface_hub import upload_folder")
    draft.after.append(f'upload_folder(repo_id="me/x"){HERE}')
    return "API105"


def train_argument(draft: Draft) -> str:
    word = draft.rng.choice(["resume=True", "checkpoint=None", 'resume_from="out"', "epochs=3"])
    draft.after = [f"trainer.train({word}){HERE}"]
    return "API101"


def dataset_method_argument(draft: Draft) -> str:
    call = draft.rng.choice(
        ["map(len, batch=True)", "shuffle(random_state=7)", "select(rows=range(3))", "filter(len, num_workers=2)"]
    )
    draft.before.append(f"rows = rows.{call}{HERE}")
    return "API101"


def loader_argument(draft: Draft) -> str:
    word = draft.rng.choice(["use_auth_token=True", 'task="qa"', "ignore_verifications=True"])
    draft.before.append(f'more = load_dataset("me/rows", {word}){HERE}')
    return "API101"


def _without(draft: Draft, *names: str) -> None:
    draft.config = [line for line in draft.config if not line.startswith(tuple(f"{name}=" for name in names))]


def none_of_its_choices(draft: Draft) -> str:
    name = draft.rng.choice(sorted(NO_CHOICES))
    _without(draft, name)
    put(draft.rng, draft.config, f"{name}={draft.rng.choice(NO_CHOICES[name])!r},{HERE}")
    return "API111"


def number_as_text(draft: Draft) -> str:
    name, value = draft.rng.choice([("learning_rate", "2e-5"), ("max_steps", "100"), ("seed", "7"), ("warmup_steps", "0.1")])
    _without(draft, name)
    put(draft.rng, draft.config, f'{name}="{value}",{HERE}')
    return "API112"


def stream_without_end(draft: Draft) -> str:
    _without(draft, "max_steps")
    change = draft.rng.choice(["", ".shuffle(seed=7)", ".take(500)", ".filter(len)"])
    draft.before.append(f'rows = load_dataset("trl-lib/Capybara", split="train", streaming=True){change}')
    draft.trainer[-1] = f"train_dataset=rows,{HERE}"
    return "DATA112"


def early_stopping_of_nothing(draft: Draft) -> str:
    _without(draft, "eval_strategy")
    draft.imports.append("from transformers import EarlyStoppingCallback")
    evaluated = draft.rng.random() < 0.5
    draft.config += ['eval_strategy="steps",'] if evaluated else []
    draft.trainer += ["eval_dataset=rows,"] if evaluated else []
    draft.trainer.append(f"callbacks=[EarlyStoppingCallback(early_stopping_patience=3)],{HERE}")
    return "SAVE110"


KINDS: dict[str, Kind] = {
    name: value
    for name, value in dict(globals()).items()
    if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == __name__
}
