"""Planted defects are found where they are, nothing else is, and the filters leave what they should: through the real command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from jsonschema import Draft202012Validator

from dataset.defects import KEYS, PLANTED, Planted
from dataset.viewer import Viewer, hub_with
from ml_intern_helpers.dataset import splits
from support.helpers import ROOT

pytestmark = pytest.mark.slow

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/inspect_dataset.v1.json").read_text(encoding="utf-8")))
InProcess = Callable[..., dict[str, Any]]
#: What the checks find; of SET2xx, the faults of single rows.
CHECKED = re.compile(r"SET(?:3\d\d|21[456])")


def written(folder: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def method(case: Planted) -> tuple[str, ...]:
    """The method that the rows are made for: with it named, no mapping is tried for the others."""
    columns = set(case.rows[0])
    fit = "dpo" if "chosen" in columns else "kto" if "label" in columns else "grpo" if "solution" in columns else "sft"
    return ("--method", fit)


def named(report: dict[str, Any], code: str) -> tuple[int, set[int]]:
    """How many rows the findings of `code` count (the most of one), and the numbers that they show."""
    found = [item for item in report["findings"] if item["code"] == code]
    return max((item["count"] for item in found), default=0), {number for item in found for number in item["rows"]}


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.name)
def test_what_was_planted_is_found(case: Planted, in_process: InProcess, tmp_path: Path) -> None:
    report = in_process(str(written(tmp_path, case.rows)), *method(case), *case.arguments)
    truth = {code: numbers for code, numbers in case.truth.items() if numbers}
    codes = {item["code"] for item in report["findings"] if CHECKED.fullmatch(item["code"])}
    assert codes - case.also == set(truth)
    for code, numbers in truth.items():
        count, shown = named(report, code)
        assert count == len(numbers), code
        assert shown == set(sorted(numbers)[:10]), code
    decision = report["decision"]
    assert decision["word"] == case.word
    assert decision["based_on"] == "all rows"
    assert decision["rows_in"] == len(case.rows)
    assert decision["rows_out"] == (len(case.rows) if case.left is None else case.left)
    assert decision["rows_in"] - decision["rows_out"] == sum(item["rows_removed"] for item in decision["filters"])
    assert (decision["filter_code"] is None) == (case.left is None)


def test_there_are_enough_of_every_kind() -> None:
    assert len(PLANTED) >= 40
    codes = {code for case in PLANTED for code in case.truth}
    assert {f"SET{number}" for number in (301, 302, 303, 304, 305, 307, 308, 309, 310, 311, 312, *range(314, 322))} <= codes


def one_for_each_code() -> list[Planted]:
    """Cases with filters, one for each code: a second one for the same code teaches nothing new."""
    made = [case for case in PLANTED if case.left is not None and case.word != "no_go"]
    return list({tuple(case.truth): case for case in reversed(made)}.values())


@pytest.mark.parametrize("case", one_for_each_code(), ids=lambda case: case.name)
def test_the_filter_code_runs_as_it_stands(case: Planted, in_process: InProcess, tmp_path: Path) -> None:
    """The script itself, from its first line on, on the file; and what it leaves has none of the faults."""
    decision = in_process(str(written(tmp_path, case.rows)), *method(case), *case.arguments)["decision"]
    scope: dict[str, Any] = {}
    datasets.disable_progress_bars()
    exec(decision["filter_code"].replace('split="train"', f'split="train", cache_dir={str(tmp_path / "cache")!r}'), scope)
    assert len(scope["dataset"]) == case.left
    again = in_process(
        str(written(tmp_path, [dict(row) for row in scope["dataset"]], "left.jsonl")), *method(case), *case.arguments
    )
    filtered = {item["code"] for item in decision["filters"]}
    assert not filtered & {item["code"] for item in again["findings"]}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_never_shown(key: str, call: Callable[..., Any], tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"{key} {n}"}, {"role": "assistant", "content": f"\u00c3\u00a9 {key}"}]}
        for n in range(3)
    ]
    for form in ("--json", "--text", "--human"):
        done = call(str(written(tmp_path, rows)), "--rows", "3", form)
        assert key not in done.stdout
        assert key.replace("\n", "\\n") not in done.stdout
        assert "SET319" in done.stdout


def test_rows_of_the_test_split_in_the_training_split(in_process: InProcess, tmp_path: Path) -> None:
    train = next(case for case in PLANTED if case.name == "copies word for word").rows[:60]
    written(tmp_path, train, "train.jsonl")
    fresh = [
        {"messages": [{"role": "user", "content": f"fresh question {n}"}, {"role": "assistant", "content": "fresh"}]}
        for n in range(9)
    ]
    asked = [{"messages": [train[30]["messages"][0], {"role": "assistant", "content": "another answer"}]}]
    written(tmp_path, [*fresh, train[3], train[8], *asked], "test.jsonl")
    found = [item for item in in_process(str(tmp_path), "--split", "train")["findings"] if item["code"] == "SET313"]
    assert [item["rows"] for item in found] == [[4, 9], [31]]
    assert "12 rows of 'test' were read" in found[0]["message"]
    assert not [item for item in in_process(str(tmp_path / "train.jsonl"))["findings"] if item["code"] == "SET313"]


def test_splits_that_were_not_compared_are_named(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No finding about shared rows is no clean bill: what was not read is said, with the reason."""
    rows = PLANTED[0].rows
    for number, name in enumerate(("train", "test", "dev")):
        written(tmp_path, rows[10 * number : 10 * number + 10], f"{name}.jsonl")
    (tmp_path / "test.jsonl").write_text("{broken")
    monkeypatch.setattr(splits, "MOST_BYTES", (tmp_path / "dev.jsonl").stat().st_size - 1)
    report = call(str(tmp_path), "--json").json
    SCHEMA.validate(report)
    why = {item["split"]: item["not_compared_because"] for item in report["other_splits"]}
    assert why["validation"] == "over 0 MiB; --full reads it"
    assert "is not JSON" in why["test"]
    text = call(str(tmp_path)).stdout
    assert "  not looked for in validation: over 0 MiB; --full reads it" in text
    monkeypatch.undo()
    (tmp_path / "test.jsonl").unlink()
    assert "  rows of train were looked for in validation (10 rows)" in call(str(tmp_path)).stdout
    full = call(str(tmp_path), "--full", "--json").json
    assert full["other_splits"] == [{"split": "validation", "rows_read": 10, "not_compared_because": None}]


