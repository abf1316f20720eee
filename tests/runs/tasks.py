"""A task as the command writes one, for tests to bend."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ml_intern_helpers.runs.contract import Task, read_task
from support.helpers import ROOT

VALUES: dict[str, Any] = {
    "schema": "ml-intern/task/v1",
    "id": "task-1",
    "state": "open",
    "request": "LoRA on Capybara",
    "method": "sft",
    "adapter": "lora",
    "base_model": {"id": "Qwen/Qwen3-0.6B", "revision": "main"},
    "datasets": [{"id": "trl-lib/Capybara", "revision": "main", "config": None, "split": "train"}],
    "max_length": 2048,
    "effective_batch": 32,
    "tracking": {"tool": "trackio", "project": "demo", "space_id": None},
    "hub": {"model_id": "ada/demo", "private": True},
    "where": "jobs",
    "account": "ada",
    "spend_cap_usd": 10,
    "spend_cap_usd_per_day": None,
    "deadline": None,
    "time_budget_s": None,
    "agreed_at": "2026-11-23T00:00:00.000Z",
    "closed_at": None,
    "history": [],
}


def values(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VALUES), **changes}


def on_file(folder: Path, text: str | bytes | None = None, **changes: Any) -> Task:
    """A task file in `folder`/.ml-intern, read back."""
    path = folder / ".ml-intern/task.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(values(**changes)) if text is None else text
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_task(path)


TERMS = [
    "--request", "LoRA on Capybara", "--method", "sft", "--adapter", "lora", "--base-model", "Qwen/Qwen3-0.6B",
    "--dataset", "trl-lib/Capybara,split=train", "--max-length", "2048", "--effective-batch", "16", "--where", "local",
]  # fmt: skip


def as_somebody_else(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` without root's right to read and write everything."""
    first = f"import os, sys; sys.path.insert(0, {str(ROOT / 'src')!r})\nfrom pathlib import Path\n"
    drop = "import ml_intern_helpers.runs.ledger, ml_intern_helpers.runs.contract\nos.geteuid() or os.setuid(65534)\n"
    return subprocess.run([sys.executable, "-c", first + drop + code], capture_output=True, text=True, check=False)
