"""While a training script is written: new API findings at once, each once, and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from guard.events import Project

GOOD = (
    "from datasets import load_dataset\nfrom trl import SFTConfig, SFTTrainer\n"
    "rows = load_dataset('trl-lib/Capybara', split='train')\n"
    "config = SFTConfig(output_dir='out', max_length=512)\n"
    "SFTTrainer('Qwen/Qwen3-0.6B', args=config, train_dataset=rows).train()\n"
)
BAD = GOOD.replace("max_length", "max_seq_length")


def wrote(name: str, tool: str = "Write", **more: Any) -> dict[str, Any]:
    key = "notebook_path" if tool == "NotebookEdit" else "file_path"
    return {"hook_event_name": "PostToolUse", "tool_name": tool, "tool_input": {key: name}, "tool_response": {}, **more}


@pytest.mark.parametrize("tool", ["Write", "Edit", "MultiEdit"])
def test_finding_comes_at_once(project: Project, tool: str) -> None:
    (project.folder / "train.py").write_text(BAD)
    said = project.context("after_write", wrote(str(project.folder / "train.py"), tool))
    assert "4: API101" in said
    assert "max_seq_length" in said
    assert "max_length" in said.partition("->")[2]


def test_notebook(project: Project) -> None:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": BAD.splitlines(True)}]
    (project.folder / "train.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert "API101" in project.context("after_write", wrote("train.ipynb", "NotebookEdit"))


def test_each_is_told_once(project: Project) -> None:
    path = project.folder / "train.py"
    path.write_text(BAD)
    assert project.context("after_write", wrote("train.py"))
    path.write_text("# a new first line\n" + BAD)
    assert project.fire("after_write", wrote("train.py", "Edit")) is None, "only the line number is new"
    path.write_text(BAD.replace("rows).train", "rows, tokenizer=None).train"))
    said = project.context("after_write", wrote("train.py", "Edit"))
    assert "tokenizer" in said
    assert "max_seq_length" not in said
    path.write_text(GOOD)
    assert project.fire("after_write", wrote("train.py", "Edit")) is None
    path.write_text(BAD)
    assert project.context("after_write", wrote("train.py", "Edit")), "mended and broken again: that is news"


def test_other_sessions_and_files_are_told_for_themselves(project: Project) -> None:
    for name in ("a.py", "b.py"):
        (project.folder / name).write_text(BAD)
        assert project.context("after_write", wrote(name))
    assert project.context("after_write", wrote("a.py", session_id="session-2"))


def test_at_most_five_are_shown(project: Project) -> None:
    wrong = "".join(f", no_such_argument_{number}=1" for number in range(9))
    (project.folder / "train.py").write_text(GOOD.replace(", max_length=512", wrong))
    said = project.context("after_write", wrote("train.py"))
    assert said.count("API101") == 5
    assert "and 4 more" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("train.py", GOOD, id="clean"),
        pytest.param("prepare.py", "import datasets\nprint(datasets.load_dataset('x'))\n", id="trains-nothing"),
        pytest.param("tool.py", "print(1)\n", id="other-code"),
        pytest.param("notes.md", BAD, id="no-python"),
        pytest.param("train.py", BAD[:-20], id="half-a-script"),
        pytest.param("train.py", "from trl import SFTTrainer\n" + "x = (" * 3000, id="nested"),
        pytest.param("train.py", "from trl import SFTTrainer\n\0\ud800", id="no-text"),
        pytest.param("train.ipynb", "{trl", id="no-notebook"),
        pytest.param("missing.py", None, id="missing"),
    ],
)
def test_everything_else_is_quiet(project: Project, name: str, text: str | None) -> None:
    if text is not None:
        (project.folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert project.fire("after_write", wrote(name)) is None


def test_nothing_of_ours_is_made_in_a_project(tmp_path: Path, home: Path) -> None:
    project = Project(tmp_path / "plain", home, task=False)
    project.folder.mkdir()
    (project.folder / "train.py").write_text(BAD)
    assert project.context("after_write", wrote("train.py"))
    assert [path.name for path in project.folder.iterdir()] == ["train.py"]


def test_memory_that_cannot_be_kept_costs_only_a_repetition(project: Project) -> None:
    (project.folder / "train.py").write_text(BAD)
    (project.home / "cache").mkdir(exist_ok=True)
    (project.home / "cache/sessions").write_text("a file stands in its place")
    for _ in range(2):
        assert project.context("after_write", wrote("train.py"))


def test_recipe_is_judged_in_time(project: Project) -> None:
    """The figure of the design is 300 ms; this is a busy machine's bound, against an accident."""
    (project.folder / "train.py").write_text(BAD + "".join(f"x{number} = {number}\n" for number in range(300)))
    start = time.monotonic()
    project.context("after_write", wrote("train.py"))
    assert time.monotonic() - start < 5
