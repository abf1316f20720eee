"""What scripts still write and today's releases no longer take. Each row is executed against the real library by the tests.

The short list of what public scripts really use; `Row.hint` says what to write instead.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A name that is gone.

    Attributes:
        hint: what to do instead, one clause.
        use: the argument that takes its place in the same call, "" when there is none.
    """

    hint: str
    use: str = ""


def _renamed(new: str) -> Row:
    return Row(f"write {new}=", new)


_DROP = Row("delete it: it has no successor")
_IN_CONFIG = Row("move it into the trainer's own config (args=SFTConfig(…), DPOConfig(…)), not into TrainingArguments")
_ON_TRAINER = Row("pass it to the trainer, not to its config")
_MODEL_KWARG = Row('put it into model_init_kwargs={"dtype": "bfloat16"}, or into from_pretrained', "model_init_kwargs")

#: Every config built on transformers.TrainingArguments, TRL's included.
ALL_CONFIGS: dict[str, Row] = {
    "evaluation_strategy": _renamed("eval_strategy"),
    "warmup_ratio": Row("write warmup_steps=: a float below 1 is the ratio (warmup_steps=0.1)", "warmup_steps"),
    "overwrite_output_dir": Row("delete it: the folder is written to in any case; choose a new output_dir to keep the old run"),
    "logging_dir": Row("set the environment variable TENSORBOARD_LOGGING_DIR instead"),
    "group_by_length": Row('write train_sampling_strategy="group_by_length"', "train_sampling_strategy"),
    "save_safetensors": Row("delete it: checkpoints are always safetensors"),
    "no_cuda": _renamed("use_cpu"),
    "use_mps_device": Row("delete it: MPS is used when it is there"),
    "push_to_hub_model_id": _renamed("hub_model_id"),
    "push_to_hub_organization": Row('write hub_model_id="organization/name"', "hub_model_id"),
    "push_to_hub_token": _renamed("hub_token"),
    "include_tokens_per_second": _DROP,
    "include_inputs_for_metrics": Row('write include_for_metrics=["inputs"]', "include_for_metrics"),
    "per_gpu_train_batch_size": _renamed("per_device_train_batch_size"),
    "per_gpu_eval_batch_size": _renamed("per_device_eval_batch_size"),
    "adafactor": Row('write optim="adafactor"', "optim"),
    "fp16_opt_level": _DROP,
    "fp16_backend": _DROP,
    "half_precision_backend": _DROP,
    "dispatch_batches": Row('write accelerator_config={"dispatch_batches": …}', "accelerator_config"),
    "split_batches": Row('write accelerator_config={"split_batches": …}', "accelerator_config"),
    "torchdynamo": _renamed("torch_compile_backend"),
    "use_ipex": _DROP,
    "jit_mode_eval": _DROP,
    "tpu_num_cores": _DROP,
    "past_index": _DROP,
    "ray_scope": _DROP,
    "fsdp_min_num_params": Row('write fsdp_config={"min_num_params": …}', "fsdp_config"),
    "fsdp_transformer_layer_cls_to_wrap": Row('write fsdp_config={"transformer_layer_cls_to_wrap": …}', "fsdp_config"),
    "use_legacy_prediction_loop": _DROP,
    "mp_parameters": _DROP,
    "attn_implementation": Row('put it into model_init_kwargs={"attn_implementation": …}, or into from_pretrained'),
    "torch_dtype": Row('put dtype into model_init_kwargs={"dtype": "bfloat16"}, or into from_pretrained'),
    "peft_config": _ON_TRAINER,
}
_LENGTH = Row("write max_length= (1024 by default)", "max_length")
_NO_PROMPT_LENGTH = Row("delete it: prompts are no longer cut apart from the rest; filter the rows that are too long")
#: Config -> what only it had.
CONFIGS: dict[str, dict[str, Row]] = {
    "SFTConfig": {
        "max_seq_length": _LENGTH,
        "num_of_sequences": _DROP,
        "chars_per_token": _DROP,
        "dataset_batch_size": _DROP,
        "use_liger": _renamed("use_liger_kernel"),
        "dtype": _MODEL_KWARG,
        "formatting_func": _ON_TRAINER,
    },
    "DPOConfig": {
        "max_seq_length": _LENGTH,
        "max_prompt_length": _NO_PROMPT_LENGTH,
        "max_completion_length": _LENGTH,
        "max_target_length": _LENGTH,
        "rpo_alpha": Row('write loss_type=["sigmoid", "sft"] with loss_weights=', "loss_weights"),
        "reference_free": _DROP,
        "label_pad_token_id": _DROP,
        "padding_value": _DROP,
        "is_encoder_decoder": _DROP,
        "generate_during_eval": Row("delete it; trl.LogCompletionsCallback logs generations"),
        "model_adapter_name": _DROP,
        "ref_adapter_name": _DROP,
        "force_use_ref_model": _DROP,
        "ref_model_init_kwargs": _DROP,
        "use_logits_to_keep": _DROP,
        "use_liger_loss": _renamed("use_liger_kernel"),
    },
    "GRPOConfig": {
        "max_prompt_length": _NO_PROMPT_LENGTH,
        "max_new_tokens": _renamed("max_completion_length"),
        "max_length": _renamed("max_completion_length"),
        "max_seq_length": _renamed("max_completion_length"),
        "vllm_device": Row('delete it; vllm_mode="colocate" or "server" decides', "vllm_mode"),
        "vllm_dtype": _DROP,
        "vllm_max_model_len": _renamed("vllm_max_model_length"),
        "vllm_enable_prefix_caching": _DROP,
        "vllm_guided_decoding_regex": _renamed("vllm_structured_outputs_regex"),
        "use_liger_loss": _renamed("use_liger_kernel"),
        "wandb_log_unique_prompts": _renamed("log_unique_prompts"),
    },
    "KTOConfig": {
        "max_seq_length": _LENGTH,
        "max_prompt_length": _NO_PROMPT_LENGTH,
        "max_completion_length": _LENGTH,
        "label_pad_token_id": _DROP,
        "padding_value": _DROP,
        "truncation_mode": _DROP,
        "generate_during_eval": _DROP,
        "is_encoder_decoder": _DROP,
        "model_adapter_name": _DROP,
        "ref_adapter_name": _DROP,
        "ref_model_init_kwargs": _DROP,
        "use_liger_loss": _renamed("use_liger_kernel"),
    },
    "RewardConfig": {"max_seq_length": _LENGTH, "max_prompt_length": _NO_PROMPT_LENGTH},
    "RLOOConfig": {
        "max_prompt_length": _NO_PROMPT_LENGTH,
        "rloo_k": _renamed("num_generations"),
        "response_length": _renamed("max_completion_length"),
        "max_new_tokens": _renamed("max_completion_length"),
        "total_episodes": Row("write num_train_epochs= or max_steps=", "max_steps"),
        "num_ppo_epochs": _renamed("num_iterations"),
        "kl_coef": _renamed("beta"),
    },
    "ORPOConfig": {"max_prompt_length": _NO_PROMPT_LENGTH, "max_seq_length": _LENGTH},
    "CPOConfig": {"max_prompt_length": _NO_PROMPT_LENGTH, "max_seq_length": _LENGTH},
}
_PROCESSING_CLASS = Row("write processing_class= (or nothing: it is loaded from the model id)", "processing_class")
#: Every trainer of TRL and transformers.
ALL_TRAINERS: dict[str, Row] = {"tokenizer": _PROCESSING_CLASS}
_PREFERENCE_TRAINER = dict.fromkeys(
    ("beta", "max_length", "loss_type", "precompute_ref_log_probs", "disable_dropout", "model_init_kwargs", "dataset_num_proc"),
    _IN_CONFIG,
) | {
    "max_prompt_length": _NO_PROMPT_LENGTH,
    "max_completion_length": _LENGTH._replace(hint="write max_length= in the config", use=""),
    "max_target_length": _LENGTH._replace(hint="write max_length= in the config", use=""),
    "label_pad_token_id": _DROP,
    "padding_value": _DROP,
    "is_encoder_decoder": _DROP,
    "generate_during_eval": _DROP,
    "ref_model_init_kwargs": _DROP,
    "model_adapter_name": _DROP,
    "ref_adapter_name": _DROP,
}
_REWARD_FUNCS = _renamed("reward_funcs")
#: Trainer -> what only it had.
TRAINERS: dict[str, dict[str, Row]] = {
    "SFTTrainer": {
        "max_seq_length": Row("write max_length= in SFTConfig"),
        "packing": _IN_CONFIG,
        "dataset_text_field": _IN_CONFIG,
        "dataset_kwargs": _IN_CONFIG,
        "dataset_num_proc": _IN_CONFIG,
        "eval_packing": _IN_CONFIG,
        "neftune_noise_alpha": _IN_CONFIG,
        "model_init_kwargs": _IN_CONFIG,
        "num_of_sequences": _DROP,
        "chars_per_token": _DROP,
        "dataset_batch_size": _DROP,
        "infinite": _DROP,
    },
    "DPOTrainer": _PREFERENCE_TRAINER | {"label_smoothing": _IN_CONFIG, "truncation_mode": _IN_CONFIG},
    "KTOTrainer": _PREFERENCE_TRAINER | {"label_smoothing": _DROP, "truncation_mode": _DROP},
    "GRPOTrainer": {
        "reward_function": _REWARD_FUNCS,
        "reward_functions": _REWARD_FUNCS,
        "reward_func": _REWARD_FUNCS,
        "reward_fn": _REWARD_FUNCS,
        "data_collator": _DROP,
        "max_prompt_length": _NO_PROMPT_LENGTH,
        "num_generations": _IN_CONFIG,
    },
    "RewardTrainer": {"max_length": _IN_CONFIG},
    "RLOOTrainer": {
        "config": _renamed("args"),
        "policy": _renamed("model"),
        "ref_policy": _DROP,
        "reward_model": _REWARD_FUNCS,
    },
    "OnlineDPOTrainer": {"reward_model": _REWARD_FUNCS},
    "Trainer": {"peft_config": Row("wrap the model: peft.get_peft_model(model, LoraConfig(…))")},
}
_GONE = "gone from the package"
_MASKING = "SFTConfig(completion_only_loss=True) for prompt + completion rows, (assistant_only_loss=True) for messages"
#: `module.name` (or a whole module) -> what to do instead.
IMPORTS: dict[str, str] = {
    **{
        f"trl.{name}{kind}": f"from trl.experimental.{module} import {name}{kind}"
        for name, module in (("ORPO", "orpo"), ("CPO", "cpo"), ("OnlineDPO", "online_dpo"), ("GKD", "gkd"))
        for kind in ("Trainer", "Config")
    },
    **{
        f"trl.{name}{kind}": f"{name} is {_GONE}; for RL use GRPO or RLOO, or pin an older trl"
        for name in ("PPO", "PPOv2", "NashMD", "XPO", "MiniLLM")
        for kind in ("Trainer", "Config")
    },
    **{
        f"trl.{name}{kind}": f"{name} is {_GONE}; pin an older trl to keep it"
        for name in ("BCO", "PRM", "AlignProp", "DDPO", "IterativeSFT")
        for kind in ("Trainer", "Config")
    },
    "trl.DataCollatorForCompletionOnlyLM": _MASKING,
    "trl.setup_chat_format": "trl.clone_chat_template(model, tokenizer, source), or SFTConfig(chat_template_path=…)",
    "trl.AutoModelForCausalLMWithValueHead": f"value heads are {_GONE} with PPO; for RL use GRPO or RLOO",
    "trl.AutoModelForSeq2SeqLMWithValueHead": f"value heads are {_GONE} with PPO",
    "trl.ConstantLengthDataset": "SFTConfig(packing=True)",
    "trl.RewardDataCollatorWithPadding": "delete it: RewardTrainer brings its collator",
    "trl.DPODataCollatorWithPadding": "delete it: DPOTrainer brings its collator",
    "trl.SFTScriptArguments": "trl.ScriptArguments",
    "trl.DPOScriptArguments": "trl.ScriptArguments",
    "trl.RewardScriptArguments": "trl.ScriptArguments",
    "trl.get_kbit_device_map": 'device_map="auto", or nothing: the trainer places the model',
    "trl.TrackioCallback": 'report_to="trackio" in the config switches it on',
    "trl.MergeModelCallback": f"{_GONE}",
    "trl.WinRateCallback": f"{_GONE}",
    "trl.HfPairwiseJudge": f"judges are {_GONE}",
    "trl.OpenAIPairwiseJudge": f"judges are {_GONE}",
    "trl.PairRMJudge": f"judges are {_GONE}",
    "trl.BasePairwiseJudge": f"judges are {_GONE}",
    "trl.TextEnvironment": "GRPOTrainer(environment_factory=…)",
    "trl.BestOfNSampler": f"{_GONE}",
    "trl.core": f"the module is {_GONE}",
    "trl.trainer.ConstantLengthDataset": "SFTConfig(packing=True)",
    "trl.trainer.utils.ConstantLengthDataset": "SFTConfig(packing=True)",
    "trl.trainer.utils.DataCollatorForCompletionOnlyLM": _MASKING,
    "trl.extras.dataset_formatting": f"the module is {_GONE}; map the rows to messages",
    "trl.experimental.ppo": f"PPO is {_GONE}; for RL use GRPO or RLOO",
    "transformers.AdamW": "torch.optim.AdamW, or optim= in the config",
    "transformers.AutoModelForVision2Seq": "transformers.AutoModelForImageTextToText",
    "transformers.AutoModelWithLMHead": "transformers.AutoModelForCausalLM",
    "transformers.TFAutoModel": f"TensorFlow classes are {_GONE}",
    "transformers.TFAutoModelForCausalLM": f"TensorFlow classes are {_GONE}",
    "transformers.TFTrainer": f"TensorFlow classes are {_GONE}",
    "transformers.FlaxAutoModelForCausalLM": f"Flax classes are {_GONE}",
    "transformers.TrackioCallback": 'transformers.integrations.TrackioCallback; report_to="trackio" switches it on',
    "transformers.EvaluationStrategy": "transformers.IntervalStrategy",
    "transformers.TextDataset": "datasets.load_dataset",
    "transformers.LineByLineTextDataset": "datasets.load_dataset",
    "transformers.is_torch_tpu_available": "transformers.utils.is_torch_xla_available",
    "transformers.deepspeed": "transformers.integrations (HfDeepSpeedConfig)",
    "transformers.trainer_utils.EvaluationStrategy": "transformers.IntervalStrategy",
    "peft.prepare_model_for_int8_training": "peft.prepare_model_for_kbit_training",
    "datasets.load_metric": "the evaluate package: evaluate.load(name)",
    "datasets.list_datasets": "huggingface_hub.list_datasets",
    "huggingface_hub.HfFolder": "huggingface_hub.get_token",
    "huggingface_hub.Repository": "huggingface_hub.HfApi().upload_folder",
    "huggingface_hub.cached_download": "huggingface_hub.hf_hub_download",
    "huggingface_hub.InferenceApi": "huggingface_hub.InferenceClient",
    "huggingface_hub.ModelFilter": "keyword arguments of huggingface_hub.list_models",
    "huggingface_hub.DatasetFilter": "keyword arguments of huggingface_hub.list_datasets",
}
#: Keyword arguments of `from_pretrained` that reach the model's constructor today and fail there.
FROM_PRETRAINED: dict[str, str] = {
    "load_in_4bit": "quantization_config=BitsAndBytesConfig(load_in_4bit=True)",
    "load_in_8bit": "quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
    "use_flash_attention_2": 'attn_implementation="flash_attention_2"',
    "use_auth_token": "token=",
}
