"""`dry_run` on a script: whole, or with its process forked from one that has imported torch and TRL already."""

from __future__ import annotations

import argparse
import json
import os
import time
from functools import cache
from pathlib import Path
from unittest import mock

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.dryrun import dry_run, process
from support import warm
from support.helpers import ROOT
from support.training import training_python


@cache
def tiny_model(folder: Path) -> Path:
    """A tiny model with a chat template, made in `folder` once."""
    arguments = ["--data", str(ROOT / "examples/chat.jsonl"), "--output", str(folder / "tiny")]
    script = ROOT / "examples/make_tiny_model.py"
    code, _, err = warm.run_training(script, arguments, dict(os.environ), folder, timeout_s=120)
    assert code == 0, err.decode()
    return folder / "tiny"


def _forked(
    call: list[str], cwd: Path, environment: dict[str, str], output: Path, limit_s: float, limit_bytes: int
) -> process.Ended:
    start = time.monotonic()
    code, out, err = warm.run_training(Path(call[-2]), [call[-1]], environment, cwd, timeout_s=limit_s)
    output.write_bytes(out + err)
    return process.Ended(code, "", time.monotonic() - start, 0)


def forked_dry_run(script: Path, *arguments: str) -> Report:
    """What the command reports on a script in its own folder, offline; the environment is the pinned one."""
    parser = argparse.ArgumentParser()
    dry_run.add_arguments(parser)
    with (
        mock.patch.dict(os.environ, {"ML_INTERN_TRAINING_PYTHON": str(training_python())}),
        mock.patch.object(process, "run", _forked),
        mock.patch.object(Path, "cwd", return_value=script.parent),
    ):
        return dry_run.run(parser.parse_args([str(script), "--", *arguments]), Context(offline=True))


def real_size_model(folder: Path, tiny: Path) -> Path:
    """A model folder without weights: a real size's configuration with the tiny model's tokenizer."""
    folder.mkdir()
    for file in tiny.iterdir():
        if file.name.startswith("tokenizer") or file.suffix == ".jinja":
            (folder / file.name).write_bytes(file.read_bytes())
    sizes = {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16, "head_dim": 128}
    fixed = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "num_key_value_heads": 8, "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps({**fixed, **sizes, "vocab_size": 151936}))
    return folder
