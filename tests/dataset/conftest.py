"""The command run inside the test process: a table of cases must not cost a `datasets` import each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers import cli


@pytest.fixture
def in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Callable[..., dict[str, Any]]:
    """`in_process("rows.jsonl", "--method", "sft")` -> the JSON report; `report["exit_code"]` holds the exit code."""
    monkeypatch.setenv("ML_INTERN_CACHE", str(home / "cache"))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))

    def run(*arguments: str) -> dict[str, Any]:
        code = cli.main("inspect_dataset", [*arguments, "--json"])
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {**report, "exit_code": code}

    return run