def test_splits_without_common_rows_are_clean(in_process: InProcess, tmp_path: Path) -> None:
    rows = PLANTED[0].rows
    written(tmp_path, rows[10:40], "train.jsonl")
    written(tmp_path, rows[40:], "test.jsonl")
    assert "SET313" not in {item["code"] for item in in_process(str(tmp_path))["findings"]}


def test_a_sample_is_not_taken_for_all(in_process: InProcess, tmp_path: Path) -> None:
    case = next(case for case in PLANTED if case.name == "copies word for word")
    decision = in_process(str(written(tmp_path, case.rows)), "--sample", "20")["decision"]
    assert (decision["based_on"], decision["rows_in"]) == ("sample", 20)


def test_no_method_can_read_the_rows(in_process: InProcess, tmp_path: Path) -> None:
    numbers = in_process(str(written(tmp_path, [{"x": n, "y": n / 2} for n in range(30)])))["decision"]
    assert (numbers["word"], numbers["method"]) == ("no_go", None)
    nameless = in_process(
        str(written(tmp_path, [{"user_query": f"what is {n}", "bot_reply": f"it is {n} or so"} for n in range(30)]))
    )
    assert nameless["decision"]["word"] == "unknown"


def test_the_text_form_says_the_decision_and_shows_the_code(call: Callable[..., Any], tmp_path: Path) -> None:
    case = next(case for case in PLANTED if case.name == "five faults at once")
    lines = call(str(written(tmp_path, case.rows))).stdout.splitlines()
    assert "decision: GO WITH FILTERS for sft (all 63 rows; filters leave 56)" in lines
    assert any(line.strip().startswith("dataset = dataset.filter(") for line in lines)


@pytest.fixture
def on_the_hub(call: Callable[..., Any]) -> Iterator[Callable[..., dict[str, Any]]]:
    """`on_the_hub(rows, card, cut={…})`: the report on a Hub dataset of these rows, facts of its page, and cells cut short."""
    services: list[Any] = []

    def run(rows: list[dict[str, Any]], card: dict[str, Any], cut: dict[int, list[str]] | None = None) -> dict[str, Any]:
        viewer = Viewer("ada/set", {("default", "train"): (rows, 1000)})
        hub, repo = hub_with("ada/set")
        services.extend([viewer.service, hub.service])
        repo.info, viewer.cut = card, cut or {}
        done = call("ada/set", "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
        return dict(json.loads(done.stdout))

    yield run
    for service in services:
        service.close()


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ({"cardData": {"license": "apache-2.0"}, "gated": False}, []),
        ({"cardData": {"license": "cc-by-nc-4.0"}, "gated": False}, ["excludes commercial use"]),
        ({"cardData": {}, "gated": False}, ["states no licence"]),
        ({"cardData": {"license": "other"}, "gated": False}, ["its terms stand elsewhere"]),
        ({"cardData": {"license": "mit"}, "gated": "auto"}, ["is gated"]),
        ({"cardData": {"license": "cc-by-sa-4.0"}, "gated": False}, []),
    ],
    ids=["open", "not commercial", "no licence", "vague", "gated", "share alike"],
)
def test_licence_and_gating(on_the_hub: Callable[..., dict[str, Any]], card: dict[str, Any], told: list[str]) -> None:
    report = on_the_hub(PLANTED[0].rows[10:40], card)
    found = [item["message"] for item in report["findings"] if item["code"] == "SET322"]
    assert len(found) == len(told)
    assert all(words in message for words, message in zip(told, found, strict=True))
    assert report["decision"]["word"] == "go"


def test_lengths_of_shortened_texts_are_said_to_be_too_low(on_the_hub: Callable[..., dict[str, Any]]) -> None:
    rows, card = PLANTED[0].rows[10:40], {"cardData": {"license": "mit"}}
    assert any("lengths are too low" in note for note in on_the_hub(rows, card, {3: ["completion"]})["warnings"])
    assert not any("lengths are too low" in note for note in on_the_hub(rows, card)["warnings"])
