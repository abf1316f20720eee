"""After a full scan the decision rests on what was counted over all rows, and says of each fault what it was counted over."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dataset import full_truth
from dataset.writing import comma_separated, jsonl, saved
from support.helpers import ROOT, Outcome

pytestmark = pytest.mark.slow

Call = Callable[..., Outcome]
Row = dict[str, Any]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/inspect_dataset.v1.json").read_text(encoding="utf-8")))


def _pairs(count: int, spoil: Callable[[int, Row], Row] = lambda at, row: row) -> list[Row]:
    rng = random.Random(7)
    return [spoil(at, {"prompt": full_truth.words(rng, 9, 15), "completion": full_truth.words(rng)}) for at in range(count)]


def _decision(call: Call, *arguments: str) -> Row:
    report = call(*arguments, "--full", "--json").json
    SCHEMA.validate(report)
    return dict(report["decision"])


def test_rows_that_the_scan_has_found_do_not_weigh_as_a_sample_would(call: Call, tmp_path: Path) -> None:
    """Five rows are looked at, and those that the scan finds join them: most of these are faulty, and one in a hundred is."""
    bad = {3: ("completion", ""), 4: ("prompt", " "), 5: ("completion", None), 6: ("completion", f"key {full_truth.TOKEN}")}

    def spoil(at: int, row: Row) -> Row:
        return row | dict([bad[at % 400]]) if at % 400 in bad else row

    path = jsonl(tmp_path / "rows.jsonl", _pairs(2400, spoil))
    told = _decision(call, path, "--method", "sft", "--sample", "5")
    assert (told["word"], told["based_on"]) == ("go_with_filters", "full scan")
    counted = {item["code"]: item["rows_of_all"] for item in told["filters"]}
    assert counted == {"SET214": 6, "SET301": 12, "SET311": 6, "SET319": 6}
    text = call(path, "--method", "sft", "--sample", "5", "--full").stdout
    assert "faults counted over all 2,400 rows, mapping and filters run on" in text
    assert "SET319 2 (6); in brackets, how many of all rows have the fault" in text


@pytest.mark.parametrize(
    ("second", "word"), [(range(900), "go_with_filters"), (range(900, 1800), "no_go")], ids=["same", "other"]
)
def test_a_row_with_two_faults_counts_once(second: range, word: str, call: Call, tmp_path: Path) -> None:
    """30 % of the rows ask nothing, and 30 % hold a key: the same rows, or others."""

    def spoil(at: int, row: Row) -> Row:
        row = row | {"prompt": ""} if at * 7 % 3000 < 900 else row
        return row | {"completion": f"key {full_truth.TOKEN} {at}"} if at * 7 % 3000 in second else row

    told = _decision(call, jsonl(tmp_path / "rows.jsonl", _pairs(3000, spoil)), "--method", "sft", "--sample", "40")
    assert told["word"] == word
    assert ("60% of all 3,000 rows are unfit" in "".join(told["reasons"])) == (word == "no_go")


@pytest.mark.parametrize("write", [comma_separated, saved])
@pytest.mark.parametrize("hole", [None, " "])
def test_a_fault_in_rows_not_at_hand_gets_its_filter(
    write: Callable[[Path, list[Row]], str], hole: str | None, call: Call, tmp_path: Path
) -> None:
    """TRL stops at the null in row 1,234, which is not in the sample; the filter takes it out."""
    rows = _pairs(2000, lambda at, row: row | {"completion": hole} if at == 1233 else row)
    told = _decision(call, write(tmp_path / "rows.jsonl", rows), "--method", "sft", "--sample", "30")
    assert told["word"] == "go_with_filters"
    assert [(item["rows_removed"], item["rows_of_all"]) for item in told["filters"]] == [(0, 1)]
    scope: Row = {}
    code = told["filter_code"].replace('split="train"', f'split="train", cache_dir={str(tmp_path / "cache")!r}')
    exec(code, scope)
    assert len(scope["dataset"]) == 1999


def test_each_reason_says_what_it_was_counted_over(call: Call, tmp_path: Path) -> None:
    """Refusals are counted over all rows, near copies are looked for in the sample only."""
    twin = "the river runs by the old copper mill and the doctor of the island writes a long letter there each winter morning"

    def spoil(at: int, row: Row) -> Row:
        row = row | {"completion": full_truth.REFUSAL + f" {at}"} if at % 3 == 0 else row
        return row | {"prompt": f"{twin} {twin[::-1]} {at % 2}", "completion": f"{twin} paper {at // 2}"} if at < 40 else row

    told = _decision(call, jsonl(tmp_path / "rows.jsonl", _pairs(6000, spoil)), "--method", "sft", "--sample", "1500")
    reasons = {reason[:6]: reason for reason in told["reasons"]}
    assert "of all 6,000 rows)" in reasons["SET318"]
    assert reasons["SET312"].endswith("sampled rows)")


def test_marks_of_one_class_in_all_rows_are_no_go(call: Call, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{**row, "label": True} for row in _pairs(900)])
    assert call(path, "--method", "kto", "--sample", "30", "--json").json["decision"]["word"] == "go"
    told = _decision(call, path, "--method", "kto", "--sample", "30")
    assert told["word"] == "no_go"
    assert "KTO needs both" in told["reasons"][0]


def test_a_split_that_was_looked_at_whole_rests_on_all_rows(call: Call, tmp_path: Path) -> None:
    told = _decision(call, jsonl(tmp_path / "rows.jsonl", _pairs(50)), "--method", "sft")
    assert (told["word"], told["based_on"], told["rows_in"]) == ("go", "all rows", 50)
    assert call(str(tmp_path / "rows.jsonl"), "--full").stdout.splitlines()[3].startswith("decision: GO for sft (all 50 rows)")


def test_a_prompt_that_may_lack_beside_messages_is_no_fault(call: Call, tmp_path: Path) -> None:
    """The full scan asks for the same parts as the sample does."""
    rows = [{"prompt": None if row["prompt"][-1] in "0123456" else row["prompt"], "messages": _chat(row)} for row in _pairs(600)]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    assert "SET308" not in call(path, "--full", "--sample", "30", "--json").json["full"]["counts"]


def _chat(row: Row) -> list[Row]:
    return [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]


def test_what_is_of_the_sample_alone_is_said_beside_the_counts_of_all(call: Call, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", _pairs(500))
    told = "  of the 50 sampled rows alone: near copies, languages, tokens, verdicts and mapping"
    assert told in call(path, "--full", "--sample", "50").stdout.splitlines()
    assert "of the 500 sampled rows alone" not in call(path, "--full").stdout  # nothing is left to a sample
    assert "all rows, for near copies and languages at 50 of them" in call(path, "--full", "--sample", "50", "--card").stdout
