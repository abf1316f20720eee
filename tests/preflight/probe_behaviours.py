"""What the real libraries do with the faults that rules name; runs in the training environment, on the CPU, offline."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")
ROOT = Path(__file__).resolve().parents[2]
CHAT = [{"role": "user", "content": "two and two?"}, {"role": "assistant", "content": "four"}]


def all_of_them() -> dict[str, str]:
    """Behaviour -> what happened: an error's class, or a word of ours."""
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "tiny")
        subprocess.run([sys.executable, ROOT / "examples/make_tiny_model.py", "--output", model], check=True, capture_output=True)
        return {name: outcome(probe, model, folder) for name, probe in PROBES.items()}


def outcome(probe: Callable[[str, str], Any], model: str, folder: str) -> str:
    try:
        return str(probe(model, folder))
    except Exception as err:
        return f"{type(err).__name__}: {str(err)[:160]}"


def rows(**columns: Any) -> Any:
    from datasets import Dataset

    return Dataset.from_list([columns] * 4)


def config(kind: str, folder: str, **changes: Any) -> Any:
    import trl

    return getattr(trl, f"{kind}Config")(output_dir=folder, **{"max_steps": 1, "use_cpu": True, "report_to": "none", **changes})


def sft(model: str, folder: str, data: Any, **changes: Any) -> Any:
    from trl import SFTTrainer

    return SFTTrainer(model, args=config("SFT", folder, **changes), train_dataset=data)


def masked_share(trainer: Any) -> str:
    """`all` when every token is trained on, `some` when a mask is at work."""
    labels = next(iter(trainer.get_train_dataloader()))["labels"]
    row = trainer.train_dataset[0]
    return "all" if (labels[0][: len(row["input_ids"])] != -100).all() else "some"


def dtype_of(model: str, folder: str, **kwargs: Any) -> str:
    trainer = sft(model, folder, rows(messages=CHAT), model_init_kwargs=kwargs)
    return str(next(trainer.model.parameters()).dtype)


def from_pretrained(**kwargs: Any) -> Callable[[str, str], Any]:
    def probe(model: str, folder: str) -> str:
        from transformers import AutoModelForCausalLM

        return type(AutoModelForCausalLM.from_pretrained(model, **kwargs)).__name__

    return probe


def grpo(model: str, folder: str, reward: Any) -> str:
    from trl import GRPOTrainer

    settings = {"per_device_train_batch_size": 2, "num_generations": 2, "max_completion_length": 4}
    trainer = GRPOTrainer(model, reward_funcs=reward, args=config("GRPO", folder, **settings), train_dataset=rows(prompt="hi"))
    trainer.train()
    return "trained"


def kto(model: str, folder: str, **changes: Any) -> str:
    from trl import KTOTrainer

    data = rows(prompt="hi", completion=" there", label=True)
    KTOTrainer(model, args=config("KTO", folder, per_device_train_batch_size=1, **changes), train_dataset=data)
    return "made"


def trainer_for(kind: str, model: str, folder: str, **columns: Any) -> str:
    import trl

    extra = {"reward_funcs": lambda completions, **kwargs: [0.0]} if kind == "GRPO" else {}
    getattr(trl, f"{kind}Trainer")(model, args=config(kind, folder), train_dataset=rows(**columns), **extra).train()
    return "trained"


def dataset_code(model: str, folder: str) -> str:
    from datasets import load_dataset

    data = load_dataset("json", data_files=str(ROOT / "examples/chat.jsonl"), split="train", trust_remote_code=True)
    return "loaded" if len(data) else "empty"


def loaded_with(**kwargs: Any) -> Callable[[str, str], Any]:
    def probe(model: str, folder: str) -> str:
        from datasets import load_dataset

        return type(load_dataset("json", data_files=str(ROOT / "examples/chat.jsonl"), split="train", **kwargs)).__name__

    return probe


def tracker_by_default(model: str, folder: str) -> Any:
    from trl import SFTConfig

    return SFTConfig(use_cpu=True).report_to


def resumed(model: str, folder: str, **changes: Any) -> str:
    """Steps of a run of one step that resumes where there is nothing."""
    trainer = sft(model, f"{folder}/new", rows(messages=CHAT), **changes)
    return f"{trainer.train(**({} if changes else {'resume_from_checkpoint': True})).global_step} step"


def attention(model: str, folder: str, name: str) -> str:
    from transformers import AutoModelForCausalLM

    return type(AutoModelForCausalLM.from_pretrained(model, attn_implementation=name)).__name__


