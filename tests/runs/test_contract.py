"""The task file: one schema for the check that runs without packages and for the one in docs; whatever lies there is told."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from ml_intern_helpers.runs import project_files
from ml_intern_helpers.runs.contract import OPTIONAL, REQUIRED, entry_problem, schema_problems, task_for
from runs.tasks import as_somebody_else, on_file, values
from support.helpers import ROOT

SCHEMA = json.loads((ROOT / "docs/schemas/task.v1.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def by_schema(task: dict[str, Any]) -> bool:
    return VALIDATOR.is_valid(task)


def test_a_whole_task_has_no_fault() -> None:
    assert schema_problems(values()) == []
    assert by_schema(values())


@pytest.mark.parametrize("name", sorted({*REQUIRED, *OPTIONAL}))
def test_an_entry_may_be_missing_where_the_schema_says_so(name: str) -> None:
    task = {key: value for key, value in values().items() if key != name}
    assert (schema_problems(task) == []) is by_schema(task) is (name in OPTIONAL)


#: Everything a hand or a program may put where something else belongs.
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2.0, 2.5, 10**400, 1e11, -0.0, "", " ", "sft", "full", "lora", "none", "local", "open", "x" * 5000,
    [], [1], [{}], [None], {}, {"id": "a/b"}, {"id": "a/b", "revision": "r"}, {"id": "", "revision": "r"}, {"id": 3, "revision": "r"},
    {"tool": "trackio", "project": None, "space_id": None}, {"tool": "wandb", "project": None, "space_id": None},
    {"tool": "none", "project": "", "space_id": 3}, {"model_id": None, "private": True}, {"model_id": "", "private": "yes"},
    [{"id": "a/b", "revision": "r", "config": None, "split": None}], [{"id": "a/b", "revision": "r", "config": "c"}],
    [{"at": "2026-01-01T00:00:00Z", "action": "agreed", "reason": None}], [{"at": "now", "action": "agreed"}],
    [{"at": "2026-01-01T00:00:00Z", "action": "bent", "reason": None}],
]  # fmt: skip


@pytest.mark.parametrize("name", sorted({*REQUIRED, *OPTIONAL}))
def test_the_check_says_what_the_schema_says(name: str) -> None:
    """Times are the exception: JSON Schema only describes their form."""
    for odd in ODD:
        task = values(**{name: odd})
        assert (entry_problem(name, odd) == "") is by_schema(task), (name, odd)


@given(some.recursive(some.none() | some.booleans() | some.integers() | some.floats() | some.text(), lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["id", "revision", "tool", "private", "x"]), inner, max_size=4), max_leaves=8))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_nothing_breaks_the_check(odd: Any) -> None:
    for name in (*REQUIRED, *OPTIONAL):
        assert isinstance(entry_problem(name, odd), str)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(b"", "not valid JSON", id="empty"),
        pytest.param(b"{", "not valid JSON", id="cut-off"),
        pytest.param(b"\x00" * 50, "not valid JSON", id="null-bytes-after-a-crash"),
        pytest.param(b"[]", "schema", id="list"),
        pytest.param(b'{"schema": "ml-intern/task/v2"}', "schema", id="another-version"),
        pytest.param(b"[" * 100_000, "too deep", id="deep-nesting"),
        pytest.param(b'{"schema": "ml-intern/task/v1", "spend_cap_usd": NaN}', "NaN", id="nan"),
        pytest.param(b'{"schema": "ml-intern/task/v1", "spend_cap_usd": -Infinity}', "Infinity", id="infinity"),
        pytest.param(b'{"schema": "ml-intern/task/v1", "x": ' + b"9" * 5000 + b"}", "not valid JSON", id="digits"),
        pytest.param(b'{"schema": "ml-intern/task/v1", "x": "' + b"y" * 2_000_000 + b'"}', "larger than", id="huge"),
        pytest.param(b'{"schema": "\xff\xfe"}', "not valid JSON", id="latin-1"),
    ],
)
def test_what_is_no_task_is_a_problem(tmp_path: Path, text: bytes, told: str) -> None:
    task = on_file(tmp_path, text)
    assert told in task.problem
    assert (task.open, task.cap_usd, task.usable("method")) == (False, 0.0, None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path, encoding: str) -> None:
    task = on_file(tmp_path, json.dumps(values()).encode(encoding))
    assert (task.problem, task.usable("base_model", "id")) == ("", "Qwen/Qwen3-0.6B")


def test_a_number_beyond_all_figures_is_a_fault_and_no_cap(tmp_path: Path) -> None:
    """JSON reads 1e999 as infinity: a cap that nothing exceeds."""
    task = on_file(tmp_path, json.dumps(values()).replace('"spend_cap_usd": 10', '"spend_cap_usd": 1e999'))
    assert task.cap_usd == 0.0
    assert any("spend_cap_usd" in told for told in task.faults)


@pytest.mark.parametrize("kind", ["folder", "broken-link", "pipe", "unreadable"])
def test_what_is_no_file_is_a_problem_and_never_waits(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ".ml-intern/task.json"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "broken-link":
        path.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    found = task_for(tmp_path)
    assert found is not None
    assert found.problem


def test_a_link_to_a_task_is_read(tmp_path: Path) -> None:
    on_file(tmp_path / "real")
    (tmp_path / "here/.ml-intern").mkdir(parents=True)
    (tmp_path / "here/.ml-intern/task.json").symlink_to(tmp_path / "real/.ml-intern/task.json")
    found = task_for(tmp_path / "here")
    assert found is not None
    assert found.id == "task-1"


def test_an_older_file_is_open_and_has_no_limits(tmp_path: Path) -> None:
    task = on_file(tmp_path, json.dumps({key: value for key, value in values().items() if key not in OPTIONAL}))
    assert (task.open, task.id, task.cap_usd_per_day, task.ends_at, task.faults) == (True, None, None, None, ())


@pytest.mark.parametrize(
    ("deadline", "budget", "ends"),
    [
        (None, None, None),
        ("2026-11-24T00:00:00Z", None, datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T02:00:00+02:00", None, datetime(2026, 11, 24, tzinfo=UTC)),
        (None, 3600, datetime(2026, 11, 23, 1, tzinfo=UTC)),
        ("2026-11-23T00:30:00Z", 3600, datetime(2026, 11, 23, 0, 30, tzinfo=UTC)),
        ("2026-11-24T00:00:00Z", 3600, datetime(2026, 11, 23, 1, tzinfo=UTC)),
        ("2026-11-24", None, None),
        (None, 1e12, None),
    ],
)
def test_the_earlier_of_deadline_and_budget_ends_it(
    tmp_path: Path, deadline: str | None, budget: float | None, ends: datetime | None
) -> None:
    assert on_file(tmp_path, deadline=deadline, time_budget_s=budget).ends_at == ends


# Where it is looked for: as pre-flight does.


def test_the_nearest_file_up_to_the_repository_counts(tmp_path: Path) -> None:
    (tmp_path / "project/.git").mkdir(parents=True)
    deep = tmp_path / "project/src/train"
    deep.mkdir(parents=True)
    on_file(tmp_path)
    assert project_files.task_path(deep) is None
    root = on_file(tmp_path / "project").path
    assert project_files.task_path(deep) == root
    near = on_file(deep).path
    assert project_files.task_path(deep) == near
    assert project_files.task_path(tmp_path / "project/src", deep) == root


def test_without_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    on_file(tmp_path)
    (tmp_path / "below").mkdir()
    assert project_files.task_path(tmp_path / "below") is None
    assert project_files.task_path(tmp_path) == tmp_path / ".ml-intern/task.json"


def test_a_new_task_goes_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    assert project_files.home(tmp_path / "src") == tmp_path / "src/.ml-intern"
    (tmp_path / ".ml-intern").mkdir()
    assert project_files.home(tmp_path / "src") == tmp_path / ".ml-intern"


def test_a_file_that_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        path = on_file(Path(name)).path
        path.chmod(0)
        done = as_somebody_else(
            f"from ml_intern_helpers.runs.contract import read_task; print(read_task(Path({str(path)!r})).problem)"
        )
    assert done.stdout == "Permission denied\n"
