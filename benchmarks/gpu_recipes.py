"""Measures peak memory, step time and tokens per second of each recipe on models with random weights, without downloads.

    scripts/launch --env training benchmarks/gpu_recipes.py [--sizes 0.6B,1B] [--recipes sft,dpo] [--seq 2048] [--batch 4]

Each run is a process of its own: the recipe as it ships, with MAX_STEPS, on rows as long as --seq. Checkpoints are not
written. A run's first step is left out of the times (kernels are chosen and caches filled in it); the peak counts all.
Prints a Markdown table, and one JSON line per run on stderr as it ends. Without a GPU it runs too and reports the
process's peak resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "skills/ml-intern/recipes"
EXAMPLES = ROOT / "examples"
#: hidden size, layers, attention heads, key/value heads, feed-forward size, vocabulary.
SHAPES = {
    "tiny": (96, 2, 4, 4, 192, 512),
    "0.1B": (768, 12, 12, 4, 2048, 32_000),
    "0.6B": (1024, 28, 16, 8, 3072, 151_936),
    "1B": (2048, 16, 32, 8, 8192, 128_256),
    "3B": (3072, 28, 24, 8, 8192, 128_256),
}
#: Recipe with its flags; the name is what the table shows.
RUNS = {
    "sft": ("sft",),
    "sft LoRA": ("sft", "--lora"),
    "dpo": ("dpo",),
    "dpo LoRA": ("dpo", "--lora"),
    "kto": ("kto",),
    "reward": ("reward",),
    "grpo": ("grpo",),
    "grpo LoRA": ("grpo", "--lora"),
}
#: Room for the question and the template in a row.
PROMPT_TOKENS = 64
COLUMNS = ("recipe", "model", "batch", "tokens a row", "peak GiB", "s/update", "tokens/s", "loss", "error")


def make_model(size: str, folder: Path) -> float:
    """Write a Llama of `size` with random bfloat16 weights and the example tokenizer; returns its parameters in 10^9."""
    sys.path.insert(0, str(EXAMPLES))
    import torch
    from make_tiny_model import make_tokenizer, texts
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, layers, heads, kv_heads, inner, vocabulary = SHAPES[size]
    tokenizer = make_tokenizer(texts(EXAMPLES / "chat.jsonl"))
    tokenizer.model_max_length = 32_768
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=inner,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return float(model.num_parameters()) / 1e9


def make_data(folder: Path, tokens: int) -> None:
    """Rows of about `tokens` tokens, none of them longer (the reward trainer would drop it); GRPO's prompts stay short."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    rows = [json.loads(line) for line in (EXAMPLES / "preferences.jsonl").read_text(encoding="utf-8").splitlines()] * 4
    long_text = " ".join(row["chosen"][0]["content"] for row in rows)
    ids = tokenizer(long_text)["input_ids"]
    while len(ids) < tokens:
        ids += ids
    cut = max(8, tokens - PROMPT_TOKENS)
    reply = {"role": "assistant", "content": tokenizer.decode(ids[:cut])}
    other = {"role": "assistant", "content": tokenizer.decode(ids[1 : cut + 1])}
    chats = [{"messages": [*row["prompt"], reply]} for row in rows]
    pairs = [{"prompt": row["prompt"], "chosen": [reply], "rejected": [other]} for row in rows]
    prompts = [json.loads(line) for line in (EXAMPLES / "prompts.jsonl").read_text(encoding="utf-8").splitlines()] * 8
    for name, data in {"sft": chats, "pairs": pairs, "grpo": prompts}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data), encoding="utf-8")


