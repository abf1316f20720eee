"""The sketch of every row: the same hashes as Python makes of a sample, and comparisons of whole datasets by it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dataset import full_truth
from dataset.viewer import hub_with
from dataset.writing import comma_separated, jsonl, parquet
from ml_intern_helpers.dataset.profile.sketch import from_json
from support.helpers import DEAD_URL, ROOT, Outcome

Call = Callable[..., Outcome]
Row = dict[str, Any]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/inspect_dataset.v1.json").read_text(encoding="utf-8")))
SIZE = 400


def _words(count: int) -> list[str]:
    rng = random.Random(3)
    odd = full_truth.GREETINGS
    return [f"{full_truth.words(rng)}{odd[at % len(odd)].upper()}  \t{'ÄÖ ' * (at % 3)}\n{at}" for at in range(count)]


def _turns(words: str, who: str, what: str, names: tuple[str, str]) -> list[Row]:
    return [{who: names[0], what: words}, {who: names[1], what: words[::-1]}]


def _chats() -> list[Row]:
    return [
        {"messages": _turns(words, "role", "content", ("user", "assistant")), "id": at} for at, words in enumerate(_words(SIZE))
    ]


def _pairs() -> list[Row]:
    return [{"prompt": words, "chosen": words[::-1], "rejected": "no"} for words in _words(SIZE)]


def _share() -> list[Row]:
    return [{"conversations": _turns(words, "from", "value", ("human", "gpt"))} for words in _words(SIZE)]


MADE = [(jsonl, _chats), (parquet, _chats), (jsonl, _share), (parquet, _share), (comma_separated, _pairs), (jsonl, _pairs)]


@pytest.mark.parametrize(("write", "make"), MADE, ids=lambda call: call.__name__.strip("_"))
def test_the_engine_makes_the_hashes_that_python_makes(
    write: Callable[[Path, list[Row]], str], make: Callable[[], list[Row]], call: Call, tmp_path: Path
) -> None:
    path = write(tmp_path / "rows.jsonl", make())
    plain = call(path, "--json").json["profile"]
    whole = call(path, "--full", "--sample", "10", "--json").json
    SCHEMA.validate(whole)
    assert (plain["sketch_of"], whole["profile"]["of"], whole["profile"]["sketch_of"]) == ("all rows", "sample", "all rows")
    first, second = from_json(plain["sketch"]), from_json(whole["profile"]["sketch"])
    assert first is not None
    assert second is not None
    assert (second.distinct, second.hashes[:256]) == (SIZE, first.hashes[:256])


def test_calls_are_written_down_otherwise_and_leave_the_sketch_to_the_sample(call: Call, tmp_path: Path) -> None:
    asks = {"type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": 2}}}
    rows = [{"messages": [*row["messages"], {"role": "assistant", "content": None, "tool_calls": [asks]}]} for row in _chats()]
    profile = call(jsonl(tmp_path / "rows.jsonl", rows), "--full", "--sample", "10", "--json").json["profile"]
    assert profile["sketch_of"] == "sample"
    assert profile["sketch"]["distinct_rows"] <= 10 + 40  # the rows that the scan has found something in join the sample


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """6,000 rows, and 3,000 others of which every fourth one is among them."""
    here = [{"text": words} for words in _words(6000)]
    there = [{"text": row["text"].lower() if at % 4 == 0 else f"{at} alone"} for at, row in enumerate(here[:3000])]
    return jsonl(tmp_path / "here.jsonl", here), jsonl(tmp_path / "there.jsonl", there)


def test_all_rows_of_both_are_compared(call: Call, two: tuple[str, str]) -> None:
    report = call(two[0], "--full", "--sample", "50", "--compare", two[1], "--json").json
    SCHEMA.validate(report)
    found = report["compare"]["overlap"]
    assert (found["rows"], found["of_here"], found["of_there"], found["exact"]) == (750, 0.125, 0.25, True)
    assert "shared rows were counted over all rows of" in found["note"]
    assert "only a sample" not in found["note"]
    sampled = call(two[0], "--sample", "50", "--compare", two[1], "--json").json["compare"]["overlap"]
    assert sampled["rows"] < 100
    assert "only a sample of" in sampled["note"]


def test_a_saved_answer_of_all_rows_is_compared_within_its_error(call: Call, two: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_text(call(two[1], "--full", "--sample", "50", "--json").stdout)
    done = call(two[0], "--full", "--sample", "50", "--compare", str(tmp_path / "saved.json"), "--json")
    found = done.json["compare"]["overlap"]
    assert found["is"] == "estimated from sketches"
    for share, error, truth in (("of_here", "error_of_here", 0.125), ("of_there", "error_of_there", 0.25)):
        assert 0 < found[error] < 0.03
        assert abs(found[share] - truth) < 3 * found[error]
    assert abs(found["rows"] - 750) < 150
    told = call(two[0], "--full", "--sample", "50", "--compare", str(tmp_path / "saved.json")).stdout
    assert "% of this one, " in told
    assert "±" in told.splitlines()[0]


def test_another_one_that_cannot_be_scanned_is_sampled_and_that_is_said(call: Call, two: tuple[str, str]) -> None:
    """Of JSON Lines on the Hub no full scan is made: the answer comes, and says what it is of."""
    hub, _ = hub_with("ada/chats", {"train.jsonl": Path(two[1]).read_bytes()})
    arguments = (two[0], "--full", "--sample", "50", "--compare", "hf://datasets/ada/chats/train.jsonl", "--json")
    report = call(*arguments, HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL).json
    hub.service.close()
    assert "only a sample of" in report["compare"]["overlap"]["note"]
    assert any("only a sample is compared: " in told and "these are jsonl" in told for told in report["warnings"])