def named_implementations() -> str:
    """The attention implementations that Transformers knows by name."""
    from transformers.modeling_utils import AttentionInterface

    return " ".join(sorted({name.removeprefix("paged|") for name in AttentionInterface._global_mapping} | {"eager"}))


def fields_of(name: str) -> Callable[[str, str], Any]:
    """The names that a dataclass of TRL's command line takes, joined."""

    def probe(model: str, folder: str) -> str:
        import dataclasses

        import trl.scripts.utils

        found = getattr(trl, name, None) or getattr(trl.scripts.utils, name)
        return " ".join(sorted(one.name for one in dataclasses.fields(found)))

    return probe


def plain_arguments(kind: str, **columns: Any) -> Callable[[str, str], Any]:
    """A trainer of TRL with the TrainingArguments of transformers."""

    def probe(model: str, folder: str) -> str:
        import trl
        from transformers import TrainingArguments

        args = TrainingArguments(output_dir=folder, use_cpu=True, max_steps=1)
        extra = {"reward_funcs": lambda completions, **kwargs: [0.0]} if kind in ("GRPO", "RLOO") else {}
        return type(getattr(trl, f"{kind}Trainer")(model, args=args, train_dataset=rows(**columns), **extra)).__name__

    return probe


def formatted(returned: Any) -> Callable[[str, str], Any]:
    """An SFTTrainer whose formatting_func gives `returned` for each row."""

    def probe(model: str, folder: str) -> str:
        from trl import SFTTrainer

        data = rows(question="a", answer="b")
        return type(
            SFTTrainer(model, args=config("SFT", folder), train_dataset=data, formatting_func=lambda row: returned)
        ).__name__

    return probe


def best_model(**changes: Any) -> Callable[[str, str], Any]:
    """A config that loads the best model, with steps for both strategies."""
    given = {"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps", **changes}
    return lambda model, folder: type(config("SFT", folder, **given)).__name__


def parsed(*words: str, **file: Any) -> Callable[[str, str], Any]:
    """What TrlParser makes of options and of a config file."""

    def probe(model: str, folder: str) -> str:
        from trl import ModelConfig, SFTConfig, TrlParser

        path = Path(folder) / "parsed.yaml"
        path.write_text(json.dumps({"output_dir": folder, "use_cpu": True, **file}), encoding="utf-8")
        made, _ = TrlParser((SFTConfig, ModelConfig)).parse_args_and_config([*words, "--config", str(path)])
        return " ".join(
            str(getattr(made, name)) for name in ("project", "disable_tqdm", "logging_first_step", "learning_rate", "max_length")
        )

    return probe


def plain_default(name: str) -> Callable[[str, str], Any]:
    def probe(model: str, folder: str) -> Any:
        from transformers import TrainingArguments

        return getattr(TrainingArguments(output_dir=folder, use_cpu=True), name)

    return probe


def pushed_with_the_folder(model: str, folder: str) -> str:
    """Where TensorBoard's callback writes, and whether a push of the output folder takes that along."""
    from fnmatch import fnmatch
    from types import SimpleNamespace
    from unittest import mock

    from transformers.integrations import TensorBoardCallback

    given: dict[str, Any] = {}
    trainer = sft(model, folder, rows(messages=CHAT))
    with mock.patch.object(TensorBoardCallback, "__init__", lambda self: self.__dict__.update(logging_dir=None, tb_writer=None)):
        callback = TensorBoardCallback()
    with mock.patch.object(TensorBoardCallback, "_init_summary_writer"):
        callback.on_train_begin(trainer.args, SimpleNamespace(is_world_process_zero=True, is_hyper_param_search=False), None)
    trainer.hub_model_id, trainer.push_in_progress = "me/demo", None
    with mock.patch("transformers.trainer.hf_api") as api:
        api.return_value.upload_folder = lambda **kwargs: given.update(kwargs) or mock.Mock()
        trainer._push_from_checkpoint(folder)
    inside = Path(callback.logging_dir).relative_to(given["folder_path"]) / "events"
    return "left out" if any(fnmatch(str(inside), pattern) for pattern in given["ignore_patterns"]) else "pushed"


def narrow(name: str, override: Callable[..., Any]) -> Callable[[str, str], Any]:
    """One step of a trainer whose method `name` takes what an older release gave it."""

    def probe(model: str, folder: str) -> str:
        from trl import SFTTrainer

        args = config("SFT", folder, logging_steps=1)
        type("Narrow", (SFTTrainer,), {name: override})(model, args=args, train_dataset=rows(messages=CHAT)).train()
        return "taken"

    return probe


