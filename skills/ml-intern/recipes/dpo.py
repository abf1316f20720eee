# /// script
# requires-python = ">=3.11"
# dependencies = ["trl>=1.16", "transformers>=5.23", "torch>=2.13", "datasets>=5.2", "peft>=0.21", "trackio>=0.43"]
# [tool.hf-jobs]
# flavor = "a10g-large"
# timeout = "4h"
# secrets = ["HF_TOKEN"]
# env = { HF_HUB_DISABLE_PROGRESS_BARS = "1", HF_DATASETS_DISABLE_PROGRESS_BARS = "1" }
# ///
"""DPO, full or LoRA. Rows: `chosen` + `rejected` with or without `prompt`, messages or strings. MAX_STEPS=20: a smoke run.

MAX_STEPS=20 uv run dpo.py --split 'train[:1000]'    then    hf jobs uv run -d -- dpo.py --hub-id you/name --space you/name
"""

import argparse
import os

import torch
from datasets import load_dataset
from peft import LoraConfig
from trl import DPOConfig, DPOTrainer

cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
cli.add_argument("--model", default="Qwen/Qwen3-0.6B", help="Hub id or folder")
cli.add_argument("--dataset", default="trl-lib/ultrafeedback_binarized", help="Hub id, or a .jsonl, .json, .csv or .parquet file")
cli.add_argument("--split", default="train", help="of a Hub dataset; slices work: train[:1000]")
cli.add_argument("--output", default="out-dpo", help="folder for checkpoints and the final model")
cli.add_argument("--hub-id", help="push here, private; without it nothing is uploaded")
cli.add_argument("--project", default="ml-intern", help="Trackio project; '' turns tracking off")
cli.add_argument("--space", help="Trackio dashboard, user/name: on Jobs the metrics survive nowhere else")
cli.add_argument("--lora", action="store_true", help="train an adapter instead of all weights")
cli.add_argument("--lr", type=float, help="default 1e-6, with --lora 1e-5")
cli.add_argument("--batch", type=int, default=4, help="rows per device at once; out of memory: halve it, 32 per update stay")
cli.add_argument("--max-length", type=int, default=2048, help="tokens of prompt and reply; longer ones are cut")
cli.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --output")
args = cli.parse_args()
max_steps = int(os.environ.get("MAX_STEPS", -1))

kind = {"jsonl": "json", "json": "json", "csv": "csv", "parquet": "parquet"}.get(args.dataset.rpartition(".")[2])
data = load_dataset(kind, data_files=args.dataset, split="train") if kind else load_dataset(args.dataset, split=args.split)


def chat(row):
    """Strings as messages, so that the chat template applies; orca_dpo_pairs calls the prompt `question`, which TRL ignores."""
    prompt = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    prompt += [{"role": "user", "content": row["prompt"] if "prompt" in row else row["question"]}]
    return {"prompt": prompt} | {side: [{"role": "assistant", "content": row[side]}] for side in ("chosen", "rejected")}


if isinstance(data[0]["chosen"], str):
    data = data.map(chat, remove_columns=data.column_names)
elif isinstance(data[0].get("prompt"), str):  # ultrafeedback_binarized: TRL breaks on it, and finds the prompt in both lists
    data = data.remove_columns("prompt")
data = data.select_columns([name for name in ("prompt", "chosen", "rejected") if name in data.column_names])
data = data.train_test_split(test_size=min(500, len(data) // 20 + 1), seed=42)

gpu = torch.cuda.is_available()
bf16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)  # not on T4 and older: fp16 there
# fmt: off
config = DPOConfig(
    output_dir=args.output, max_steps=max_steps, num_train_epochs=1, max_length=args.max_length, seed=42,
    per_device_train_batch_size=args.batch, per_device_eval_batch_size=args.batch,
    gradient_accumulation_steps=max(1, 32 // args.batch), activation_checkpointing=True,
    learning_rate=args.lr or (1e-5 if args.lora else 1e-6), lr_scheduler_type="cosine", warmup_steps=0.05,  # <1: a share
    beta=0.1,  # how hard the reference model holds; without --lora it is a second copy in memory
    bf16=bf16, fp16=gpu and not bf16, use_cpu=not torch.accelerator.is_available(),
    # Trained weights are float32, small updates round away in bfloat16; a frozen base under LoRA may be bfloat16.
    model_init_kwargs={"dtype": "bfloat16" if bf16 and args.lora else "float32"},
    eval_strategy="steps", eval_steps=0.25, save_strategy="steps", save_steps=0.25, save_total_limit=2,
    disable_tqdm=True, logging_strategy="steps", logging_steps=1 if 0 < max_steps <= 200 else 10, logging_first_step=True,
    report_to="trackio" if args.project else "none", project=args.project,
    trackio_space_id=args.space, trackio_static_space_id=False,  # False: no second Space at the end
    push_to_hub=bool(args.hub_id), hub_model_id=args.hub_id, hub_private_repo=True,
)
trainer = DPOTrainer(
    model=args.model, args=config, train_dataset=data["train"], eval_dataset=data["test"],
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear") if args.lora else None,
)
# fmt: on
trainer.train(resume_from_checkpoint=args.resume)
trainer.save_model(args.output)  # with a hub id this pushes too