def child(script: str, result: Path, arguments: list[str]) -> None:
    """Run a recipe in this process with a timer, and write the measurements to `result`."""
    import time

    import torch
    from transformers import Trainer, TrainerCallback
    from transformers import trainer as trainer_module

    gpu = torch.cuda.is_available()
    times: list[float] = []
    history: list[dict[str, Any]] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if gpu:
                torch.cuda.synchronize()
            self.begun = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - self.begun)

        def on_log(self, _args: Any, _state: Any, _control: Any, logs: dict[str, Any], **__: Any) -> None:
            history.append(dict(logs))

    trainer_module.DEFAULT_CALLBACKS.append(Clock)
    Trainer._save_checkpoint = lambda *_, **__: None
    Trainer.save_model = lambda *_, **__: None
    Trainer.evaluate = lambda *_, **__: {}
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")
    steps = [line for line in history if "loss" in line]
    tokens = [line["num_tokens"] for line in steps if "num_tokens" in line]
    peak = torch.cuda.max_memory_reserved() if gpu else _resident()
    counted = times[1:]
    measured = {
        "peak_bytes": peak,
        "update_s": sum(counted) / len(counted),
        "tokens_per_s": (tokens[-1] - tokens[0]) / sum(counted) if len(tokens) > 1 else None,
        "loss": steps[-1]["loss"],
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "torch": torch.__version__,
    }
    result.write_text(json.dumps(measured), encoding="utf-8")


def _resident() -> int:
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(name: str, model: Path, args: argparse.Namespace) -> dict[str, Any]:
    """One run in a process of its own; `error` holds the last line it printed when it failed."""
    recipe, *flags = RUNS[name]
    folder = model.parent
    data = folder / f"{recipe if recipe in ('sft', 'grpo') else 'pairs'}.jsonl"
    result = folder / "measured.json"
    result.unlink(missing_ok=True)
    length = args.reply if recipe == "grpo" else args.seq
    batch = max(args.batch, 8) if recipe == "grpo" else args.batch
    options = [
        "--model",
        model,
        "--dataset",
        data,
        "--output",
        folder / "out",
        "--project",
        "",
        "--batch",
        batch,
        "--max-length",
        length,
    ]
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "PYTHONWARNINGS": "ignore",
        "MAX_STEPS": str(args.steps),
    }
    command = [sys.executable, __file__, "--child", RECIPES / f"{recipe}.py", result, *options, *flags]
    done = subprocess.run([str(part) for part in command], env=os.environ | quiet, capture_output=True, text=True, check=False)
    row: dict[str, Any] = {"recipe": name, "batch": batch, "tokens a row": args.reply if recipe == "grpo" else args.seq}
    if done.returncode or not result.exists():
        return row | {"error": ((done.stderr.strip().splitlines() or ["?"])[-1])[:120]}
    return row | json.loads(result.read_text(encoding="utf-8"))


def shown(row: dict[str, Any]) -> dict[str, str]:
    """The cells of a table row."""
    cells = {name: str(row.get(name, "")) for name in COLUMNS}
    if "peak_bytes" in row:
        cells |= {
            "peak GiB": f"{row['peak_bytes'] / 2**30:.1f}",
            "s/update": f"{row['update_s']:.2f}",
            "loss": f"{row['loss']:.3f}",
        }
        cells["tokens/s"] = f"{row['tokens_per_s']:,.0f}" if row["tokens_per_s"] else ""
    return cells


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--sizes", default="0.6B,1B", help=f"of {', '.join(SHAPES)}")
    cli.add_argument("--recipes", default=",".join(RUNS), help=f"of {', '.join(RUNS)}")
    cli.add_argument("--seq", type=int, default=2048, help="tokens a row; for pairs, of each side")
    cli.add_argument("--reply", type=int, default=256, help="tokens a reply in GRPO")
    cli.add_argument("--batch", type=int, default=4, help="rows per device (GRPO: at least 8)")
    cli.add_argument("--steps", type=int, default=6, help="updates; the first is not timed")
    args = cli.parse_args()
    rows, device = [], ""
    for size in args.sizes.split(","):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            billions = make_model(size, folder / "model")
            make_data(folder, tokens=args.seq)
            for name in args.recipes.split(","):
                row = {"model": f"{billions:.3g}B"} | measure(name, folder / "model", args)
                device = row.get("device", device)
                print(json.dumps(row), file=sys.stderr, flush=True)
                rows.append(shown(row))
    print(f"{device}, {args.steps - 1} timed updates each\n")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(row[name] for name in COLUMNS) + " |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    else:
        main()
