"""The verdicts that preflight builds on: what is there, what fails, and what nobody can tell."""

from __future__ import annotations

import pytest

from ml_intern_helpers.api_index.judge import called, judge_import, judge_keyword, judge_positions, positional
from ml_intern_helpers.api_index.shipped import shipped_library

LIBRARY = shipped_library()

IMPORTS = [
    ("trl", "SFTTrainer", "there"),
    ("trl", None, "there"),
    ("trl", "*", "there"),
    ("trl.trainer.sft_trainer", "SFTTrainer", "there"),
    ("trl.experimental.orpo", "ORPOConfig", "there"),
    ("trl", "ORPOTrainer", "missing"),
    ("trl", "PPOTrainer", "missing"),
    ("trl.core", "LengthSampler", "missing"),
    ("trl.core", None, "missing"),
    ("trl.SFTTrainer", None, "unknown"),
    ("transformers", "LlamaForCausalLM", "there"),
    ("transformers", "LlamaTokenizerFast", "there"),
    ("transformers.models.llama.modeling_llama", "LlamaDecoderLayer", "there"),
    ("transformers.models.llama.modeling_llama", "nn", "unknown"),
    ("transformers.models.llama.modeling_llama", "LlamaFlashAttention2", "missing"),
    ("transformers.models.gemma2.modular_gemma2", "Anything", "unknown"),
    ("transformers.tokenization_utils_fast", "PreTrainedTokenizerFast", "there"),
    ("transformers", "AdamW", "missing"),
    ("transformers.utils", "logging", "there"),
    ("transformers.testing_utils", "torch_device", "there"),
    ("transformers.trainer_utils", "get_last_checkpoint", "there"),
    ("transformers.integrations", "TrackioCallback", "there"),
    ("peft", "prepare_model_for_kbit_training", "there"),
    ("peft", "prepare_model_for_int8_training", "missing"),
    ("peft.tuners.lora", "Linear4bit", "there"),
    ("datasets", "load_metric", "missing"),
    ("huggingface_hub", "run_uv_job", "there"),
    ("huggingface_hub", "HfFolder", "missing"),
    ("huggingface_hub.utils", "RepositoryNotFoundError", "there"),
    ("accelerate.utils", "set_seed", "there"),
    ("trackio", "__version__", "there"),
    ("trl", "__file__", "unknown"),
    ("torch", "nn", "unknown"),
]


@pytest.mark.parametrize(("module", "name", "state"), IMPORTS, ids=[f"{module}:{name}" for module, name, _ in IMPORTS])
def test_imports(module: str, name: str | None, state: str) -> None:
    verdict = judge_import(LIBRARY, module, name)
    assert verdict.state == state
    assert bool(verdict.reason) == (state == "unknown"), "what is unknown says why"


KEYWORDS = [
    ("trl.SFTConfig", "max_length", "there"),
    ("trl.SFTConfig", "per_device_train_batch_size", "there"),
    ("trl.SFTConfig", "max_seq_length", "missing"),
    ("trl.SFTTrainer", "processing_class", "there"),
    ("trl.SFTTrainer", "tokenizer", "missing"),
    ("trl.experimental.orpo.ORPOConfig", "max_completion_length", "there"),
    ("transformers.Trainer.train", "resume_from_checkpoint", "there"),
    ("transformers.TrainingArguments", "evaluation_strategy", "missing"),
    ("transformers.BitsAndBytesConfig", "bnb_4bit_compute_dtype", "there"),
    ("transformers.BitsAndBytesConfig", "whatever", "unknown"),
    ("transformers.LlamaConfig", "hidden_size", "unknown"),
    ("transformers.AutoModelForCausalLM.from_pretrained", "dtype", "there"),
    ("transformers.AutoModelForCausalLM.from_pretrained", "use_cache", "there"),
    ("transformers.AutoModelForCausalLM.from_pretrained", "load_in_4bit", "missing"),
    ("transformers.Qwen2ForCausalLM.from_pretrained", "use_auth_token", "missing"),
    ("transformers.AutoModelForCausalLM.from_pretrained", "nonsense", "unknown"),
    ("transformers.AutoTokenizer.from_pretrained", "nonsense", "there"),
    ("peft.LoraConfig", "lora_alpha", "there"),
    ("peft.LoraConfig", "lora_alfa", "missing"),
    ("datasets.load_dataset", "split", "there"),
    ("datasets.load_dataset", "anything", "unknown"),
    ("datasets.Dataset.map", "num_proc", "there"),
    ("huggingface_hub.HfApi.upload_folder", "repo_id", "there"),
    ("trackio.init", "project", "there"),
    ("trl.NoSuchThing", "x", "unknown"),
]


@pytest.mark.parametrize(("call", "keyword", "state"), KEYWORDS, ids=[f"{call}({keyword}=)" for call, keyword, _ in KEYWORDS])
def test_keywords(call: str, keyword: str, state: str) -> None:
    verdict = judge_keyword(LIBRARY, call, keyword)
    assert verdict.state == state
    assert bool(verdict.reason) == (state == "unknown")


def test_a_fault_carries_its_way_out() -> None:
    verdict = judge_keyword(LIBRARY, "trl.SFTConfig", "evaluation_strategy")
    assert verdict.gone is not None
    assert verdict.gone.replacement == "transformers.TrainingArguments.eval_strategy", "told of the class it is inherited from"
    assert judge_keyword(LIBRARY, "peft.LoraConfig", "lora_alfa").similar[0] == "lora_alpha"


@pytest.mark.parametrize(
    ("call", "count", "state"),
    [
        ("trl.SFTTrainer", 2, "there"),
        ("trl.SFTTrainer", 40, "missing"),
        ("transformers.Trainer.train", 1, "there"),
        ("transformers.LlamaForCausalLM", 1, "unknown"),
    ],
)
def test_positions(call: str, count: int, state: str) -> None:
    assert judge_positions(LIBRARY, call, count).state == state


def test_positional_order() -> None:
    signature = called(LIBRARY, "trl.DPOTrainer")
    assert signature is not None
    assert positional(signature)[:3] == ["model", "ref_model", "args"]