def narrow_callback(model: str, folder: str) -> str:
    from transformers import TrainerCallback

    trainer = sft(model, folder, rows(messages=CHAT))
    trainer.add_callback(type("Narrow", (TrainerCallback,), {"on_step_end": lambda self, args, state, control: None}))
    trainer.train()
    return "taken"


def gone_but_there(model: str, folder: str) -> str:
    """Settings that releases took from a config and that are attributes of it all the same: API110's cases hold them (a property)."""
    import transformers

    sys.path.insert(0, str(ROOT / "src"))
    from ml_intern_helpers.indexes.removed import removals_of

    made: dict[str, Any] = {"transformers.TrainingArguments": transformers.TrainingArguments(output_dir=folder, use_cpu=True)}
    made |= {f"trl.{kind}Config": config(kind, folder) for kind in ("SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO")}
    gone = [one.name.rpartition(".") for package in ("transformers", "trl") for one in removals_of(package)]
    there = [f"{owner}.{name}" for owner, _, name in gone if owner in made and hasattr(made[owner], name)]
    return " ".join(there)


def weighed(kind: str) -> Callable[[str, str], Any]:
    def probe(model: str, folder: str) -> Any:
        import trl

        args = config(kind, folder, reward_weights=[1.0, 2.0])
        rewards = {"reward_funcs": lambda completions, **kwargs: [0.0 for _ in completions]}
        return getattr(trl, f"{kind}Trainer")(model, args=args, train_dataset=rows(prompt="a"), **rewards)

    return probe


def default_of(name: str) -> Callable[[str, str], Any]:
    return lambda model, folder: getattr(config("SFT", folder), name)


def choice(name: str, value: object) -> Callable[[str, str], Any]:
    return lambda model, folder: config("SFT", folder, **{name: value})


def choices_of(name: str) -> Callable[[str, str], str]:
    """The values of the enumeration that the config turns a setting into."""
    return lambda model, folder: " ".join(one.value for one in type(getattr(config("SFT", folder), name)))


def trained(**changes: Any) -> Callable[[str, str], str]:
    """One step of training with these settings; by default nothing is saved, logged or evaluated."""

    def run(model: str, folder: str) -> str:
        quiet = {"save_strategy": "no", "logging_strategy": "no", "per_device_train_batch_size": 2}
        trainer = sft(model, folder, rows(messages=CHAT), **{**quiet, **changes})
        return f"{trainer.train().global_step} step"

    return run


def stopped(**changes: Any) -> Callable[[str, str], str]:
    def run(model: str, folder: str) -> str:
        from transformers import EarlyStoppingCallback
        from trl import SFTTrainer

        data, args = rows(messages=CHAT), config("SFT", folder, **{"save_steps": 1, "eval_steps": 1, **changes})
        made = SFTTrainer(model, args=args, train_dataset=data, eval_dataset=data, callbacks=[EarlyStoppingCallback(3)])
        return f"{made.train().global_step} step"

    return run


CHOSEN = ("eval_strategy", "logging_strategy", "save_strategy", "hub_strategy", "lr_scheduler_type", "optim")
#: Dataset method -> its arguments, for every one that a stream stays a stream through.
STREAMED = {
    "map": [lambda row: row], "filter": [lambda row: True], "shuffle": [7], "take": [2], "skip": [1], "shard": [1, 0], "repeat": [2],
    "remove_columns": [[]], "rename_column": ["other", "more"], "select_columns": [["messages"]],
}  # fmt: skip


def streamed(method: str = "", **changes: Any) -> Callable[[str, str], str]:
    def run(model: str, folder: str) -> str:
        stream = rows(messages=CHAT, other="a").to_iterable_dataset()
        if method:
            stream = getattr(stream, method)(*([stream.features] if method == "cast" else STREAMED[method]))
        return type(sft(model, folder, stream, **{"max_steps": -1, **changes})).__name__

    return run


def read_rate(folder: str) -> Any:
    """What YAML 1.1 calls text is a number where TrlParser reads it."""
    from trl import SFTConfig, TrlParser

    file = Path(folder) / "rate.yaml"
    file.write_text(f"output_dir: {folder}\nlearning_rate: 2e-5\nuse_cpu: true\n", encoding="utf-8")
    return TrlParser(SFTConfig).parse_args_and_config(["--config", str(file)])[0].learning_rate


def endless(kind: str, **columns: Any) -> Callable[[str, str], Any]:
    def run(model: str, folder: str) -> Any:
        import trl

        rewarded = {"reward_funcs": lambda completions, **_: [0.0]} if kind == "GRPO" else {}
        args, data = config(kind, folder, max_steps=-1), rows(**columns).to_iterable_dataset()
        return getattr(trl, f"{kind}Trainer")(model=model, args=args, train_dataset=data, **rewarded)

    return run


