"""`task` as it is used: agreed once, changed with a reason, closed; nonsense refused, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ml_intern_helpers.runs.agreeing import TERMS as NAMES
from runs.tasks import TERMS, on_file, values
from support.helpers import ROOT, Outcome, clean_environment

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/task.v1.json").read_text(encoding="utf-8")))
#: For what needs the process itself: several at once, limits, kills.
TASK = [sys.executable, "-I", str(ROOT / "src/ml_intern_helpers/__main__.py"), "task"]
Helper = Callable[..., Outcome]


@pytest.fixture
def task(helper: Helper, tmp_path: Path) -> Helper:
    """`task("show")` in a project of its own."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)

    def run(*words: str, cwd: Path = project, **more: str) -> Outcome:
        return helper("task", *words, cwd=cwd, **more)

    return run


def file(tmp_path: Path) -> Path:
    return tmp_path / "project/.ml-intern/task.json"


def stored(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file(tmp_path).read_text(encoding="utf-8"))
    return found


def test_the_life_of_a_task(task: Helper, tmp_path: Path) -> None:
    assert task("show").code == 3
    agreed = task("agree", *TERMS, "--time-budget", "2h", "--project", "demo")
    assert (agreed.code, agreed.stdout.splitlines()[0]) == (0, "AGREED: OPEN: sft (lora) of Qwen/Qwen3-0.6B, local")
    SCHEMA.validate(stored(tmp_path))
    assert stored(tmp_path)["time_budget_s"] == 7200
    changed = task("change", "--reason", "user: shorter is fine", "--max-length", "1024", "--space", "ada/board")
    assert changed.stdout.startswith("CHANGED (max_length, tracking.space_id): OPEN")
    assert stored(tmp_path)["tracking"] == {"tool": "trackio", "project": "demo", "space_id": "ada/board"}
    entry = stored(tmp_path)["history"][-1]
    assert (entry["reason"], entry["changes"]["max_length"]) == ("user: shorter is fine", {"from": 2048, "to": 1024})
    shown = task("show").stdout
    assert "max_length 2048 -> 1024" in shown
    assert len(shown.splitlines()) < 25
    assert task("close", "--reason", "published").code == 0
    assert task("show").stdout.startswith("CLOSED: ")
    assert task("close").code == task("change", "--reason", "x", "--max-length", "1").code == 1
    SCHEMA.validate(stored(tmp_path))


@pytest.mark.parametrize("words", [("show",), ("agree", *TERMS), ("change",), ("show", "--no-such")], ids=lambda words: words[0])
def test_every_answer_is_what_the_schema_says(task: Helper, tmp_path: Path, words: tuple[str, ...]) -> None:
    SCHEMA.validate(task(*words, "--json").json)
    on_file(tmp_path / "project")
    SCHEMA.validate(task("show", "--json").json)
    on_file(tmp_path / "project", method="magic")
    malformed = task("show", "--json")
    assert (malformed.code, malformed.json["status"]) == (1, "failed")
    SCHEMA.validate(malformed.json)


def test_an_answer_given_back_is_a_task(task: Helper, tmp_path: Path) -> None:
    task("agree", *TERMS)
    before = {name: stored(tmp_path)[name] for name in NAMES}
    (tmp_path / "terms.json").write_text(task("show", "--json").stdout)
    task("close")
    assert task("agree", "--from", str(tmp_path / "terms.json")).code == 0
    assert {name: stored(tmp_path)[name] for name in NAMES} == before


def test_a_closed_task_is_kept_and_an_open_one_stands(task: Helper, tmp_path: Path) -> None:
    task("agree", *TERMS)
    first = stored(tmp_path)
    again = task("agree", *TERMS, "--json")
    assert (again.code, again.json["written"]) == (0, False)
    other = task("agree", *TERMS, "--effective-batch", "8")
    assert (other.code, "already open" in other.stderr, stored(tmp_path)) == (1, True, first)
    task("close")
    assert task("agree", *TERMS, "--effective-batch", "8").code == 0
    kept = json.loads((file(tmp_path).parent / f"tasks/{first['id']}.json").read_text())
    assert (kept["id"], kept["state"], kept["effective_batch"]) == (first["id"], "closed", 16)


def test_what_was_not_said_is_named_all_at_once(task: Helper, tmp_path: Path) -> None:
    done = task("agree", "--method", "sft")
    assert done.code == 2
    for option in ("--request", "--adapter", "--base-model", "--dataset", "--max-length", "--effective-batch", "--where"):
        assert option in done.stderr
    assert not file(tmp_path).exists()


