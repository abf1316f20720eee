"""The command run inside the test process: a table of cases must not cost the imports of a process each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.cli import commands
from support.helpers import Outcome, clean_environment


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Callable[..., Outcome]:
    """`call("rows.jsonl", "--json", HF_ENDPOINT=…)`: the command in this process, in an environment like a fresh one's."""

    def run(*arguments: str, **environment: str) -> Outcome:
        for name in ("HF_TOKEN", "HF_HOME", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "XDG_CACHE_HOME", "HF_TOKEN_PATH"):
            monkeypatch.delenv(name, raising=False)
        for name, value in clean_environment(home, **environment).items():
            monkeypatch.setenv(name, value)
        code = commands.main("inspect_dataset", list(arguments))
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def in_process(call: Callable[..., Outcome]) -> Callable[..., dict[str, Any]]:
    """`in_process("rows.jsonl", "--method", "sft")` -> the JSON report."""
    return lambda *arguments: dict(json.loads(call(*arguments, "--json").stdout))
