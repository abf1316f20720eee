"""Files on this machine: every format, and everything that can be wrong with one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dataset.cases import chat, question
from support.helpers import Outcome

Call = Callable[..., Outcome]
LINES = "".join(json.dumps({"messages": chat(n)}) + "\n" for n in range(10))
ROWS = [{"messages": chat(n)} for n in range(10)]


def seven_thousand() -> bytes:
    lines = [json.dumps({"text": question(n)}) for n in range(7_500)]
    lines[6_999] = '{"text": "key hf_abcdefghijklmnopqrstuvwxyz012345" broken' + " x" * 500
    return "\n".join(lines).encode()


# (file name, bytes, words in the message, words in the hint)
BAD = [
    pytest.param("a.jsonl", b"", "a.jsonl is empty", "nothing to inspect", id="empty file"),
    pytest.param("a.jsonl", b"\n\n  \n", "a.jsonl is empty", "nothing to inspect", id="blank file"),
    pytest.param("a.jsonl", seven_thousand(), "line 7000 is not JSON", "repair or drop", id="broken line 7,000 is named"),
    pytest.param(
        "a.jsonl", b'{"a": 1}\n{"a": 1, "a": 2}\n', "line 2 names the key 'a' twice", "rename or drop", id="duplicate key"
    ),
    pytest.param("a.jsonl", b'{"a": 1}\n[1, 2]\n', "line 2 is an array", "every line", id="a line that is no object"),
    pytest.param("a.jsonl", b'{"a": 1}\nnull\n', "line 2 is null", "every line", id="a line that is null"),
    pytest.param("a.jsonl", '{"a": "ä"}\n'.encode("utf-16"), "is UTF-16", "iconv -f UTF-16 -t UTF-8", id="UTF-16"),
    pytest.param("a.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n', "line 2 is not UTF-8: byte 0xe9", "iconv", id="Latin-1"),
    pytest.param("a.jsonl", b"\x89PNG\r\n\x1a\n\0\0\0", "is a binary file", "JSONL", id="binary file"),
    pytest.param("a.jsonl", b'{\n  "a": 1\n}\n', "line 1 is not JSON", "ending .json", id="pretty-printed JSON named .jsonl"),
    pytest.param("a.jsonl", b"[" * 200_000, "nested too deep", "look at", id="nesting bomb"),
    pytest.param("a.json", b'{"data": [1, 2]', "is not JSON", "repair", id="broken document"),
    pytest.param("a.json", b"[1, 2]", "item 1 is not an object", "objects", id="document without objects"),
    pytest.param("a.json", b"[]", "has no rows", "nothing to inspect", id="zero rows"),
    pytest.param("a.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, the header 2", "quote cells", id="ragged CSV"),
    pytest.param("a.csv", b"a,b\n", "has no rows", "nothing to inspect", id="CSV header alone"),
    pytest.param("a.csv", b"a,b\n1,\xff\n", "a.csv line 2 is not UTF-8: byte 0xff", "iconv", id="CSV in Latin-1"),
    pytest.param("a.parquet", b"PAR1" + b"x" * 100, "not a complete parquet file", "cut off", id="truncated Parquet"),
    pytest.param("a.parquet", b"", "is empty", "nothing", id="empty Parquet"),
    pytest.param("a.arrow", b"ARROW1" + b"x" * 50, "not a complete arrow file", "cut off", id="damaged Arrow"),
    pytest.param("a.pkl", b"cos\nsystem\n(S'touch pwned'\ntR.", "is not opened", "JSONL or Parquet", id="pickle"),
    pytest.param("a.xlsx", b"PK\x03\x04", "an Excel workbook", "save the sheet as CSV", id="spreadsheet"),
    pytest.param("a.jsonl.gz", gzip.compress(LINES.encode())[:-20], "a.jsonl.gz", "again", id="cut-off gzip"),
]


@pytest.mark.parametrize(("name", "data", "message", "hint"), BAD)
def test_bad_input_is_one_clear_line(call: Call, tmp_path: Path, name: str, data: bytes, message: str, hint: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    done = call(str(path))
    assert done.code == 3
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert message in lines[0]
    assert hint in lines[1]
    assert "hf_abc" not in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_a_huge_line_is_named_and_not_held(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"a": "')
        stream.truncate(70 * 2**20)
    done = call(str(path))
    assert done.code == 3
    assert "binary" in done.stderr or "longer than 8 MiB" in done.stderr


def test_a_missing_file_names_its_neighbours(call: Call, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(LINES)
    done = call(str(tmp_path / "trian.jsonl"))
    assert done.code == 3
    assert "did you mean train.jsonl?" in done.stderr


def test_an_unreadable_file(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "data.jsonl"
    folder.mkdir()
    done = call(str(folder))
    assert done.code == 3
    assert "holds no data files" in done.stderr


def write(path: Path, rows: list[dict[str, Any]], kind: str) -> Path:
    """`rows` in one of the formats."""
    import datasets

    data = datasets.Dataset.from_list(rows)
    if kind == "parquet":
        data.to_parquet(path)
    elif kind == "arrow":
        data.save_to_disk(path.with_suffix(""))
        next(path.with_suffix("").glob("*.arrow")).rename(path)
    elif kind == "saved":
        datasets.DatasetDict({"train": data, "test": data}).save_to_disk(path)
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "saved"])
def test_columnar_formats(in_process: Callable[..., dict[str, Any]], tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"a.{kind}", ROWS, kind)
    report = in_process(str(path), "--method", "sft")
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert report["looked_at"]["rows_sampled"] == 10
    assert report["columns"][0]["type"] in (
        "list<struct<role: string, content: string>>",
        "list<struct<content: string, role: string>>",
    )
    assert len(report["splits"]) == (2 if kind == "saved" else 1)
    assert ("load_from_disk" in report["load"]) is (kind == "saved")


@pytest.mark.parametrize(
    ("name", "text", "load"),
    [
        ("a.jsonl", LINES, '"json", data_files='),
        ("a.json", json.dumps(ROWS), '"json", data_files='),
        ("b.json", json.dumps({"version": 1, "data": ROWS}), 'field="data"'),
        ("c.json", LINES, '"json", data_files='),
        ("d.jsonl", "\ufeff" + LINES, '"json", data_files='),
    ],
    ids=["JSON Lines", "array", "rows under a field", "lines in a .json", "byte order mark"],
)
def test_json_formats(in_process: Callable[..., dict[str, Any]], tmp_path: Path, name: str, text: str, load: str) -> None:
    """And `datasets` loads the file by the very line that is shown."""
    import datasets

    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    report = in_process(str(path), "--method", "sft")
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert load in report["load"]
    scope: dict[str, Any] = {"load_dataset": lambda *a, **k: datasets.load_dataset(*a, **k, cache_dir=str(tmp_path / "cache"))}
    exec(report["load"], scope)
    assert [dict(row) for row in scope["dataset"]] == ROWS


CSV = 'prompt,completion,label,score\n"a, b",yes,True,1.5\nc,,False,\nNA,no,True,2\n'


def test_csv_has_the_types_that_datasets_gives_it(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    import datasets

    path = tmp_path / "a.csv"
    path.write_text(CSV)
    report = in_process(str(path), "--method", "kto", "--rows", "3")
    loaded = datasets.load_dataset("csv", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert report["sample_rows"] == [dict(row) for row in loaded]
    assert [finding["code"] for finding in report["findings"]][:1] == ["SET214"]


@pytest.mark.parametrize(("name", "sign"), [("a.tsv", "\t"), ("a.csv", ";")])
def test_other_separators(in_process: Callable[..., dict[str, Any]], tmp_path: Path, name: str, sign: str) -> None:
    (tmp_path / name).write_text(f"question{sign}answer\nwhat{sign}that\n")
    report = in_process(str(tmp_path / name), "--method", "sft")
    assert [column["name"] for column in report["columns"]] == ["question", "answer"]
    assert f"sep={json.dumps(sign)}" in report["load"]


def test_short_csv_rows_are_nulls_and_told(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,b\nx,y\nz\n")
    report = in_process(str(tmp_path / "a.csv"))
    assert report["findings"][0]["code"] == "SET104"
    assert report["findings"][0]["line"] == 3


def test_a_folder_has_splits_by_name(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for name in ("train-0.jsonl", "train-1.jsonl", "test.jsonl", "dev/part.jsonl", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(LINES)
    report = in_process(str(tmp_path))
    assert [split["split"] for split in report["splits"]] == ["train", "test", "validation"]
    assert report["looked_at"]["rows_parsed"] == 20
    assert in_process(str(tmp_path), "--split", "validation")["looked_at"]["rows_parsed"] == 10


def test_a_pattern_is_one_split(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"part-{number}.jsonl").write_text(LINES)
    assert in_process(str(tmp_path / "part-*.jsonl"))["looked_at"]["rows_parsed"] == 30


def test_gzip(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    assert in_process(str(tmp_path / "a.jsonl.gz"))["splits"][0]["num_rows"] == 10


def test_the_sample_reaches_the_end_of_the_file(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """A fault in the second half of the file is seen, although only 1,000 of 20,000 rows are kept."""
    rows = [{"text": question(n) if n < 15_000 else None} for n in range(20_000)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = in_process(str(tmp_path / "a.jsonl"))
    assert report["looked_at"]["rows_sampled"] == 1_000
    assert report["looked_at"]["rows_parsed"] == 20_000
    assert report["looked_at"]["complete"] is False
    assert report["verdicts"]["sft"]["verdict"] == "needs_mapping"
    assert 150 < report["columns"][0]["nulls_in_sample"] < 250


def test_columns_that_only_some_rows_have(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "b", "extra": {"x": [1, "y"]}}\n')
    columns = {column["name"]: column for column in in_process(str(tmp_path / "a.jsonl"))["columns"]}
    assert columns["extra"]["type"] == "struct<x: list<int | string>>"
    assert columns["extra"]["nulls_in_sample"] == 1


def test_images_are_not_read_and_are_told(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    rows = [{"messages": chat(n), "image": {"bytes": b"\x89PNG" * 1000, "path": None}} for n in range(4)]
    text = {"dtype": "string", "_type": "Value"}
    features = {"messages": {"feature": {"role": text, "content": text}, "_type": "List"}, "image": {"_type": "Image"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(metadata), tmp_path / "a.parquet")
    report = in_process(str(tmp_path / "a.parquet"))
    assert {column["name"]: column["type"] for column in report["columns"]}["image"] == "image"
    assert "SET306" in {finding["code"] for finding in report["findings"]}
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert "PNG" not in json.dumps(report["sample_rows"])


INSIDE = {"train": [{"text": f"a b {n}"} for n in range(3)], "test": [{"text": "c d"}]}


@pytest.mark.parametrize(
    ("arguments", "split", "rows"), [([], "train", 3), (["--split", "test"], "test", 1)], ids=["train", "test"]
)
def test_splits_inside_one_document(
    in_process: Callable[..., dict[str, Any]], tmp_path: Path, arguments: list[str], split: str, rows: int
) -> None:
    """The line shown really loads that split: `datasets` calls every such file `train`."""
    import datasets

    path = tmp_path / "a.json"
    path.write_text(json.dumps(INSIDE, indent=1))
    report = in_process(str(path), *arguments)
    assert [(item["split"], item["num_rows"]) for item in report["splits"]] == [("train", 3), ("test", 1)]
    assert (report["looked_at"]["split"], report["looked_at"]["rows_sampled"]) == (split, rows)
    scope: dict[str, Any] = {"load_dataset": partial(datasets.load_dataset, cache_dir=str(tmp_path / "cache"))}
    exec(report["load"], scope)
    assert scope["dataset"].to_list() == INSIDE[split]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param(json.dumps(INSIDE, indent=1), "splits: train, test", id="a document with splits"),
        pytest.param('[{"a": 1}]', "splits: train", id="a document of rows"),
        pytest.param('{"a": 1}\n{"a": 2}\n', "splits: train", id="lines"),
    ],
)
def test_a_split_that_no_document_holds(call: Call, tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "a.json").write_text(text)
    done = call(str(tmp_path / "a.json"), "--split", "dev")
    assert done.code == 3
    assert "no split 'dev'" in done.stderr
    assert hint in done.stderr