SOON = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%MZ")
NONSENSE = {
    "batch-0": ["--effective-batch", "0"],
    "batch-below-0": ["--effective-batch", "-4"],
    "batch-half": ["--effective-batch", "1.5"],
    "batch-huge": ["--effective-batch", "99999999"],
    "length-0": ["--max-length", "0"],
    "length-nan": ["--max-length", "nan"],
    "digits": ["--max-length", "9" * 5000],
    "cap-nan": ["--spend-cap", "nan"],
    "cap-inf": ["--spend-cap", "inf"],
    "cap-below-0": ["--spend-cap=-5"],
    "cap-billions": ["--where", "jobs", "--account", "ada", "--spend-cap", "1e9"],
    "cap-on-this-machine": ["--spend-cap", "5"],
    "cap-words": ["--spend-cap", "five"],
    "day-over-task": ["--where", "jobs", "--account", "ada", "--spend-cap", "5", "--spend-cap-day", "6"],
    "jobs-without-account": ["--where", "jobs"],
    "account-with-spaces": ["--account", "Ada Lovelace"],
    "deadline-past": ["--deadline", "2020-01-01T00:00:00Z"],
    "deadline-without-zone": ["--deadline", "2099-01-01T00:00:00"],
    "deadline-words": ["--deadline", "tomorrow"],
    "budget-0": ["--time-budget", "0h"],
    "budget-ages": ["--time-budget", "9000d"],
    "budget-words": ["--time-budget", "2 hours"],
    "model-words": ["--base-model", "the small Qwen"],
    "model-flags": ["--base-model", "--dataset"],
    "model-nothing": ["--base-model", ""],
    "model-part": ["--base-model", "a/b,split=train"],
    "dataset-twice": ["--dataset", "a/b", "--dataset", "a/b"],
    "hub-id-url": ["--hub-id", "https://huggingface.co/a/b"],
    "no-tracking-and-a-project": ["--tracking", "none", "--project", "demo"],
    "method": ["--method", "magic"],
    "grpo-has-no-length": ["--method", "grpo"],
    "request-blank": ["--request", "  "],
    "reason-for-agree": ["--reason", "x"],
}


@pytest.mark.parametrize("words", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_with_a_way_on(task: Helper, tmp_path: Path, words: list[str]) -> None:
    done = task("agree", *TERMS, *words)
    assert done.code == 2, done.stdout
    assert "next: " in done.stderr
    assert not file(tmp_path).exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting"),
        ("[]", "JSON object"),
        ('{"metod": "sft"}', "did you mean method?"),
        ('{"zzz": 1}', "not a term"),
        ("[" * 100_000, "recursion"),
        ('{"spend_cap_usd": NaN}', "spend_cap_usd"),
        ('{"base_model": "Qwen/Qwen3-0.6B"}', "must be an object"),
    ],
)
def test_json_that_is_no_task_is_refused(task: Helper, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.json").write_text(text)
    words = [word for word in TERMS if "base" not in word and word != "Qwen/Qwen3-0.6B"] if "base_model" in text else TERMS
    done = task("agree", *words, "--from", str(tmp_path / "t.json"))
    assert done.code == 2
    assert told in done.stderr
    assert not file(tmp_path).exists()


def test_grpo_has_no_max_length_in_the_library(helper: Helper) -> None:
    """The refusal says so; the shipped index of TRL is the witness."""
    assert [helper("api_lookup", f"trl.{name}.max_length", "--offline").code for name in ("GRPOConfig", "SFTConfig")] == [1, 0]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"schema": "x"}', "\ufeff{"])
def test_a_file_that_cannot_be_read_is_told_and_left_alone(task: Helper, tmp_path: Path, text: str) -> None:
    on_file(tmp_path / "project", text)
    for words in (["show"], ["agree", *TERMS], ["change", "--reason", "x", "--max-length", "1"], ["close"]):
        done = task(*words)
        assert (done.code, "cannot be read" in done.stderr, "next: " in done.stderr) == (3, True, True)
    assert file(tmp_path).read_text() == text


def test_a_change_keeps_what_it_does_not_know(task: Helper, tmp_path: Path) -> None:
    on_file(tmp_path / "project", notes={"by": "hand"})
    task("change", "--reason", "x", "--max-length", "512")
    assert stored(tmp_path)["notes"] == {"by": "hand"}
    assert task("change", "--reason", "x", "--max-length", "512", "--json").json["written"] is False
    assert len(stored(tmp_path)["history"]) == 1


def test_tokens_and_strangers_characters_stay_out(task: Helper, tmp_path: Path) -> None:
    token = "hf_" + "aB3" * 8
    done = task("agree", *TERMS, "--request", f"use {token} \x1b[31m\u202eplease")
    assert token not in done.stdout + file(tmp_path).read_text()
    assert "\x1b" not in done.stdout + file(tmp_path).read_text()
    task("change", "--reason", f"user gave {token}", "--max-length", "512")
    assert token not in file(tmp_path).read_text()


