"""What the texts say about the libraries' behaviour, tried on a tiny model; runs in the training environment.

A claim is a function below; its docstring is the statement, its name the key.
Raising anything is a refutation. `raises` is how most of them speak.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))
os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")

import make_tiny_model  # noqa: E402
import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402
from trl import (  # noqa: E402
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)

WORK = Path(tempfile.mkdtemp())
TINY = str(WORK / "tiny")
USER, ASSISTANT = {"role": "user", "content": "How many is 2+2?"}, {"role": "assistant", "content": "It is 4."}
WRONG = {"role": "assistant", "content": "It is 5, or so they say."}
CHAT = [{"messages": [USER, ASSISTANT]}] * 8
PAIRS = [{"prompt": "How many is 2+2?", "chosen": " It is 4.", "rejected": " It is 5."}] * 8
LABELLED = [{"prompt": "How many is 2+2?", "completion": " It is 4.", "label": i % 2 == 0} for i in range(8)]
ADAPTER = LoraConfig(r=2, lora_alpha=4, target_modules="all-linear")


def config(kind: type[Any], **more: Any) -> Any:
    """A config of the least that runs anywhere: one CPU step, nothing reported."""
    least = {"output_dir": str(WORK / "out"), "max_steps": 1, "use_cpu": True, "save_strategy": "no", "disable_tqdm": True}
    return kind(**{**least, **more})


def sft(rows: list[dict[str, Any]], model: Any = None, **more: Any) -> SFTTrainer:
    own = {k: more.pop(k) for k in ("processing_class", "peft_config", "eval_dataset", "callbacks") if k in more}
    return SFTTrainer(model=model or TINY, args=config(SFTConfig, **more), train_dataset=Dataset.from_list(rows), **own)


def dpo(rows: list[dict[str, Any]], **own: Any) -> DPOTrainer:
    return DPOTrainer(
        model=TINY, args=config(DPOConfig, per_device_train_batch_size=2), train_dataset=Dataset.from_list(rows), **own
    )


def kto(rows: list[dict[str, Any]], **more: Any) -> KTOTrainer:
    return KTOTrainer(model=TINY, args=config(KTOConfig, **more), train_dataset=Dataset.from_list(rows))


def grpo(reward: Callable[..., list[float]], **more: Any) -> GRPOTrainer:
    rows = Dataset.from_list([{"prompt": [USER], "answer": "4"}] * 8)
    few = {"num_generations": 2, "per_device_train_batch_size": 2, "max_completion_length": 4, **more}
    return GRPOTrainer(model=TINY, reward_funcs=reward, args=config(GRPOConfig, **few), train_dataset=rows)


@contextlib.contextmanager
def raises(kind: type[BaseException] | tuple[type[BaseException], ...], pattern: str = "") -> Iterator[None]:
    """The body must raise `kind` with `pattern` somewhere in its text."""
    seen: BaseException | None = None
    try:
        yield
    except kind as err:
        seen = err
    assert seen is not None, "raised nothing"
    assert re.search(pattern, f"{type(seen).__name__}: {seen}"), f"said: {seen}"


def quoted(message: str) -> str:
    """A pattern for an error message that common-mistakes.md quotes; it must still be quoted there."""
    assert message in (ROOT / "skills/ml-intern/references/common-mistakes.md").read_text(encoding="utf-8"), (
        f"not quoted: {message}"
    )
    return re.escape(message)


def labels(trainer: SFTTrainer) -> tuple[int, int]:
    """Of the first batch: tokens with loss, tokens in all without padding."""
    batch = next(iter(trainer.get_train_dataloader()))
    return int((batch["labels"] != -100).sum()), int(batch["attention_mask"].sum()) if "attention_mask" in batch else batch[
        "labels"
    ].numel()


# --- dataset-formats, SKILL -------------------------------------------------------------------------------------------


def prompt_beside_messages() -> None:
    """A `prompt` column beside `messages` ends in KeyError: 'completion'."""
    with raises(KeyError, "completion"):
        sft([{**row, "prompt": "x"} for row in CHAT]).train()


def alpaca_columns() -> None:
    """instruction/input/output end in KeyError: 'text'."""
    with raises(KeyError, "text"):
        sft([{"instruction": "x", "input": "", "output": "y"}] * 8)


def conversations_are_converted() -> None:
    """ShareGPT `conversations` (from/value) train as they are."""
    sft([{"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}] * 8).train()


def ultrafeedback_mix_crashes() -> None:
    """A prompt string beside message lists crashes in DPO."""
    with raises(Exception):
        dpo([{"prompt": "How many?", "chosen": [USER, ASSISTANT], "rejected": [USER, WRONG]}] * 8).train()


def implicit_prompt_is_found() -> None:
    """chosen and rejected with a shared beginning train without `prompt`."""
    dpo([{"chosen": [USER, ASSISTANT], "rejected": [USER, WRONG]}] * 8).train()


def question_column_is_ignored() -> None:
    """DPO with `question` instead of `prompt` trains without an error, on an empty prompt."""
    rows = [{"question": "How many is 2+2?", "chosen": "Four it is.", "rejected": "Never five."}] * 8
    trainer = dpo(rows)
    assert all(not row for row in trainer.train_dataset["prompt_ids"]), trainer.train_dataset["prompt_ids"]
    trainer.train()


def all_tokens_by_default() -> None:
    """messages: loss on every token; completion_only_loss changes nothing there; assistant_only_loss does."""
    plain, total = labels(sft(CHAT))
    assert plain == total
    assert labels(sft(CHAT, completion_only_loss=True))[0] == plain
    assert labels(sft(CHAT, assistant_only_loss=True))[0] < plain


def completion_only_for_pairs() -> None:
    """prompt+completion: loss on the completion only."""
    trained, total = labels(sft([{"prompt": "How many is 2+2?", "completion": " It is 4."}] * 8))
    assert trained < total


def unknown_template() -> None:
    """assistant_only_loss with a template TRL does not know is a ValueError."""
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    with raises(ValueError):
        sft(CHAT, processing_class=tokenizer, assistant_only_loss=True)


def no_template() -> None:
    """Messages and a tokenizer without a template: ValueError that names chat_template."""
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    tokenizer.chat_template = None
    with raises(ValueError, quoted("chat_template is not set")):
        sft(CHAT, processing_class=tokenizer)


def chat_without_an_answer() -> None:
    """assistant_only_loss: one conversation without an assistant turn among good ones is a RuntimeError."""
    with raises(RuntimeError, "no assistant tokens"):
        sft([*CHAT, {"messages": [USER]}], assistant_only_loss=True, per_device_train_batch_size=16).train()


def kto_batch_of_one() -> None:
    """KTO with per-device batch 1: ValueError."""
    with raises(ValueError, quoted("batch size must be > 1")):
        kto(LABELLED, per_device_train_batch_size=1)


def kto_one_class_trains() -> None:
    """KTO on one class raises nothing."""
    kto([row for row in LABELLED if row["label"]], per_device_train_batch_size=2).train()


def kto_takes_pairs() -> None:
    """Preference rows are split into labelled ones by TRL."""
    kto(PAIRS, per_device_train_batch_size=2).train()


def long_reward_pairs_are_dropped() -> None:
    """RewardTrainer drops pairs longer than max_length."""
    rows = [*PAIRS, {"prompt": "How", "chosen": " many" * 200, "rejected": " x"}]
    trainer = RewardTrainer(model=TINY, args=config(RewardConfig, max_length=64), train_dataset=Dataset.from_list(rows))
    assert len(trainer.train_dataset) == len(PAIRS), len(trainer.train_dataset)


def grpo_divisibility() -> None:
    """GRPO's batch must divide by num_generations; with one generation it refuses too."""
    with raises(ValueError, quoted("must be divisible by num_generations")):
        grpo(lambda completions, **kwargs: [0.0] * len(completions), num_generations=8, per_device_train_batch_size=4)
    with raises(ValueError, "num_generations|generation"):
        grpo(lambda completions, **kwargs: [0.0] * len(completions), num_generations=1)


