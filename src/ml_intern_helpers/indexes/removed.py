"""Finds what replaced a name that no longer exists, from the comparison of releases or from a curated hint.

HINTS covers names whose replacement the comparison cannot tell; the tests check each hint against the indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ml_intern_helpers.indexes.libraries import DATA, SUFFIX
from ml_intern_helpers.indexes.signatures import Library
from ml_intern_helpers.indexes.stored_release import Table, read_tables

FILE = DATA / f"history{SUFFIX}"


class Removal(NamedTuple):
    """A name that a release removed and that does not exist today.

    Attributes:
        name: the removed name (`trl.setup_chat_format`, or `trl.SFTConfig.max_seq_length` for an argument).
        last: the last compared release that had it.
        gone: the first compared release without it.
        replacement: an existing name to use instead, if the comparison or an older release's own text tells one.
        why: how the replacement is known: `moved`, `announced` (by the library), `renamed` (same release, similar name), or None.
        via: the place to which it first moved, before it was removed there, too.
        via_last: the last release that had it in that place.
    """

    name: str
    last: str
    gone: str
    replacement: str | None = None
    why: str | None = None
    via: str | None = None
    via_last: str | None = None


class Gone(NamedTuple):
    """What is known about a name that does not exist.

    Attributes:
        name: the name that is gone: the queried one, its inherited form, or the class or module that contained it.
        removal: its removal according to the comparison; None when no compared release had it.
        replacement: the full name of the replacement in the shipped releases, or None.
        hint: what to do instead, in one clause, or None.
        renamed: the replacement takes the same value.
    """

    name: str
    removal: Removal | None
    replacement: str | None
    hint: str | None
    renamed: bool = False

    def sentence(self) -> str:
        """The text for reports: `removed in trl 0.20.0 (last in 0.19.1); instead: write max_length=`."""
        parts = [_when(self.name, self.removal)] if self.removal else []
        if self.hint:
            parts.append(f"instead: {self.hint}")
        elif self.replacement:
            likely = "likely now" if self.removal and self.removal.why == "renamed" else "now"
            parts.append(f"{likely} {self.replacement}")
        elif self.removal:
            parts.append("no replacement known")
        return "; ".join(parts)


def what_became(library: Library, dotted: str) -> Gone | None:
    """What is known about `dotted`, which `library` does not offer, or about its inherited form, its class or its module."""
    for name in _names_for(library, dotted):
        answer = gone(name)
        if answer is not None:
            return answer
    parent = dotted.rpartition(".")[0]
    return what_became(library, parent) if "." in parent and library.origin(parent) is None else None


def gone(name: str) -> Gone | None:
    """What is known about exactly this name."""
    known_removal, hint = removal(name), HINTS.get(name)
    if known_removal is None and hint is None:
        return None
    replacement = (hint.use if hint else None) or (known_removal.replacement if known_removal else None)
    return Gone(name, known_removal, replacement or None, hint.text if hint else None, bool(hint and hint.renamed))


def removal(name: str) -> Removal | None:
    """The removal of `name`; None unless one of the compared releases had it and the shipped one does not."""
    row = _tables()[1].get(name.partition(".")[0], Table()).get(name)
    return None if row is None else Removal(name, *row)


def removals_of(package: str) -> Iterator[Removal]:
    """Every removal from one package."""
    return (Removal(name, *row) for name, row in _tables()[1].get(package, Table()).items())


def compared(package: str) -> list[str]:
    """The releases that were compared, oldest first."""
    return _tables()[0].get(package, [])


def row_of(removal: Removal) -> list[str | None]:
    """The stored form of a removal, whose key is the name."""
    row = [removal.last, removal.gone, removal.replacement, removal.why, removal.via, removal.via_last]
    while row and row[-1] is None:
        row.pop()
    return row


@cache
def _tables() -> tuple[dict[str, list[str]], dict[str, Table]]:
    head, tables = read_tables(FILE)
    return head["compared"], tables


def _names_for(library: Library, dotted: str) -> Iterator[str]:
    """The names under which `dotted` may be recorded: `trl.SFTConfig.x` also as `transformers.TrainingArguments.x`."""
    yield dotted
    head, _, last = dotted.rpartition(".")
    origin = library.origin(head) if head else None
    if origin is not None and ":" in origin:
        yield from (f"{library.public_name(owner)}.{last}" for owner, _ in library.line(origin))
    elif origin is None and head.count(".") >= 1:  # a method's argument
        klass, _, method = head.rpartition(".")
        start = library.origin(klass)
        if method == "from_pretrained" and klass.startswith("transformers."):
            yield f"transformers.PreTrainedModel.from_pretrained.{last}"
        if start is not None and ":" in start:
            yield from (f"{library.public_name(owner)}.{method}.{last}" for owner, _ in library.line(start))


def _when(name: str, removal: Removal) -> str:
    package = name.partition(".")[0]
    text = f"removed in {package} {removal.gone} (last in {removal.last})"
    if removal.via:
        removed_there = f", gone from there after {removal.via_last}" if removal.via_last else ", gone from there, too"
        return f"moved to {removal.via} in {package} {removal.gone}{removed_there}"
    return f"moved in {package} {removal.gone} (last in {removal.last})" if removal.why == "moved" else text


class Hint(NamedTuple):
    """What to write instead of a removed name.

    Attributes:
        text: what to do, in one clause.
        use: the full name of the replacement; "" when there is no single one.
        renamed: the value stays the same; only then may a fix be applied without asking.
    """

    text: str
    use: str = ""
    renamed: bool = False


_ARGS = "transformers.TrainingArguments"


def _arguments(call: str, **renamed: str) -> dict[str, Hint]:
    """Hints for arguments that were renamed and take the same value."""
    return {f"{call}.{old}": Hint(f"write {new}=", f"{call}.{new}", renamed=True) for old, new in renamed.items()}


def _instead(call: str, **others: str) -> dict[str, Hint]:
    """Hints for arguments replaced by one with another name, for which the author has to check the value."""
    return {name: hint._replace(renamed=False) for name, hint in _arguments(call, **others).items()}


def _texts(call: str, **texts: str) -> dict[str, Hint]:
    return {f"{call}.{name}": Hint(text) for name, text in texts.items()}


_LENGTH = {"max_seq_length": "max_length"}
_IN_CONFIG = "move it into the trainer's own config (args=SFTConfig(…), DPOConfig(…)), not into TrainingArguments"
_NO_PROMPT_CUT = "delete it: prompts are not cut apart from the rest; filter the rows that are too long"
_NO_PROMPT_LENGTH = {"max_prompt_length": _NO_PROMPT_CUT}
_LENGTH_IN_CONFIG = dict.fromkeys(("max_completion_length", "max_target_length"), "write max_length= in the config")
_DTYPE = 'put it into model_init_kwargs={"dtype": "bfloat16"}, or into from_pretrained'
_VALUE_HEADS = "value heads went with PPO; for RL use GRPOTrainer or RLOOTrainer"
_MASKING = "SFTConfig(completion_only_loss=True) for prompt + completion rows, (assistant_only_loss=True) for messages"
_PREFERENCE = dict.fromkeys(("beta", "max_length", "loss_type", "truncation_mode", "precompute_ref_log_probs"), _IN_CONFIG)

HINTS: dict[str, Hint] = {
    "accelerate.Accelerator.fp16": Hint('write mixed_precision="fp16"', "accelerate.Accelerator.mixed_precision"),
    "accelerate.Accelerator.logging_dir": Hint("write project_dir=", "accelerate.Accelerator.project_dir", renamed=True),
    **_arguments(
        _ARGS,
        evaluation_strategy="eval_strategy",
        no_cuda="use_cpu",
        push_to_hub_model_id="hub_model_id",
        push_to_hub_token="hub_token",
        per_gpu_train_batch_size="per_device_train_batch_size",
        per_gpu_eval_batch_size="per_device_eval_batch_size",
    ),
    **_instead(_ARGS, torchdynamo="torch_compile_backend"),
    f"{_ARGS}.warmup_ratio": Hint(
        "write warmup_steps= with the same value: below 1 it is the ratio", f"{_ARGS}.warmup_steps", renamed=True
    ),
    f"{_ARGS}.group_by_length": Hint('write train_sampling_strategy="group_by_length"', f"{_ARGS}.train_sampling_strategy"),
    f"{_ARGS}.push_to_hub_organization": Hint('write hub_model_id="organization/name"', f"{_ARGS}.hub_model_id"),
    f"{_ARGS}.include_inputs_for_metrics": Hint('write include_for_metrics=["inputs"]', f"{_ARGS}.include_for_metrics"),
    f"{_ARGS}.adafactor": Hint('write optim="adafactor"', f"{_ARGS}.optim"),
    **_texts(
        _ARGS,
        overwrite_output_dir="delete it: the folder is written to in any case; choose a new output_dir to keep the old run",
        logging_dir="set the environment variable TENSORBOARD_LOGGING_DIR instead",
        save_safetensors="delete it: checkpoints are always safetensors",
        use_mps_device="delete it: MPS is used when it is there",
        dispatch_batches='write accelerator_config={"dispatch_batches": …}',
        split_batches='write accelerator_config={"split_batches": …}',
        fsdp_min_num_params='write fsdp_config={"min_num_params": …}',
        fsdp_transformer_layer_cls_to_wrap='write fsdp_config={"transformer_layer_cls_to_wrap": …}',
        attn_implementation='put it into model_init_kwargs={"attn_implementation": …}, or into from_pretrained',
        torch_dtype='put dtype into model_init_kwargs={"dtype": "bfloat16"}, or into from_pretrained',
        peft_config="pass it to the trainer, not to its config",
    ),
    **_arguments("transformers.Trainer", tokenizer="processing_class"),
    **_texts("transformers.Trainer", peft_config="wrap the model: peft.get_peft_model(model, LoraConfig(…))"),
    **_arguments("trl.SFTConfig", **_LENGTH, use_liger="use_liger_kernel"),
    **_arguments("trl.DPOConfig", **_LENGTH),
    **_instead("trl.DPOConfig", max_completion_length="max_length", max_target_length="max_length"),
    **_texts("trl.DPOConfig", **_NO_PROMPT_LENGTH, rpo_alpha='write loss_type=["sigmoid", "sft"] with loss_weights='),
    **_arguments("trl.KTOConfig", **_LENGTH),
    **_instead("trl.KTOConfig", max_completion_length="max_length"),
    **_texts("trl.KTOConfig", **_NO_PROMPT_LENGTH),
    **_arguments("trl.RewardConfig", **_LENGTH),
    **_texts("trl.RewardConfig", **_NO_PROMPT_LENGTH),
    **{
        f"trl.{name}Config.{old}": hint
        for name in ("SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO")
        for old, hint in {
            "dtype": Hint(_DTYPE, f"trl.{name}Config.model_init_kwargs"),
            "use_liger_loss": Hint("write use_liger_kernel=", f"trl.{name}Config.use_liger_kernel", renamed=True),
        }.items()
    },
    **{
        f"trl.experimental.{name.lower()}.{name}Config.{old}": hint
        for name in ("ORPO", "CPO")
        for old, hint in {
            "max_prompt_length": Hint(_NO_PROMPT_CUT),
            "max_seq_length": Hint("write max_length=", f"trl.experimental.{name.lower()}.{name}Config.max_length", renamed=True),
        }.items()
    },
    **_instead("trl.GRPOConfig", max_length="max_completion_length", max_seq_length="max_completion_length"),
    **_arguments(
        "trl.GRPOConfig",
        max_new_tokens="max_completion_length",
        vllm_max_model_len="vllm_max_model_length",
        vllm_guided_decoding_regex="vllm_structured_outputs_regex",
    ),
    **_texts(
        "trl.GRPOConfig", **_NO_PROMPT_LENGTH, vllm_device='delete it; vllm_mode="colocate" or "server" decides where vLLM runs'
    ),
    **_arguments(
        "trl.RLOOConfig",
        rloo_k="num_generations",
        response_length="max_completion_length",
        max_new_tokens="max_completion_length",
        kl_coef="beta",
    ),
    **_instead("trl.RLOOConfig", num_ppo_epochs="num_iterations"),
    **_texts("trl.RLOOConfig", **_NO_PROMPT_LENGTH, total_episodes="write num_train_epochs= or max_steps="),
    **_arguments("trl.GRPOTrainer", reward_function="reward_funcs", reward_functions="reward_funcs", reward_func="reward_funcs"),
    **_arguments("trl.RLOOTrainer", config="args", policy="model", reward_model="reward_funcs"),
    **{
        f"trl.{name}Trainer.tokenizer": Hint(
            "write processing_class= (or nothing: it is loaded from the model id)",
            f"trl.{name}Trainer.processing_class",
            renamed=True,
        )
        for name in ("SFT", "DPO", "KTO", "GRPO", "Reward", "RLOO")
    },
    **_texts(
        "trl.SFTTrainer",
        max_seq_length="write max_length= in SFTConfig",
        **dict.fromkeys(("packing", "dataset_text_field", "dataset_kwargs", "dataset_num_proc", "eval_packing"), _IN_CONFIG),
        **dict.fromkeys(("neftune_noise_alpha", "model_init_kwargs"), _IN_CONFIG),
    ),
    **_texts("trl.DPOTrainer", **_PREFERENCE, **_NO_PROMPT_LENGTH, **_LENGTH_IN_CONFIG),
    **_texts("trl.KTOTrainer", **_PREFERENCE, **_NO_PROMPT_LENGTH, **_LENGTH_IN_CONFIG),
    **_texts("trl.GRPOTrainer", **_NO_PROMPT_LENGTH),
    "trl.DataCollatorForCompletionOnlyLM": Hint(_MASKING, "trl.SFTConfig"),
    "trl.setup_chat_format": Hint("trl.clone_chat_template, or SFTConfig(chat_template_path=…)", "trl.clone_chat_template"),
    "trl.ConstantLengthDataset": Hint("SFTConfig(packing=True)", "trl.SFTConfig.packing"),
    "trl.AutoModelForCausalLMWithValueHead": Hint(_VALUE_HEADS),
    "trl.AutoModelForSeq2SeqLMWithValueHead": Hint(_VALUE_HEADS),
    "trl.PPOTrainer": Hint("for RL use GRPOTrainer or RLOOTrainer, or pin the release named"),
    "trl.PPOConfig": Hint("for RL use GRPOConfig or RLOOConfig, or pin the release named"),
    "trl.TextEnvironment": Hint("GRPOTrainer(environment_factory=…)", "trl.GRPOTrainer.environment_factory"),
    "trl.extras.dataset_formatting": Hint("map the rows to messages; SFTTrainer applies the chat template"),
    "trl.TrackioCallback": Hint('report_to="trackio" in the config switches it on', "trl.SFTConfig.report_to"),
    "trl.RewardDataCollatorWithPadding": Hint("delete it: RewardTrainer brings its collator"),
    "trl.DPODataCollatorWithPadding": Hint("delete it: DPOTrainer brings its collator"),
    "trl.get_kbit_device_map": Hint("nothing: the trainer places the model"),
    "transformers.AdamW": Hint("torch.optim.AdamW, or optim= in the config"),
    "transformers.AutoModelForVision2Seq": Hint("AutoModelForImageTextToText", "transformers.AutoModelForImageTextToText"),
    "transformers.AutoModelWithLMHead": Hint("AutoModelForCausalLM", "transformers.AutoModelForCausalLM"),
    "transformers.TextDataset": Hint("datasets.load_dataset", "datasets.load_dataset"),
    "transformers.LineByLineTextDataset": Hint("datasets.load_dataset", "datasets.load_dataset"),
    "transformers.is_torch_tpu_available": Hint("is_torch_xla_available", "transformers.utils.is_torch_xla_available"),
    "transformers.deepspeed": Hint("transformers.integrations (HfDeepSpeedConfig)", "transformers.integrations"),
    "datasets.list_datasets": Hint("huggingface_hub.list_datasets", "huggingface_hub.list_datasets"),
    "huggingface_hub.ModelFilter": Hint("keyword arguments of list_models", "huggingface_hub.list_models"),
    "huggingface_hub.DatasetFilter": Hint("keyword arguments of list_datasets", "huggingface_hub.list_datasets"),
    "transformers.EvaluationStrategy": Hint("IntervalStrategy", "transformers.IntervalStrategy"),
    **_arguments("datasets.load_dataset", use_auth_token="token"),
    **_texts(
        "datasets.load_dataset",
        ignore_verifications='write verification_mode="no_checks"',
        task="delete it: map the columns instead",
    ),
    **{
        f"datasets.Dataset.{name}_": Hint(f"write rows = rows.{name}(…): it returns the new rows", f"datasets.Dataset.{name}")
        for name in ("cast", "flatten", "remove_columns", "rename_column")
    },
    "datasets.load_metric": Hint("the evaluate package: evaluate.load(name)"),
    "huggingface_hub.HfFolder": Hint("get_token, login", "huggingface_hub.get_token"),
    "huggingface_hub.Repository": Hint("upload_folder", "huggingface_hub.upload_folder"),
    "huggingface_hub.cached_download": Hint("hf_hub_download", "huggingface_hub.hf_hub_download"),
    "huggingface_hub.InferenceApi": Hint("InferenceClient", "huggingface_hub.InferenceClient"),
    **_arguments("transformers.PreTrainedModel.from_pretrained", use_auth_token="token"),
    **{
        f"transformers.PreTrainedModel.from_pretrained.{name}": Hint(text)
        for name, text in {
            "load_in_4bit": "quantization_config=BitsAndBytesConfig(load_in_4bit=True)",
            "load_in_8bit": "quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
            "use_flash_attention_2": 'attn_implementation="flash_attention_2"',
            "resume_download": "delete it: downloads always resume",
        }.items()
    },
}
