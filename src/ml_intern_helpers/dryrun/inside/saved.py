"""Loads what the script saved, as a stranger would: the folder alone."""

from __future__ import annotations

import os
from typing import Any

from ml_intern_helpers.dryrun.inside.events import Run, describe, emit, finding


def report_saved() -> None:
    """Every folder that `save_model` or `save_pretrained` wrote, other than checkpoints."""
    folders = [folder for folder in Run.saved if "checkpoint-" not in folder and os.path.isdir(folder)]
    for folder in folders[:3]:
        try:
            _report(folder)
        except Exception as err:
            emit("saved", folder=_shown(folder), ok=False, error=describe(err))


def _shown(folder: str) -> str:
    return os.path.relpath(folder, Run.work)


def _report(folder: str) -> None:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    files = sorted(os.listdir(folder))
    adapter = "adapter_config.json" in files
    if not adapter and "config.json" not in files:
        return
    tokenizer: Any = None
    if any(name.startswith("tokenizer") for name in files):
        tokenizer = AutoTokenizer.from_pretrained(folder)
    if adapter:
        from peft import PeftConfig

        PeftConfig.from_pretrained(folder)
    else:
        config = AutoConfig.from_pretrained(folder)
        AutoModel.from_pretrained(folder, config=config)
    emit("saved", folder=_shown(folder), ok=True, adapter=adapter, tokenizer=tokenizer is not None, files=files[:20])
    if tokenizer is None and not adapter:
        finding("no-tokenizer", "warning", f"{_shown(folder)} holds a model without its tokenizer",
                "pass processing_class=tokenizer to the trainer, or save the tokenizer too", line=None)  # fmt: skip
