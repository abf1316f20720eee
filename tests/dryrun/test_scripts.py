"""Scripts with one mistake each, and their right neighbours, run with the real libraries and the model shrunk."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from jsonschema import Draft202012Validator

from ml_intern_helpers.core.report import Report
from ml_intern_helpers.dryrun.dry_run import render
from support.dry_runs import forked_dry_run, real_size_model, tiny_model
from support.helpers import ROOT

pytestmark = pytest.mark.training
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/dry_run.v1.json").read_text(encoding="utf-8")))

ROWS = 'rows = Dataset.from_list([{"text": "two and two is four", "prompt": "two and two?", "answer": "four"}] * 12)\n'
SFT = "from datasets import Dataset\nfrom trl import SFTConfig, SFTTrainer\n" + ROWS
GRPO = "from datasets import Dataset\nfrom trl import GRPOConfig, GRPOTrainer\n" + ROWS
LOOP = """
from accelerate import Accelerator
from datasets import Dataset
import torch
from transformers import AutoModelForCausalLM
accelerator = Accelerator(mixed_precision="bf16")
model = AutoModelForCausalLM.from_pretrained("tiny").to("cuda")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
model, optimizer = accelerator.prepare(model, optimizer)
for _ in range(3):
    batch = torch.randint(5, 50, (2, 8), device="cuda")
    loss = model(input_ids=batch, labels=batch).loss
    {backward}
    optimizer.step()
    optimizer.zero_grad()
"""
TOKENS = """
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer
rows = Dataset.from_list([{{"text": "<think>two</think> four"}}] * 12)
tokenizer = AutoTokenizer.from_pretrained("tiny")
tokenizer.add_tokens(["<think>", "</think>"])
model = AutoModelForCausalLM.from_pretrained("tiny")
model.resize_token_embeddings(len(tokenizer))
SFTTrainer(model, args=SFTConfig(output_dir="out"), train_dataset=rows, processing_class=tokenizer,
           peft_config=LoraConfig(target_modules=["q_proj"]{more})).train()