def reward_without_kwargs() -> None:
    """A reward function without **kwargs is a TypeError."""

    def narrow(completions: list[Any]) -> list[float]:
        return [0.0] * len(completions)

    with raises(TypeError, "unexpected keyword"):
        grpo(narrow).train()


def reward_sees_messages_and_columns() -> None:
    """Message prompts: completions are message lists; extra columns are lists; None is a legal reward; no reference model at beta 0."""
    seen: dict[str, Any] = {}

    def reward(completions: list[Any], answer: list[str], **kwargs: Any) -> list[float | None]:
        seen.update(completion=completions[0], answer=answer, keys=set(kwargs))
        return [1.0, None] * (len(completions) // 2)

    trainer = grpo(reward)
    assert trainer.ref_model is None
    trainer.train()
    assert seen["completion"][0]["role"] == "assistant"
    assert isinstance(seen["answer"], list)
    assert {"prompts", "completion_ids"} <= seen["keys"]


# --- trainer-recipes, local-mode, hardware-sizing, trackio-monitoring -------------------------------------------------


def bf16_needs_a_device() -> None:
    """Without a GPU a default config is a ValueError about bf16; the line in local-mode is not."""
    if not torch.accelerator.is_available():
        with raises(ValueError, quoted("Your setup doesn't support bf16")):
            SFTConfig(output_dir="x")


def checkpointing_is_on() -> None:
    """Activation checkpointing is TRL's default."""
    assert config(SFTConfig).activation_checkpointing


def report_to_is_none() -> None:
    """report_to: nothing is reported unless asked for."""
    assert config(SFTConfig).report_to in ("none", [])


def string_models_load_in_float32() -> None:
    """TRL: float32, whatever the checkpoint; `dtype` is heard, `torch_dtype` ignored; plain from_pretrained keeps the checkpoint's."""
    half = str(WORK / "half")
    AutoModelForCausalLM.from_pretrained(TINY).to(torch.bfloat16).save_pretrained(half)
    AutoTokenizer.from_pretrained(TINY).save_pretrained(half)
    assert AutoModelForCausalLM.from_pretrained(half).dtype == torch.bfloat16
    assert sft(CHAT, half).model.dtype == torch.float32
    assert sft(CHAT, half, model_init_kwargs={"torch_dtype": "bfloat16"}).model.dtype == torch.float32
    assert sft(CHAT, half, model_init_kwargs={"dtype": "bfloat16"}).model.dtype == torch.bfloat16


def evaluation_needs_data() -> None:
    """eval_strategy without eval_dataset: ValueError naming it."""
    with raises(ValueError, quoted("didn't pass an `eval_dataset`")):
        sft(CHAT, eval_strategy="steps")


def best_model_needs_matching_strategies() -> None:
    """load_best_model_at_end with different save and eval strategies: ValueError naming it."""
    with raises(ValueError, quoted("load_best_model_at_end requires")):
        config(SFTConfig, load_best_model_at_end=True, eval_strategy="steps", save_strategy="epoch")


def saves_at_the_last_step() -> None:
    """save_strategy="steps" saves at the end too; log lines hold strings, trainer_state.json numbers."""
    out = WORK / "saved"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        sft(CHAT, output_dir=str(out), save_strategy="steps", logging_steps=1, logging_first_step=True, max_steps=2).train()
    state = json.loads((out / "checkpoint-2/trainer_state.json").read_text())
    assert isinstance(state["log_history"][0]["loss"], float)
    assert re.search(r"\{'loss': '[\d.]+'", said.getvalue()), said.getvalue()


def resume_without_a_checkpoint() -> None:
    """resume_from_checkpoint=True without a checkpoint: ValueError."""
    with raises(ValueError, quoted("No valid checkpoint found")):
        sft(CHAT, output_dir=str(WORK / "nothing")).train(resume_from_checkpoint=True)


def weights_alone_resume_in_silence() -> None:
    """save_only_model leaves the optimizer out, and resuming from that raises nothing."""
    out = WORK / "weights-only"
    sft(CHAT, output_dir=str(out), save_strategy="steps", save_only_model=True).train()
    assert not (out / "checkpoint-1/optimizer.pt").exists()
    trainer = sft(CHAT, output_dir=str(out), max_steps=2)
    trainer.train(resume_from_checkpoint=True)
    assert trainer.state.global_step == 2


def adapters_need_no_reference() -> None:
    """DPO: a frozen copy for full training, none with an adapter."""
    assert dpo(PAIRS).ref_model is not None
    assert dpo(PAIRS, peft_config=ADAPTER).ref_model is None


def losses_hold_no_logits() -> None:
    """SFT, DPO, KTO and GRPO compute the loss in pieces, so the logits cost no memory."""
    for trainer in (sft(CHAT), dpo(PAIRS), kto(LABELLED, per_device_train_batch_size=2), grpo(lambda **_: [0.0, 1.0])):
        in_pieces, forward = [], trainer.model.forward

        def watched(*args: Any, _forward: Any = forward, _seen: list[Any] = in_pieces, **more: Any) -> Any:
            _seen.append(more.get("fused_lm_head"))
            return _forward(*args, **more)

        trainer.model.forward = watched
        trainer.train()
        assert True in in_pieces, type(trainer).__name__


def sharegpt_roles_stay() -> None:
    """ShareGPT rows: TRL renames the keys, not the roles."""
    from trl import maybe_convert_to_chatml

    row = maybe_convert_to_chatml({"conversations": [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]})
    assert [turn["role"] for turn in row["messages"]] == ["human", "gpt"]


def labels_mean_nothing_to_sft() -> None:
    """SFT on KTO rows trains on the undesirable ones as well."""
    assert len(sft(LABELLED).train_dataset) == len(LABELLED)


def peft_defaults() -> None:
    """peft's LoraConfig: rank 8, alpha 8."""
    assert (LoraConfig().r, LoraConfig().lora_alpha) == (8, 8)


def tokenizer_argument_is_gone() -> None:
    """tokenizer= of a trainer is a TypeError."""
    with raises(TypeError, "tokenizer"):
        SFTTrainer(model=TINY, args=config(SFTConfig), train_dataset=Dataset.from_list(CHAT), tokenizer=None)


def experimental_trainers() -> None:
    """Where ORPO, CPO and OnlineDPO went."""
    import importlib

    for name, trainer in (("orpo", "ORPOTrainer"), ("cpo", "CPOTrainer"), ("online_dpo", "OnlineDPOTrainer")):
        assert hasattr(importlib.import_module(f"trl.experimental.{name}"), trainer)


# --- code blocks that are run, not only looked at ---------------------------------------------------------------------


def block(reference: str, containing: str) -> dict[str, Any]:
    """Execute the python block of a reference that holds `containing`; return its names."""
    text = (ROOT / f"skills/ml-intern/references/{reference}.md").read_text(encoding="utf-8")
    source = next(b for b in re.findall(r"(?ms)^```python\n(.*?)^```$", text) if containing in b)
    names: dict[str, Any] = {}
    exec(compile(source, reference, "exec"), names)
    return names


def evaluation_block_runs() -> None:
    """evaluation: compare() scores a base and an adapter folder."""
    tuned = str(WORK / "adapter")
    trainer = sft(CHAT, peft_config=ADAPTER)
    trainer.save_model(tuned)
    names = block("evaluation", "def compare")
    scores = names["compare"](
        TINY, tuned, [{"prompt": "How many is 2+2?", "reference": "4"}], lambda answer, _: isinstance(answer, str)
    )
    assert scores == {TINY: 1.0, tuned: 1.0}, scores


def merge_block_runs() -> None:
    """local-mode: an adapter folder merges into a model."""
    here = Path.cwd()
    os.chdir(WORK)
    try:
        sft(CHAT, peft_config=ADAPTER).save_model("out")
        block("local-mode", "merge_and_unload")
        assert AutoModelForCausalLM.from_pretrained("out-merged").num_parameters() > 0
    finally:
        os.chdir(here)


def precision_block_runs() -> None:
    """local-mode: the precision line works on this machine."""
    block("local-mode", "SFTConfig")


def tracking_block_runs() -> None:
    """trackio-monitoring: the config is accepted; the callback stops a run whose loss is not finite and alerts."""
    import trackio
    from transformers import TrainerControl, TrainerState

    block("trackio-monitoring", "SFTConfig")
    alerts = block("trackio-monitoring", "class Alerts")["Alerts"]()
    sent: list[tuple[str, Any]] = []
    trackio.alert = lambda title, text=None, level=None, **_: sent.append((title, level))
    state, control = TrainerState(global_step=200, log_history=[{"loss": 1.0}]), TrainerControl()
    alerts.on_log(None, state, control, logs={"loss": 1.5})
    assert not sent
    alerts.on_log(None, state, control, logs={"loss": 3.0})
    assert not control.should_training_stop
    alerts.on_log(None, state, control, logs={"loss": float("nan")})
    assert control.should_training_stop
    assert [level.value for _, level in sent] == ["warn", "error"]


def mapping_block_runs() -> None:
    """dataset-formats: the alpaca mapping gives rows that SFT takes, the reward tells right from wrong."""
    import datasets

    rows = Dataset.from_list([{"instruction": "Add", "input": "2+2", "output": "4", "text": "x"}] * 8)
    real, datasets.load_dataset = datasets.load_dataset, lambda *_, **__: rows
    try:
        data = block("dataset-formats", "def to_pairs")["data"]
    finally:
        datasets.load_dataset = real
    assert data.column_names == ["prompt", "completion"]
    sft(list(data)).train()
    reward = block("dataset-formats", "def exact_answer")["exact_answer"]
    assert reward([[ASSISTANT], "It is 5."], answer=["4", "4"], prompts=[]) == [1.0, 0.0]


CLAIMS = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__annotations__", None) == {"return": "None"} and value.__doc__
]


def tried() -> dict[str, str | None]:
    """Try every claim: its name -> None, or the end of the trace."""
    tokenizer = make_tiny_model.make_tokenizer(make_tiny_model.texts(ROOT / "examples/chat.jsonl"))
    tokenizer.save_pretrained(TINY)
    make_tiny_model.make_model(tokenizer).save_pretrained(TINY)
    return {claim.__name__: trial(claim) for claim in CLAIMS}


def trial(claim: Callable[[], None]) -> str | None:
    """One claim; what it prints is dropped."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            claim()
    except Exception:
        return traceback.format_exc()[-900:]
    return None
