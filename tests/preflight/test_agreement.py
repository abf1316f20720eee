"""Where the task file is looked for, and what becomes of one that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.context import read_context
from ml_intern_helpers.runs.contract import Task

TASK = '{"schema": "ml-intern/task/v1", "method": "sft", "hub": 3}'


def put(folder: Path, text: str = TASK) -> Path:
    path = folder / ".ml-intern/task.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script two folders below a repository's root; the working folder is elsewhere."""
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    (tmp_path / "project/.git").mkdir(parents=True)
    (tmp_path / "project/src/train").mkdir(parents=True)
    return tmp_path / "project/src/train/train.py"


def agreement_for(script: Path) -> Task | None:
    script.write_text("x = 1\n", encoding="utf-8")
    return read_context(read_source(script), "jobs").agreement


def found(script: Path) -> Path | None:
    agreement = agreement_for(script)
    return agreement.path if agreement else None


def test_none_is_none(script: Path) -> None:
    assert found(script) is None


def test_beside_the_script_comes_before_the_root(script: Path) -> None:
    root = put(script.parents[2])
    assert found(script) == root
    assert found(script) == root
    beside = put(script.parent)
    assert found(script) == beside


def test_above_the_repository_is_not_looked(script: Path, tmp_path: Path) -> None:
    put(tmp_path)
    assert found(script) is None


def test_without_a_repository_only_the_folder_itself(script: Path, tmp_path: Path) -> None:
    (tmp_path / "project/.git").rmdir()
    put(tmp_path / "project")
    assert found(script) is None
    assert found(tmp_path / "project/train.py") == tmp_path / "project/.ml-intern/task.json"


def test_the_working_folder_counts_too(script: Path, tmp_path: Path) -> None:
    there = put(tmp_path / "away")
    assert found(script) == there


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": "x"}', "[" * 100_000, "\x00"])
def test_what_is_no_task_file_is_a_problem_and_holds_nothing(text: str, script: Path) -> None:
    put(script.parent, text)
    agreement = agreement_for(script)
    assert agreement is not None
    assert agreement.problem
    assert agreement.values == {}


def test_entries_of_another_type_bind_nobody(script: Path) -> None:
    put(script.parent)
    agreement = agreement_for(script)
    assert agreement is not None
    assert (agreement.usable("hub"), agreement.usable("none"), agreement.usable("method"), agreement.problem) == (
        None,
        None,
        "sft",
        "",
    )
