"""Where rows may come from: files inside a repository of the Hub, standard input, folders that `save_to_disk` wrote, patterns."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dataset.cases import chat
from dataset.viewer import hub_with
from support.helpers import DEAD_URL, Outcome, clean_environment
from support.hub import Hub

pytestmark = pytest.mark.slow

NAME = "ada/chats"
ROWS = [{"messages": chat(n)} for n in range(300)]
Call = Callable[..., Outcome]


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), out, row_group_size=100)
    return out.getvalue()


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {
        "data/train-0.jsonl": _lines(ROWS),
        "data/train-1.jsonl": _lines(ROWS[:100]),
        "data/test.jsonl": _lines(ROWS[:50]),
        "table.csv": b"prompt,completion\n" + b"".join(f"q {n},a {n}\n".encode() for n in range(40)),
        "packed.jsonl.gz": gzip.compress(_lines(ROWS[:30])),
        "rows.json": json.dumps({"train": ROWS[:20], "test": ROWS[:5]}).encode(),
        "loader.py": b"raise SystemExit",
        "weights.pkl": b"\x80\x04",
    }
    made, _ = hub_with(NAME, files)
    yield made
    made.service.close()


@pytest.fixture
def inspect(call: Call, hub: Hub) -> Call:
    """No dataset viewer: files are asked of the Hub alone."""
    return lambda *arguments: call(*arguments, "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL)


def test_one_file(inspect: Call) -> None:
    report = inspect(f"hf://datasets/{NAME}/data/train-0.jsonl", "--method", "sft").json
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert report["looked_at"]["complete"] is True
    assert report["splits"] == [
        {"config": "default", "split": "train", "num_rows": 300, "num_rows_is": "exact", "num_bytes": len(_lines(ROWS))}
    ]
    assert (
        report["load"] == f'dataset = load_dataset("json", data_files="hf://datasets/{NAME}/data/train-0.jsonl", split="train")'
    )


def test_a_pattern_says_that_it_is_partial(inspect: Call) -> None:
    report = inspect(f"hf://datasets/{NAME}/data/train-*.jsonl").json
    assert report["looked_at"]["complete"] is False
    assert report["looked_at"]["bytes_total"] == len(_lines(ROWS)) + len(_lines(ROWS[:100]))
    assert any("first of 2 files" in warning for warning in report["warnings"])
    assert report["splits"][0]["num_rows_is"] == "estimated"
    assert abs(report["splits"][0]["num_rows"] - 400) < 10


def test_a_folder_has_its_splits_and_none_is_assumed(inspect: Call) -> None:
    address = f"hf://datasets/{NAME}/data"
    report = inspect(address).json
    assert [item["split"] for item in report["splits"]] == ["train", "test"]
    assert report["looked_at"]["split"] == "train"
    other = inspect(address, "--split", "test").json
    assert (other["looked_at"]["split"], other["looked_at"]["rows_sampled"]) == ("test", 50)
    missing = inspect(address, "--split", "validation")
    assert missing.code == 3
    assert "train, test" in missing.json["error"]["hint"]


@pytest.mark.parametrize(
    ("path", "kind", "rows"), [("table.csv", "csv", 40), ("packed.jsonl.gz", "jsonl", 30), ("rows.json", "json", 20)]
)
def test_other_formats(path: str, kind: str, rows: int, inspect: Call) -> None:
    report = inspect(f"hf://datasets/{NAME}/{path}").json
    assert (report["source"]["kind"], report["looked_at"]["rows_sampled"]) == (kind, rows)


def test_splits_inside_a_document(inspect: Call) -> None:
    report = inspect(f"hf://datasets/{NAME}/rows.json", "--split", "test").json
    assert [(item["split"], item["num_rows"]) for item in report["splits"]] == [("train", 20), ("test", 5)]
    assert report["looked_at"]["rows_sampled"] == 5


def test_parquet_is_read_in_pieces(call: Call) -> None:
    wide = [{"messages": chat(n), "blob": "x" * 20_000 + str(n)} for n in range(400)]
    made, _ = hub_with(NAME, {"default/train/0000.parquet": _parquet(wide)})
    address = f"hf://datasets/{NAME}@refs/convert/parquet/default/train/0000.parquet"
    report = call(address, "--json", HF_ENDPOINT=made.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL).json
    made.service.close()
    assert report["splits"][0]["num_rows"] == 400
    assert report["looked_at"]["complete"] is True
    assert f"{NAME}@refs/convert/parquet/" in report["load"].replace("%2F", "/")


def test_a_large_file_is_read_from_its_start(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_intern_helpers.dataset.hub import files

    monkeypatch.setattr(files, "HEAD_BYTES", 4000)
    made, _ = hub_with(NAME, {"train.jsonl": _lines(ROWS)})
    report = call(f"hf://datasets/{NAME}/train.jsonl", "--json", HF_ENDPOINT=made.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL).json
    made.service.close()
    assert report["looked_at"]["complete"] is False
    assert report["looked_at"]["bytes_read"] <= 4000
    assert any(warning.startswith("partial: only the first") for warning in report["warnings"])
    assert abs(report["splits"][0]["num_rows"] - 300) < 30


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nothing.jsonl", "no file"),
        ("data/*.parquet", "no file matches"),
        ("weights.pkl", "can run code"),
        ("loader.py", "unsupported file format"),
    ],
)
def test_what_cannot_be_read_is_one_error(path: str, told: str, inspect: Call) -> None:
    done = inspect(f"hf://datasets/{NAME}/{path}")
    assert done.code == 3
    assert told in done.json["error"]["message"]


def test_a_missing_repository(inspect: Call) -> None:
    done = inspect("hf://datasets/ada/none/rows.jsonl")
    assert done.code == 3
    assert "ada/none is missing" in done.json["error"]["message"]


def test_a_browser_address_names_the_same_file(inspect: Call) -> None:
    report = inspect(f"https://huggingface.co/datasets/{NAME}/blob/main/data/test.jsonl").json
    assert report["dataset"] == f"hf://datasets/{NAME}@main/data/test.jsonl"
    assert report["looked_at"]["rows_sampled"] == 50


def _piped(home: Path, data: bytes, *arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "ml_intern_helpers", "inspect_dataset", "-", "--json", *arguments],
        input=data,
        capture_output=True,
        env={**clean_environment(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_standard_input(home: Path) -> None:
    report = _piped(home, _lines(ROWS), "--method", "sft", "--full").json
    assert report["dataset"] == report["source"]["where"] == "standard input"
    assert report["full"]["rows"] == 300
    assert 'data_files="rows.jsonl"' in report["load"]
    assert "ml-intern-stdin" not in json.dumps(report)


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (json.dumps(ROWS[:7], indent=1).encode(), 0, None),
        (_parquet(ROWS[:7]), 0, None),
        (b"", 3, "standard input is empty"),
        (b"hello, world\n", 3, "unsupported file format"),
        (b"I came, I saw\nI went, I slept\nI ate, I drank\nI sat, I read\n", 3, "unsupported file format"),
        (b"1,2\n3,4\n5,6\n7,8\n", 3, "unsupported file format"),
        (b"question,answer\n" + b"a\n" * 7, 3, "unsupported file format"),
        (gzip.compress(_lines(ROWS[:7])), 3, "is compressed"),
        (b"question,answer\n" + b'"what, then","a\nline"\n' * 7, 0, None),
        (b"question\tanswer\n" + b"what, then\ta, b\n" * 7, 0, None),
        (_lines(ROWS[:3]) + b"{broken\n", 3, "standard input line 4 is not JSON"),
    ],
    ids=["json", "parquet", "nothing", "word", "prose", "numbers", "ragged", "packed", "csv", "tsv", "broken"],
)
def test_what_is_piped_in_is_recognised(data: bytes, code: int, told: str | None, home: Path) -> None:
    done = _piped(home, data)
    assert done.code == code
    if told:
        assert told in done.json["error"]["message"]
        assert "ml-intern-stdin" not in done.stdout + done.stderr
    else:
        assert done.json["looked_at"]["rows_sampled"] == 7
        assert done.json["columns_total"] == len(done.json["sample_rows"][0])


def test_a_table_from_standard_input_is_loaded_as_one(home: Path) -> None:
    """Larger than what is looked at to tell the format, with cells over several lines: also where that look ends."""
    body = "".join(f'"what is {n}, and\nwhat is not","it is {n} of ""all""\n{"x" * 40}"\n' for n in range(2000))
    report = _piped(home, ("question,answer\n" + body).encode(), "--method", "sft", "--full").json
    assert (report["source"]["kind"], report["full"]["rows"]) == ("csv", 2000)
    assert 'load_dataset("csv", data_files="rows.csv"' in report["load"]
    tabs = _piped(home, b"question\tanswer\n" + b"what\tthis\n" * 9).json
    assert 'data_files="rows.tsv", sep="\\t"' in tabs["load"]
    assert 'data_files="rows.parquet"' in _piped(home, _parquet(ROWS[:7])).json["load"]


def test_a_saved_dictionary_of_splits(tmp_path: Path, call: Call) -> None:
    import datasets

    datasets.disable_progress_bars()
    saved = datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS), "test": datasets.Dataset.from_list(ROWS[:10])})
    saved.save_to_disk(tmp_path / "saved")
    report = call(str(tmp_path / "saved"), "--full", "--json").json
    assert sorted((item["split"], item["num_bytes"] > 0) for item in report["splits"]) == [("test", True), ("train", True)]
    assert report["full"]["rows"] == 300
    assert report["full"]["leakage"] == [{"split": "test", "rows": 10, "same_rows": 10, "same_questions": 0}]
