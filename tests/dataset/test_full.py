"""The full scan against counts made the slow way, over files that real DuckDB reads."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset import full_truth
from ml_intern_helpers.dataset.local import bounds
from support.helpers import Outcome

pytestmark = pytest.mark.slow

Call = Callable[..., Outcome]


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=index % 2 == 0) + "\n" for index, row in enumerate(rows)), "utf-8")
    return path


def _gz(path: Path, rows: list[dict[str, Any]]) -> Path:
    with gzip.open(path.with_suffix(".jsonl.gz"), "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return path.with_suffix(".jsonl.gz")


def _json(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.with_suffix(".json").write_text(json.dumps(rows), "utf-8")
    return path.with_suffix(".json")


def _parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    parquet.write_table(pa.Table.from_pylist(rows), path.with_suffix(".parquet"), row_group_size=500)
    return path.with_suffix(".parquet")


def _saved(path: Path, rows: list[dict[str, Any]]) -> Path:
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).save_to_disk(path.with_suffix(""))
    return path.with_suffix("")


SIZE = 1400
#: All rows are counted; a small sample is enough for the verdicts beside the counts.
FULL = ("--full", "--sample", "40", "--json")
WRITERS = [_jsonl, _gz, _json, _parquet, _saved]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__.strip("_"))
def test_counts_are_those_of_plain_python(write: Callable[..., Path], tmp_path: Path, call: Call) -> None:
    rows = full_truth.chats(1, SIZE)
    report = call(str(write(tmp_path / "train.jsonl", rows)), *FULL).json
    truth, full = full_truth.counts(rows), report["full"]
    assert {code: found["rows"] for code, found in full["counts"].items()} == {code: len(at) for code, at in truth.items()}
    assert {code: found["row_numbers"] for code, found in full["counts"].items()} == {c: at[:10] for c, at in truth.items()}
    assert full["rows"] == SIZE
    assert full["counts"]["SET310"]["example"].endswith("assistant system")
    assert full["columns"]["messages"]["nulls"] == len(truth["SET308"])
    # Of a Parquet file, texts that play no part are not read at all.
    assert full["columns"]["source"]["distinct"] == 2 if write is not _parquet else "source" not in full["columns"]
    assert full["columns"]["id"]["nulls"] == 0
    told = dict(full["role_patterns"])
    assert told.items() <= full_truth.patterns(rows).items()
    sizes, length = full_truth.characters(rows), full["length_histogram"]
    assert (length["min"], length["max"], length["rows"]) == (sizes[0], sizes[-1], SIZE)
    assert length["median"] == sizes[SIZE // 2 - 1]
    assert sum(found for _, found in length["histogram"]) == SIZE


def test_findings_are_over_all_rows(tmp_path: Path, call: Call) -> None:
    """A fault in row 2,900 alone is found, numbered, and takes the place of nothing."""
    rng = random.Random(0)
    rows = [{"prompt": full_truth.words(rng), "completion": full_truth.words(rng)} for _ in range(3000)]
    rows[2899]["completion"] = f"the key is {full_truth.TOKEN}"
    path = _jsonl(tmp_path / "rows.jsonl", rows)
    done = call(str(path), "--full", "--json", "--sample", "50")
    (finding,) = [item for item in done.json["findings"] if item["code"] == "SET319"]
    assert finding["line"] == 2900
    assert "1 of all 3,000 rows" in finding["evidence"]
    assert full_truth.TOKEN[3:] not in done.stdout
    assert done.json["full"]["counts"]["SET319"]["example"] is None


@pytest.mark.parametrize("write", [_jsonl, _parquet], ids=["jsonl", "parquet"])
def test_the_verdict_holds_for_rows_that_the_sample_missed(write: Callable[..., Path], tmp_path: Path, call: Call) -> None:
    """TRL stops at the null in row 2,950; without the full scan the sample of 40 rows calls the data ready."""
    rng = random.Random(1)
    rows: list[dict[str, Any]] = [{"prompt": full_truth.words(rng), "completion": full_truth.words(rng)} for _ in range(3000)]
    rows[2949]["completion"] = None
    path = str(write(tmp_path / "rows.jsonl", rows))
    sampled = call(path, "--method", "sft", "--sample", "40", "--json").json
    assert sampled["verdicts"]["sft"]["verdict"] == "ready"
    whole = call(path, "--method", "sft", "--sample", "40", "--full", "--json").json
    assert whole["verdicts"]["sft"]["verdict"] != "ready"
    assert whole["decision"]["word"] != "go"


def test_csv_and_text_files_are_scanned(tmp_path: Path, call: Call) -> None:
    rng = random.Random(3)
    rows = [{"prompt": full_truth.words(rng), "completion": full_truth.words(rng) + ' "quoted", \n next'} for _ in range(500)]
    rows[7]["completion"] = ""
    rows[8] = rows[3]
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["prompt", "completion"])
        writer.writeheader()
        writer.writerows(rows)
    full = call(str(tmp_path / "rows.csv"), "--full", "--json").json["full"]
    assert full["rows"] == 500
    assert full["columns"]["completion"]["nulls"] == 1
    assert full["counts"]["SET307"]["row_numbers"] == [9]
    (tmp_path / "lines.txt").write_text("one line\nanother line\none line\n\n", "utf-8")
    full = call(str(tmp_path / "lines.txt"), "--full", "--json").json["full"]
    assert (full["rows"], full["counts"]["SET307"]["row_numbers"], full["counts"]["SET301"]["row_numbers"]) == (4, [3], [4])


def test_preferences_and_labels(tmp_path: Path, call: Call) -> None:
    rng = random.Random(4)
    pairs = [
        {"prompt": full_truth.words(rng), "chosen": full_truth.words(rng), "rejected": full_truth.words(rng)} for _ in range(400)
    ]
    for at in (5, 17, 399):
        pairs[at]["rejected"] = pairs[at]["chosen"]
    full = call(str(_jsonl(tmp_path / "pairs.jsonl", pairs)), "--full", "--json").json["full"]
    assert full["counts"]["SET303"]["row_numbers"] == [6, 18, 400]
    longest = sorted(len(row["prompt"]) + max(len(row["chosen"]), len(row["rejected"])) for row in pairs)
    assert full["length_histogram"]["max"] == longest[-1]
    thumbs = [{"prompt": full_truth.words(rng), "completion": full_truth.words(rng), "label": at % 20 > 0} for at in range(400)]
    report = call(str(_jsonl(tmp_path / "thumbs.jsonl", thumbs)), "--full", "--method", "kto", "--json").json
    assert report["full"]["label_counts"] == {"true": 380, "false": 20}
    assert [item["code"] for item in report["findings"] if item["code"] == "SET317"] == ["SET317"]
    assert "380 rows desirable, 20 undesirable" in next(f["message"] for f in report["findings"] if f["code"] == "SET317")


def test_leakage_between_splits_is_exact(tmp_path: Path, call: Call) -> None:
    rows, held_out = full_truth.chats(5, 900), full_truth.chats(6, 300)
    held_out[10] = rows[800]
    held_out[20] = {**rows[77], "id": 9999}
    _jsonl(tmp_path / "train.jsonl", rows)
    _jsonl(tmp_path / "test.jsonl", held_out)
    report = call(str(tmp_path), *FULL).json
    (leak,) = report["full"]["leakage"]
    keys = {json.dumps(row["messages"], sort_keys=True) for row in held_out}
    truth = [number for number, row in enumerate(rows, 1) if json.dumps(row["messages"], sort_keys=True) in keys]
    assert {78, 801} <= set(truth)
    assert (leak["split"], leak["rows"], leak["same_rows"]) == ("test", 300, len(truth))
    assert report["full"]["counts"]["SET313"]["row_numbers"] == truth[:10]


def test_a_row_of_another_kind_is_counted_and_stops_nothing(tmp_path: Path, call: Call) -> None:
    rows: list[dict[str, Any]] = full_truth.chats(7, 1200)
    truth = full_truth.counts(rows)
    rows += [{"messages": "just text"}, {"messages": 5}, {"messages": ["a", "b"]}, {"other": 1}]
    report = call(str(_jsonl(tmp_path / "rows.jsonl", rows)), "--full", "--json", "--sample", "100").json
    counts = report["full"]["counts"]
    assert counts["SET305"]["row_numbers"] == [1201, 1202, 1203]
    assert counts["SET308"]["rows"] == len(truth["SET308"]) + 1


@pytest.mark.parametrize(
    "name", ["rows[1].jsonl", "a*b?.jsonl", "it's; DROP TABLE facts--.jsonl", 'quo"te.jsonl', "sp ace.jsonl", "ünïcode.jsonl"]
)
def test_hostile_file_names(name: str, tmp_path: Path, call: Call) -> None:
    rows = full_truth.chats(8, 200)
    _jsonl(tmp_path / name, rows)
    _jsonl(tmp_path / "rows1.jsonl", rows * 2)
    done = call(str(tmp_path / name), *FULL)
    assert done.json["full"]["rows"] == 200


def test_hostile_column_names(tmp_path: Path, call: Call) -> None:
    rng = random.Random(9)
    names = ['a"b', "it's", "x); DROP TABLE facts; --", "new\nline", "Prompt", "select", "rn", "f0", "v0", "whole", ""]
    rows = [
        {"prompt": full_truth.words(rng), "completion": full_truth.words(rng), **dict.fromkeys(names, at)} for at in range(50)
    ]
    full = call(str(_jsonl(tmp_path / "rows.jsonl", rows)), "--full", "--json").json["full"]
    assert full["rows"] == 50
    assert full["columns"]['a"b']["distinct"] >= 45


def test_a_broken_line_is_named(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind what the sample reads, so that DuckDB is the one that meets it."""
    monkeypatch.setattr(bounds, "BESIDE_FULL_BYTES", 2000)
    path = _jsonl(tmp_path / "rows.jsonl", full_truth.chats(10, 3000))
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"messages": [\n')
    done = call(str(path), "--full", "--json")
    assert done.code == 3
    assert done.json["error"]["code"] == "bad-data"
    assert "line 3001 is not JSON" in done.json["error"]["message"]
    assert done.json["full"] is None


def test_a_cut_parquet_file_is_one_error(tmp_path: Path, call: Call) -> None:
    path = _parquet(tmp_path / "rows.parquet", full_truth.chats(11, 2000))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff" * 400  # a broken page in the middle: the footer, and so the sample's head, are whole
    path.write_bytes(data)
    done = call(str(path), "--full", "--json", "--sample", "1")
    assert done.code == 3
    assert done.json["error"]["code"] == "bad-data"


def test_bytes_are_not_read(tmp_path: Path, call: Call) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rng = random.Random(12)
    rows = [{"prompt": full_truth.words(rng), "completion": full_truth.words(rng), "blob": b"\xff" * 10} for _ in range(100)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    full = call(str(tmp_path / "rows.parquet"), "--full", "--json").json["full"]
    assert full["rows"] == 100
    assert "blob" not in full["columns"]


def test_wrong_sizes_are_usage_errors(tmp_path: Path, call: Call) -> None:
    done = call(str(_jsonl(tmp_path / "rows.jsonl", full_truth.chats(1, 5))), "--full", "--memory", "lots", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "usage")


def test_orders_of_speakers_are_told_in_words(tmp_path: Path, call: Call) -> None:
    """`e.g. 'sua'` is the engine's own shorthand."""
    turns = [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}]
    good = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    file = _jsonl(tmp_path / "train.jsonl", [{"messages": good}, {"messages": turns}])
    report = call(str(file), "--full", "--json").json
    assert report["full"]["counts"]["SET302"]["example"] == "system user"
    assert any("e.g. 'system user'" in one["evidence"] for one in report["findings"] if one["code"] == "SET302")