def test_eight_agreements_at_once_make_one_task(tmp_path: Path, home: Path) -> None:
    (tmp_path / "project").mkdir()
    call = [*TASK, "agree", *TERMS]
    many = [
        subprocess.Popen([*call, "--effective-batch", str(2**number)], cwd=tmp_path / "project", env=clean_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number in range(8)
    ]  # fmt: skip
    assert sorted(one.wait(timeout=60) for one in many) == [0, 1, 1, 1, 1, 1, 1, 1]
    SCHEMA.validate(stored(tmp_path))


def test_eight_changes_at_once_are_all_in_the_history(tmp_path: Path, home: Path) -> None:
    on_file(tmp_path / "project")
    call = [*TASK, "change", "--reason", "x", "--max-length"]
    many = [
        subprocess.Popen([*call, str(100 + number)], cwd=tmp_path / "project", env=clean_environment(home), stdout=subprocess.DEVNULL)
        for number in range(8)
    ]  # fmt: skip
    assert [one.wait(timeout=60) for one in many] == [0] * 8
    changes = [entry["changes"]["max_length"] for entry in stored(tmp_path)["history"]]
    assert sorted(change["to"] for change in changes) == list(range(100, 108))
    assert [change["from"] for change in changes] == [2048, *(change["to"] for change in changes[:-1])], "none is overwritten"


def test_a_full_disk_leaves_the_old_task(tmp_path: Path, home: Path) -> None:
    on_file(tmp_path / "project", request="x" * 3000)
    before = file(tmp_path).read_bytes()
    call = [*TASK, "change", "--reason", "y" * 1500, "--max-length", "9"]
    done = subprocess.run(
        call, cwd=tmp_path / "project", env=clean_environment(home), capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 3
    assert "could not be written: File too large" in done.stderr
    assert file(tmp_path).read_bytes() == before
    assert {path.name for path in file(tmp_path).parent.iterdir()} == {"task.json", "lock"}


@pytest.mark.parametrize("kind", ["file-in-its-place", "link-to-a-file"])
def test_a_folder_that_is_none_is_told(task: Helper, tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    target = tmp_path / "project/.ml-intern"
    if kind == "file-in-its-place":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "elsewhere")
    done = task("agree", *TERMS)
    assert (done.code, "Traceback" in done.stderr, "could not be written" in done.stderr) == (3, False, True)
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_link_in_place_of_the_lock_is_not_followed(task: Helper, tmp_path: Path) -> None:
    (tmp_path / "project/.ml-intern").mkdir()
    (tmp_path / "project/.ml-intern/lock").symlink_to(tmp_path / "victim")
    assert task("agree", *TERMS).code == 3
    assert not (tmp_path / "victim").exists()


def test_it_is_found_from_below_and_written_where_it_lies(task: Helper, tmp_path: Path) -> None:
    task("agree", *TERMS)
    below = tmp_path / "project/src/deep"
    below.mkdir(parents=True)
    assert task("show", cwd=below).code == 0
    assert task("change", "--reason", "x", "--max-length", "7", cwd=below).code == 0
    assert stored(tmp_path)["max_length"] == 7
    assert not os.path.lexists(below / ".ml-intern")


def test_it_starts_without_any_package(tmp_path: Path, home: Path) -> None:
    """Hooks read what it wrote, on machines where nothing was installed."""
    (tmp_path / "project").mkdir()
    code = f"""
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in sys.stdlib_module_names | {{"ml_intern_helpers"}}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Only())
sys.path.insert(0, {str(ROOT / "src")!r})
import ml_intern_helpers.runs.launching, ml_intern_helpers.runs.single_job_rule, ml_intern_helpers.runs.differences, ml_intern_helpers.runs.settlement
from ml_intern_helpers.cli import commands as cli
from ml_intern_helpers.indexes import job_prices
assert job_prices.price_of("t4-small")
sys.exit(cli.main("task", sys.argv[1:]))
"""
    done = subprocess.run([sys.executable, "-c", code, "agree", *TERMS], cwd=tmp_path / "project", env=clean_environment(home), capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_task_with_everything_is_shown_on_one_screen(task: Helper, tmp_path: Path) -> None:
    entry = {
        "at": "2026-11-23T00:00:00Z",
        "action": "changed",
        "reason": "r" * 3000,
        "changes": {f"t{n}": {"from": "a" * 200, "to": 1} for n in range(20)},
    }
    on_file(tmp_path / "project", request="long " * 2000, history=[entry] * 50, datasets=values()["datasets"] * 40)
    shown = task("show").stdout.splitlines()
    assert len(shown) < 40
    assert max(map(len, shown)) < 400
