# /// script
# requires-python = ">=3.11"
# dependencies = ["trl>=1.16", "transformers>=5.23", "torch>=2.13", "datasets>=5.2", "peft>=0.21", "trackio>=0.43"]
# [tool.hf-jobs]
# flavor = "a100-large"
# timeout = "6h"
# secrets = ["HF_TOKEN"]
# env = { HF_HUB_DISABLE_PROGRESS_BARS = "1", HF_DATASETS_DISABLE_PROGRESS_BARS = "1" }
# ///
"""GRPO, full or LoRA, on questions with checkable answers. Rows: `prompt` or `question`, and `answer`. MAX_STEPS=20: a smoke run.

MAX_STEPS=20 uv run grpo.py --split 'train[:200]'    then    hf jobs uv run -d -- grpo.py --hub-id you/name --space you/name
"""

import argparse
import math
import os
import re

import torch
from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
cli.add_argument("--model", default="Qwen/Qwen2.5-0.5B-Instruct", help="Hub id or folder")
cli.add_argument("--dataset", default="openai/gsm8k", help="Hub id, or a .jsonl, .json, .csv or .parquet file")
cli.add_argument("--config", default="main", help="configuration of a Hub dataset")
cli.add_argument("--split", default="train", help="of a Hub dataset; slices work: train[:1000]")
cli.add_argument("--output", default="out-grpo", help="folder for checkpoints and the final model")
cli.add_argument("--hub-id", help="push here, private; without it nothing is uploaded")
cli.add_argument("--project", default="ml-intern", help="Trackio project; '' turns tracking off")
cli.add_argument("--space", help="Trackio dashboard, user/name: on Jobs the metrics survive nowhere else")
cli.add_argument("--lora", action="store_true", help="train an adapter instead of all weights")
cli.add_argument("--lr", type=float, help="default 1e-6, with --lora 1e-5")
cli.add_argument("--batch", type=int, default=8, help="replies per device at once; out of memory: halve it, 64 per update stay")
cli.add_argument("--max-length", type=int, default=512, help="tokens of a reply")
cli.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --output")
args = cli.parse_args()
max_steps = int(os.environ.get("MAX_STEPS", -1))

kind = {"jsonl": "json", "json": "json", "csv": "csv", "parquet": "parquet"}.get(args.dataset.rpartition(".")[2])
source = {"path": kind, "data_files": args.dataset} if kind else {"path": args.dataset, "name": args.config}
data = load_dataset(**source, split="train" if kind else args.split)


def last_number(text):
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return float(numbers[-1]) if numbers else math.nan  # equal to nothing: no reward


def correct(completions, answer, **kwargs):
    """1 where the reply's last number is the answer's. TRL passes every column, and more: hence **kwargs."""
    return [float(last_number(reply[0]["content"]) == last_number(gold)) for reply, gold in zip(completions, answer, strict=True)]


if "prompt" not in data.column_names:
    data = data.rename_column("question", "prompt")
if isinstance(data[0]["prompt"], str):  # as messages, so that the chat template applies
    data = data.map(lambda row: {"prompt": [{"role": "user", "content": row["prompt"]}]})
data = data.select_columns(["prompt", "answer"]).train_test_split(test_size=min(64, len(data) // 20 + 1), seed=42)

gpu = torch.cuda.is_available()
bf16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)  # not on T4 and older: fp16 there
# fmt: off
config = GRPOConfig(
    output_dir=args.output, max_steps=max_steps, num_train_epochs=1, max_completion_length=args.max_length, seed=42,
    per_device_train_batch_size=args.batch, per_device_eval_batch_size=8,
    gradient_accumulation_steps=max(1, 64 // args.batch), activation_checkpointing=True,
    learning_rate=args.lr or (1e-5 if args.lora else 1e-6), lr_scheduler_type="cosine", warmup_steps=0.05,  # <1: a share
    num_generations=8, beta=0.0,  # no reference model; --batch x accumulation must divide by 8
    bf16=bf16, fp16=gpu and not bf16, use_cpu=not torch.accelerator.is_available(),
    # Trained weights are float32, small updates round away in bfloat16; a frozen base under LoRA may be bfloat16.
    model_init_kwargs={"dtype": "bfloat16" if bf16 and args.lora else "float32"},
    eval_strategy="steps", eval_steps=0.25, save_strategy="steps", save_steps=0.25, save_total_limit=2,
    disable_tqdm=True, logging_strategy="steps", logging_steps=1 if 0 < max_steps <= 200 else 10, logging_first_step=True,
    report_to="trackio" if args.project else "none", project=args.project,
    trackio_space_id=args.space, trackio_static_space_id=False,  # False: no second Space at the end
    push_to_hub=bool(args.hub_id), hub_model_id=args.hub_id, hub_private_repo=True,
)
trainer = GRPOTrainer(
    model=args.model, args=config, train_dataset=data["train"], eval_dataset=data["test"], reward_funcs=correct,
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear") if args.lora else None,
)
# fmt: on
trainer.train(resume_from_checkpoint=args.resume)
trainer.save_model(args.output)  # with a hub id this pushes too
