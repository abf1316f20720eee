"""The shipped index equals what importing the pinned libraries shows, field by field; and what `from_pretrained` really takes."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.indexes.libraries import PACKAGES, shipped_library
from ml_intern_helpers.indexes.lookup import from_pretrained_keyword
from support import warm
from support.helpers import ROOT
from support.training import training_python

pytestmark = pytest.mark.training

CONFIGS = ["SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO", "Distillation"]
CALLS = [
    *(f"trl.{name}{kind}" for name in CONFIGS for kind in ("Config", "Trainer")),
    *(
        f"trl.experimental.{home}.{name}"
        for home, name in (("orpo", "ORPOConfig"), ("orpo", "ORPOTrainer"), ("cpo", "CPOConfig"))
    ),
    *(f"trl.{name}" for name in ("ModelConfig", "ScriptArguments", "BEMACallback", "clone_chat_template", "get_peft_config")),
    *(f"transformers.{name}" for name in ("TrainingArguments", "Trainer", "Seq2SeqTrainingArguments", "Seq2SeqTrainer")),
    *(f"transformers.{name}" for name in ("BitsAndBytesConfig", "GPTQConfig", "GenerationConfig", "EarlyStoppingCallback")),
    *(f"transformers.{name}" for name in ("DataCollatorForLanguageModeling", "pipeline", "set_seed", "TextStreamer")),
    *(f"peft.{name}" for name in ("LoraConfig", "PromptTuningConfig", "get_peft_model", "prepare_model_for_kbit_training")),
    *(
        f"datasets.{name}"
        for name in ("load_dataset", "load_from_disk", "concatenate_datasets", "interleave_datasets", "Dataset")
    ),
    *(f"trackio.{name}" for name in ("init", "log", "finish", "show")),
    *(f"accelerate.{name}" for name in ("Accelerator", "DeepSpeedPlugin", "FullyShardedDataParallelPlugin")),
    *(f"huggingface_hub.{name}" for name in ("run_job", "run_uv_job", "HfApi", "snapshot_download", "upload_folder", "login")),
]


@functools.cache
def probe() -> dict[str, Any]:
    """One start of Python for all: importing the libraries takes most of the time."""
    script = Path(__file__).with_name("probe_runtime.py")
    asked = {"calls": CALLS, "classes": CLASSES, "keywords": [word for words in KEYWORDS.values() for word in words]}
    arguments = [str(ROOT / "src"), json.dumps(asked)]
    code, stdout, stderr = warm.run_training(script, arguments, dict(os.environ), Path.cwd(), timeout_s=170)
    assert code == 0, stderr[-3000:]
    found: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("call", CALLS)
def test_arguments_defaults_and_kinds(call: str) -> None:
    assert probe()["calls"][call] == {}


#: Indexed and not there: removed again by the package's own `del`, or in need of a package that the environment lacks
#: (sentencepiece, torchvision, rich). A name too many can hide a fault, one too few would invent one.
MORE = {
    "transformers": {"VideoProcessorMixin", *(f"{name}TokenizerFast" for name in ("M2M100", "Marian", "Pop2Piano", "Siglip", "Speech2Text"))},
    "accelerate": {"rich"},
    "datasets": {"deprecation_utils", "filelock", "resources"},
}  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
def test_importable_names(package: str) -> None:
    found = probe()["names"][package]
    assert found["not indexed"] == []
    assert set(found["not there"]) <= MORE.get(package, set())


@pytest.mark.parametrize("package", PACKAGES)
def test_shipped_index_is_what_the_installed_files_give(package: str) -> None:
    """`scripts/build_api_index --check --python`, one package at a time."""
    command = [str(ROOT / "scripts/build_api_index"), "--check", "--python", str(training_python()), "--only", package]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


KEYWORDS = {
    "legal": [
        "torch_dtype", "dtype", "device_map", "attn_implementation", "trust_remote_code", "low_cpu_mem_usage", "max_memory",
        "offload_folder", "offload_state_dict", "revision", "token", "cache_dir", "subfolder", "variant", "use_safetensors",
        "quantization_config", "ignore_mismatched_sizes", "local_files_only", "force_download", "output_loading_info", "key_mapping",
    ],
    "config": ["use_cache", "max_position_embeddings", "num_labels", "id2label", "problem_type", "attention_dropout", "pad_token_id"],
    "removed": ["load_in_4bit", "load_in_8bit", "use_auth_token", "use_flash_attention_2", "resume_download"],
    "doubtful": ["torch_dtyp", "trust_remote", "nonsense", "fast_inference"],
}  # fmt: skip


CLASSES = ["AutoModelForCausalLM", "LlamaForCausalLM"]


@pytest.mark.parametrize("call", CLASSES)
def test_from_pretrained_keywords(call: str) -> None:
    """Each keyword is really passed to a tiny model: legal ones load, the rest is a TypeError."""
    library = shipped_library("transformers", "huggingface_hub")
    for state, keywords in KEYWORDS.items():
        for keyword in keywords:
            assert from_pretrained_keyword(library, f"transformers.{call}", keyword).state == state, keyword
            assert (keyword in probe()["refused"][call]) == (state in ("removed", "doubtful")), keyword