PROBES: dict[str, Callable[[str, str], Any]] = {
    "API103 torch_dtype": lambda model, folder: dtype_of(model, folder, torch_dtype="bfloat16"),
    "API103 dtype": lambda model, folder: dtype_of(model, folder, dtype="bfloat16"),
    "API101 load_dataset use_auth_token": loaded_with(use_auth_token=True),
    "API101 load_dataset ignore_verifications": loaded_with(ignore_verifications=True),
    "API101 load_dataset task": loaded_with(task="qa"),
    "API101 TrlParser's file": parsed(max_seq_length=8),
    "API101 TrlParser's option": parsed("--max_seq_length", "8"),
    "API101 TrlParser reads": parsed(
        "--project=p", "--disable-tqdm", "false", "--logging_first_step", "--learning_rate", "1e-5", learning_rate=1.0, max_length=8
    ),
    "API109 compute_loss": narrow("compute_loss", lambda self, model, inputs, return_outputs=False: None),
    "API109 training_step": narrow("training_step", lambda self, model, inputs: None),
    "API109 log": narrow("log", lambda self, logs: None),
    "API110 what is gone": gone_but_there,
    **{f"API111 {name}": choice(name, "step") for name in CHOSEN},
    **{f"API111 {name} None": choice(name, None) for name in CHOSEN},
    **{f"choices of {name}": choices_of(name) for name in CHOSEN},
    **{f"API112 {name}": trained(**{name: "2"}) for name in (
        "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
        "warmup_steps", "logging_steps", "save_steps", "eval_steps", "max_grad_norm", "seed",
    )},
    "API112 learning_rate with adafactor": trained(learning_rate="2e-5", optim="adafactor"),
    "API112 num_train_epochs alone": trained(num_train_epochs="1", max_steps=-1),
    "API112 TrlParser's file": lambda model, folder: read_rate(folder),
    **{f"DATA112 {method}": streamed(method) for method in (*STREAMED, "cast")},
    "DATA112 SFT": endless("SFT", text="a"),
    "DATA112 DPO": endless("DPO", prompt="a", chosen="b", rejected="c"),
    "DATA112 GRPO": endless("GRPO", prompt="a"),
    "DATA112 max_steps": streamed(max_steps=1),
    "SAVE110 not evaluated": stopped(metric_for_best_model="loss"),
    "SAVE110 no metric": stopped(eval_strategy="steps"),
    "SAVE110 best model": stopped(eval_strategy="steps", load_best_model_at_end=True),
    "SAVE110 named": stopped(eval_strategy="steps", metric_for_best_model="loss"),
    "SAVE110 by schedule": stopped(eval_strategy="steps", lr_scheduler_type="reduce_lr_on_plateau"),
    "DATA111 GRPO": weighed("GRPO"),
    "DATA111 RLOO": weighed("RLOO"),
    "API109 callback": narrow_callback,
    "API104 load_in_4bit": from_pretrained(load_in_4bit=True),
    "API104 load_in_8bit": from_pretrained(load_in_8bit=True),
    "API104 use_flash_attention_2": from_pretrained(use_flash_attention_2=True),
    "API104 use_auth_token": from_pretrained(use_auth_token=True),
    "DATA101 completion_only_loss on messages": lambda model, folder: masked_share(
        sft(model, folder, rows(messages=CHAT), completion_only_loss=True)
    ),
    "DATA101 assistant_only_loss on messages": lambda model, folder: masked_share(
        sft(model, folder, rows(messages=CHAT), assistant_only_loss=True)
    ),
    "DATA101 completion_only_loss on prompt and completion": lambda model, folder: masked_share(
        sft(model, folder, rows(prompt="hi", completion=" there"), completion_only_loss=True)
    ),
    "DATA101 assistant_only_loss on text": lambda model, folder: sft(model, folder, rows(text="hi"), assistant_only_loss=True),
    "DATA102 SFT without a column it reads": lambda model, folder: sft(model, folder, rows(body="hi")),
    "DATA102 SFT with prompt beside messages": lambda model, folder: sft(model, folder, rows(prompt="hi", messages=CHAT)),
    "DATA102 SFT text field": lambda model, folder: type(sft(model, folder, rows(body="hi"), dataset_text_field="body")).__name__,
    "DATA102 DPO without chosen": lambda model, folder: trainer_for("DPO", model, folder, prompt="a", completion="b"),
    "DATA102 GRPO without prompt": lambda model, folder: trainer_for("GRPO", model, folder, question="a"),
    "DATA102 KTO without label": lambda model, folder: trainer_for("KTO", model, folder, prompt="a", completion="b"),
    "DATA102 Reward without chosen": lambda model, folder: trainer_for("Reward", model, folder, prompt="a", completion="b"),
    "DATA103 does not divide": lambda model, folder: config("GRPO", folder, per_device_train_batch_size=4, num_generations=8),
    "DATA103 one generation": lambda model, folder: config("GRPO", folder, num_generations=1),
    "DATA103 divides": lambda model, folder: type(config("GRPO", folder)).__name__,
    "DATA103 RLOO default": lambda model, folder: config("RLOO", folder).num_generations,
    "DATA104 batch of one": kto,
    "DATA104 apo_zero_unpaired": lambda model, folder: kto(model, folder, loss_type="apo_zero_unpaired"),
    "DATA105 no eval rows": lambda model, folder: sft(model, folder, rows(messages=CHAT), eval_strategy="steps"),
    "DATA106 no **kwargs": lambda model, folder: grpo(model, folder, lambda completions: [0.0] * len(completions)),
    "DATA106 **kwargs": lambda model, folder: grpo(model, folder, lambda completions, **kwargs: [0.0] * len(completions)),
    "DATA107 trust_remote_code": dataset_code,
    "HW102 a name that is none": lambda model, folder: attention(model, folder, "flash_attn"),
    "HW102 sdpa": lambda model, folder: attention(model, folder, "sdpa"),
    "HW102 the names": lambda model, folder: named_implementations(),
    "HW103 by name": dtype_of,
    "SAVE106 nothing to resume": resumed,
    "SAVE107 resume in the config": lambda model, folder: resumed(model, folder, resume_from_checkpoint=True),
    "SAVE109 best of what": lambda model, folder: sft(model, folder, rows(messages=CHAT), save_strategy="best"),
    "SAVE109 by schedule": lambda model, folder: config(
        "SFT", folder, save_strategy="best", lr_scheduler_type="reduce_lr_on_plateau", eval_strategy="steps"
    ).metric_for_best_model,
    "DATA110 eval_steps alone": lambda model, folder: config("SFT", folder, eval_steps=3).eval_strategy,
    "SCOPE105 max_length by default": lambda model, folder: " ".join(
        str(config(kind, folder).max_length) for kind in ("SFT", "DPO", "KTO", "Reward")
    ),
    "DATA108 a list": formatted(["a text"]),
    "DATA108 a text": formatted("a text"),
    "API107 DPOTrainer": plain_arguments("DPO", prompt="a", chosen="b", rejected="c"),
    "API107 RewardTrainer": plain_arguments("Reward", prompt="a", chosen="b", rejected="c"),
    "API107 KTOTrainer": plain_arguments("KTO", prompt="a", completion="b", label=True),
    "API107 GRPOTrainer": plain_arguments("GRPO", prompt="a"),
    "API107 RLOOTrainer": plain_arguments("RLOO", prompt="a"),
    "API107 SFTTrainer": plain_arguments("SFT", text="a"),
    "LOG107 tensorboard's files": pushed_with_the_folder,
    "HW101 bf16 by default": lambda model, folder: config("SFT", folder, use_cpu=None).bf16,
    "HW101 bf16 with use_cpu": lambda model, folder: type(config("SFT", folder)).__name__,
    "SAVE105 strategies differ": lambda model, folder: config(
        "SFT", folder, load_best_model_at_end=True, eval_strategy="steps", save_strategy="epoch"
    ),
    "SAVE105 no multiple": best_model(save_steps=300, eval_steps=200),
    "SAVE105 no multiple of logging_steps": best_model(save_steps=25),
    "SAVE105 a multiple": best_model(save_steps=400, eval_steps=200),
    "SAVE105 transformers' logging_steps": plain_default("logging_steps"),
    "SAVE105 transformers' save_steps": plain_default("save_steps"),
    **{f"fields of {name}": fields_of(name) for name in ("ScriptArguments", "DatasetMixtureConfig", "ModelConfig")},
    "default of report_to": tracker_by_default,
    **{f"default of {name}": default_of(name) for name in (
        "push_to_hub", "hub_model_id", "disable_tqdm", "logging_strategy", "logging_first_step", "project", "trackio_space_id",
        "save_strategy", "eval_strategy", "per_device_train_batch_size", "gradient_accumulation_steps",
        "logging_steps", "save_steps", "seed",
    )},
}  # fmt: skip