"""

#: (id, script, verdict, code of the finding that stops it, part of the text that Claude reads)
CASES = [
    ("right", SFT + 'SFTTrainer("tiny", args=SFTConfig(output_dir="out"), train_dataset=rows.select_columns("text")).train()', "PASS", "", "[TRAINED]"),
    ("argument that the release does not have", SFT + 'SFTTrainer("tiny", tokenizer=None, train_dataset=rows)', "FAIL", "DRY101", ":4:"),
    ("value that a constructor refuses", GRPO + 'GRPOConfig(output_dir="o", num_generations=16, per_device_train_batch_size=4)', "FAIL", "DRY101", "divisible"),
    ("a dict where a split is needed", SFT + 'SFTTrainer("tiny", train_dataset=rows.train_test_split(2)).train()', "FAIL", "DRY101", "DatasetDict"),
    ("metric that nothing computes", SFT + 'SFTTrainer("tiny", args=SFTConfig(output_dir="o", eval_strategy="steps", eval_steps=500, save_steps=500, load_best_model_at_end=True, metric_for_best_model="eval_f1"), train_dataset=rows.select_columns("text"), eval_dataset=rows.select_columns("text")).train()', "FAIL", "DRY101", "eval_f1"),
    ("new tokens that never learn", TOKENS.format(more=""), "FAIL", "DRY107", "embed"),
    ("new tokens that learn", TOKENS.format(more=', modules_to_save=["embed_tokens", "lm_head"]'), "PASS", "", "moved"),
    ("reward that cannot tell answers apart", GRPO + 'def always(completions, **columns):\n    return [1.0] * len(completions)\nGRPOTrainer("tiny", reward_funcs=always, args=GRPOConfig(output_dir="o", num_generations=4), train_dataset=rows).train()', "PASS", "DRY111", "always"),
    ("reward that can", GRPO + 'def right(completions, answer, **columns):\n    return [float(a in c) for a, c in zip(answer, completions)]\nGRPOTrainer("tiny", reward_funcs=right, args=GRPOConfig(output_dir="o", num_generations=4), train_dataset=rows).train()', "PASS", "", "reference [1.0"),
    ("loss.backward under accelerate", LOOP.format(backward="loss.backward()"), "FAIL", "DRY119", "accelerator.backward"),
    ("accelerator.backward", LOOP.format(backward="accelerator.backward(loss)"), "PASS", "", "3 optimizer steps"),
    ("written elsewhere and read again", SFT + 'import os\nfrom pathlib import Path\ntrainer = SFTTrainer("tiny", args=SFTConfig(output_dir="OUTSIDE/out"), train_dataset=rows.select_columns("text"))\ntrainer.train()\ntrainer.model.save_pretrained("OUTSIDE/final")\ntrainer.processing_class.save_pretrained("OUTSIDE/final")\nos.makedirs("OUTSIDE/a/b")\nPath("OUTSIDE/a/b/log").write_text("x")\nassert open("OUTSIDE/a/b/log").read() == "x"\nfrom transformers import AutoModelForCausalLM\nAutoModelForCausalLM.from_pretrained("OUTSIDE/final")', "PASS", "", "moved"),
    ("a folder that is missing", 'open("OUTSIDE/no/log", "w")', "FAIL", "DRY101", "FileNotFoundError"),
    ("no training", "print('done')", "UNKNOWN", "", "without training"),
    ("a library for GPUs that is not there", "import vllm", "UNKNOWN", "", "--with vllm"),
    ("a model that cannot be reached", 'from transformers import AutoModel\nAutoModel.from_pretrained("you/private")', "UNKNOWN", "", "Hub could not be reached"),
    ("an assertion that there is a GPU", 'import torch\nassert torch.cuda.is_available()\n' + SFT + 'SFTTrainer("tiny", train_dataset=rows.select_columns("text"), args=SFTConfig(output_dir="o")).train()', "PASS", "", "told that there is a GPU"),
    ("more rows than were loaded", 'from datasets import load_dataset\nfrom trl import SFTConfig, SFTTrainer\nrows = load_dataset("json", data_files="many.jsonl", split="train").select(range(500, 900))\nSFTTrainer("tiny", train_dataset=rows, args=SFTConfig(output_dir="o")).train()', "PASS", "", "the first 200 of 1,000 rows"),
    ("more rows than there are", 'from datasets import load_dataset\nload_dataset("json", data_files="many.jsonl", split="train").select(range(5000))', "FAIL", "DRY101", "IndexError"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(("script", "verdict", "code", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_verdict_names_the_mistake(tmp_path: Path, tiny: Path, script: str, verdict: str, code: str, said: str) -> None:
    report = dry_run_of(tmp_path, tiny, script)
    text = render(report)
    assert report.fields["verdict"] == verdict, text
    assert not code or code in {finding.code for finding in report.findings}, text
    assert verdict != "PASS" or not [finding for finding in report.findings if finding.severity == "error"]
    assert said in text
    assert len(text) <= 2500


def dry_run_of(folder: Path, tiny: Path, script: str) -> Report:
    """What the command reports; the folder has the model, and nothing is written to it."""
    (folder / "tiny").mkdir()
    for file in tiny.iterdir():
        (folder / "tiny" / file.name).write_bytes(file.read_bytes())
    (folder / "many.jsonl").write_text('{"text": "two and two is four"}\n' * 1000)
    outside = folder.with_name(f"{folder.name}-outside")
    outside.mkdir()
    (folder / "train.py").write_text(dedent(script).replace("OUTSIDE", str(outside)))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    report = forked_dry_run(folder / "train.py")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert list(outside.iterdir()) == []
    SCHEMA.validate(report.to_dict())
    return report


def test_a_recipe_with_a_model_of_real_size(tmp_path: Path, tiny: Path) -> None:
    """The recipe is unchanged, the model has 0.6 billion parameters and no weights, and the push is held back."""
    real_size_model(tmp_path / "qwen3", tiny)
    rows = [{"prompt": "two and two?", "completion": "four"}] * 60
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "sft.py").write_text((ROOT / "skills/ml-intern/recipes/sft.py").read_text(encoding="utf-8"))
    report = forked_dry_run(tmp_path / "sft.py", "--model", "qwen3", "--dataset", "rows.jsonl", "--lora", "--hub-id", "ada/tuned")
    text = render(report)
    assert report.fields["verdict"] == "PASS", text
    held_back = {(each["method"], each["repo"], each["private"]) for each in report.fields["writes"]}
    assert ("create_repo", "ada/tuned", True) in held_back
    assert {"upload_folder"} <= {method for method, _, _ in held_back}
    kinds = {event["kind"] for event in report.fields["seen"]}
    assert {"model", "trainable", "batch", "schedule", "trained", "moved", "checkpoint", "resumed", "saved"} <= kinds
    assert all(event.get("ok", True) for event in report.fields["seen"])
