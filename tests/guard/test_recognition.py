"""What counts as a launch: a table of command lines, each looked at as the hook looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.command_lines import HARMLESS, LAUNCHES, lines
from ml_intern_helpers.guard import pre_tool_use
from support.helpers import ROOT

SUBMIT = "from huggingface_hub import run_uv_job\nrun_uv_job('train.py', flavor='a10g-large', timeout='4h')\n"
MAKEFILE = "PY = python\nall: train\ntrain: data\n\t@$(PY) train.py --lr $(LR)\ndata:\n\tmkdir -p data\nclean:\n\trm -rf data\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    recipe = (ROOT / "skills/ml-intern/recipes/sft.py").read_text(encoding="utf-8")
    for name, text in {
        "train.py": recipe,
        "prepare.py": "print('rows')\n",
        "submit.py": SUBMIT,
        "run.sh": "set -e\npython train.py\n",
        "setup.sh": "pip install trl\n",
        "Makefile": MAKEFILE,
        "scripts/launch": "",
        "sub/x": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_launch(command: str, folder: Path) -> bool:
    """Whether the guard takes the command for a launch: it asks about each while the ledger cannot be read."""
    (folder / ".ml-intern/runs.jsonl").mkdir(parents=True, exist_ok=True)
    answer = pre_tool_use.answer({"tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(folder)})
    return answer is not None and "could not check" in answer["hookSpecificOutput"]["permissionDecisionReason"]


def test_the_table_is_as_large_as_promised() -> None:
    assert len(lines(LAUNCHES)) + len(lines(HARMLESS)) >= 200
    assert len(lines(HARMLESS)) >= 100


def test_launches_are_seen(folder: Path) -> None:
    assert [line for line in lines(LAUNCHES) if not is_launch(line, folder)] == []


def test_look_alikes_pass(folder: Path) -> None:
    assert [line for line in lines(HARMLESS) if is_launch(line, folder)] == []
