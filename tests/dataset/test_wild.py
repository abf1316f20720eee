"""Data as it is found: what a reader with fresh eyes saw told wrongly."""

from __future__ import annotations

import bz2
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from support.helpers import Outcome

Call = Callable[..., Outcome]
Row = dict[str, Any]
SIZE = 24


def _jsonl(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def _parquet(path: Path, columns: Row) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table(columns), path)
    return path


def _codes(report: Row) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


NUMBERS = range(SIZE)
TEXTS = [f"a sentence about the number {number} and no other" for number in NUMBERS]
NO_COPIES: dict[str, Row] = {
    "only a number is known": {"testo": TEXTS, "score": [number % 3 for number in NUMBERS]},
    "only a small column is cheap": {"testo": TEXTS, "lang": [1] * SIZE},
    "thirty constants before what differs": {**{f"a{n}": [1] * SIZE for n in range(30)}, "zz": list(NUMBERS)},
    "pictures with classes": {"image": [{"bytes": bytes([n]) * 9, "path": f"{n}"} for n in NUMBERS], "label": [1] * SIZE},
    "one question about many pictures": {
        "image": [{"bytes": bytes([n]) * 9, "path": f"{n}"} for n in NUMBERS],
        "question": ["what is this"] * SIZE,
        "answer": ["a cat"] * SIZE,
    },
    "bytes alone": {"audio": [bytes([n]) * 9 for n in NUMBERS]},
    "nested alone": {"data": [{"turns": [{"role": "user", "content": text}]} for text in TEXTS]},
}


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["sample", "full"])
@pytest.mark.parametrize("columns", NO_COPIES.values(), ids=NO_COPIES.keys())
def test_rows_that_differ_where_it_matters_are_no_copies(columns: Row, full: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    report = call(str(_parquet(tmp_path / "a.parquet", columns)), *full, "--json").json
    assert report["verdicts"]
    assert "SET307" not in _codes(report)
    assert not full or report["full"]["rows"] == SIZE


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["sample", "full"])
@pytest.mark.parametrize("write", ["jsonl", "parquet"])
def test_copies_among_columns_of_unknown_names_are_found(write: str, full: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    columns = {"testo": [*TEXTS[:-1], TEXTS[0]], "score": [1] * SIZE}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    path = _jsonl(tmp_path / "a.jsonl", rows) if write == "jsonl" else _parquet(tmp_path / "a.parquet", columns)
    found = [item for item in call(str(path), *full, "--json").json["findings"] if item["code"] == "SET307"]
    assert [item["line"] for item in found] == [SIZE]


@pytest.mark.parametrize("end", ["\n", "\r\n\r\n"], ids=["plain", "blank lines"])
def test_a_byte_order_mark_does_not_stop_the_full_scan(end: str, call: Call, tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": text, "completion": None if text == TEXTS[3] else "so"}) for text in TEXTS]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode())
    report = call(str(tmp_path / "a.jsonl"), "--full", "--json").json
    assert report["full"]["rows"] == SIZE
    assert report["full"]["counts"]["SET308"]["row_numbers"] == [4]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_known_names_behind_a_thousand_others_are_read(form: str, call: Call, tmp_path: Path) -> None:
    """Cut at the first thousand columns, the file was INCOMPATIBLE and NO GO."""
    row = {**{f"col_{number}": number for number in range(1200)}, "prompt": "why is it so", "completion": "it is"}
    path = tmp_path / f"a.{form}"
    if form == "csv":
        path.write_text(f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")
    elif form == "jsonl":
        _jsonl(path, [row])
    else:
        _parquet(path, {name: [value] for name, value in row.items()})
    report = call(str(path), "--json").json
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert report["columns_total"] == 1000
    assert any("1,000 of 1,202 columns" in warning for warning in report["warnings"])


@pytest.mark.parametrize(
    ("good", "bad"),
    [("👍", "👎"), ("👍🏽", "👎🏽"), (":thumbs_up:", ":thumbs_down:"), ("helpful", "unhelpful"), ("upvote", "downvote")],
)
def test_thumbs_say_themselves_what_they_mean(good: str, bad: str, call: Call, tmp_path: Path) -> None:
    rows = [{"question": text, "response": "so", "feedback": (good, bad)[at % 2]} for at, text in enumerate(TEXTS)]
    report = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json
    assert report["verdicts"]["kto"]["verdict"] == "needs_mapping"
    assert report["verdicts"]["sft"]["mapping_rows_out"] == SIZE // 2


def test_speakers_in_capitals_are_mapped(call: Call, tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "User", "content": text}, {"role": "ASSISTANT", "content": "so"}]} for text in TEXTS]
    report = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json
    assert {name: report["verdicts"][name]["verdict"] for name in ("sft", "grpo")} == dict.fromkeys(
        ("sft", "grpo"), "needs_mapping"
    )


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["sample", "full"])
@pytest.mark.parametrize("label", ["False", "FALSE", "no", "0"])
def test_labels_of_one_class_in_csv(label: str, full: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt,completion,label\n" + "".join(f"{text},so,{label}\n" for text in TEXTS))
    report = call(str(path), *full, "--json").json
    assert "SET304" in _codes(report)


def test_a_quote_left_open_is_refused_as_datasets_does(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('prompt,completion\na,b\n"never closed,c\nd,e\n')
    outcome = call(str(path))
    assert outcome.code == 3
    assert "ends inside a quoted cell" in outcome.stderr


def test_a_last_row_over_several_lines_is_no_open_quote(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('prompt,completion\na,"b\n\nc ""d"""')
    assert call(str(path), "--json").json["sample_rows"] == [{"prompt": "a", "completion": 'b\n\nc "d"'}]


@pytest.mark.parametrize("text", ["\\ud83d cut", "cut \\uDC00"])
def test_half_a_character_is_refused_as_datasets_does(text: str, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "whole \\ud83d\\ude00, and \\\\ud83d in words"}}\n{{"text": "{text}"}}\n')
    outcome = call(str(path))
    assert outcome.code == 3
    assert "line 2 has half a character" in outcome.stderr


CHAT = [{"role": "user", "content": "why"}, {"role": "assistant", "content": "so"}]


def test_single_bad_rows_do_not_make_a_method_incompatible(call: Call, tmp_path: Path) -> None:
    odd = [[], [CHAT[0], {"role": "system", "content": "be"}, CHAT[1]]]
    rows = [{"messages": [{"role": "user", "content": text}, CHAT[1]]} for text in TEXTS] + [{"messages": turns} for turns in odd]
    grpo = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json["verdicts"]["grpo"]
    assert (grpo["verdict"], grpo["mapping_rows_in"], grpo["mapping_rows_out"]) == ("needs_mapping", SIZE + 2, SIZE)


def test_two_shapes_in_one_file_give_the_rows_of_one(call: Call, tmp_path: Path) -> None:
    """Asked to hold both shapes at once, no row was left, and the file was INCOMPATIBLE."""
    rows = [{"messages": CHAT} if at % 3 == 0 else {"prompt": text, "completion": "so"} for at, text in enumerate(TEXTS)]
    verdicts = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json["verdicts"]
    assert [verdicts[name]["mapping_rows_out"] for name in ("sft", "grpo")] == [SIZE * 2 // 3] * 2


@pytest.mark.parametrize(("good", "bad"), [(1, -1), ("up", "down"), (True, False)])
def test_sft_does_not_learn_what_was_marked_as_bad(good: object, bad: object, call: Call, tmp_path: Path) -> None:
    """Under another name than 'label' the mark was overlooked: READY, and 'learns the good answers alone'."""
    rows = [{"prompt": text, "completion": "so", "rating": (bad, good)[at % 3 == 0]} for at, text in enumerate(TEXTS)]
    sft = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json["verdicts"]["sft"]
    assert (sft["verdict"], sft["mapping_rows_out"]) == ("needs_mapping", SIZE // 3)


def test_a_score_of_nought_everywhere_is_no_mark(call: Call, tmp_path: Path) -> None:
    rows = [{"prompt": text, "completion": "so", "score": 0} for text in TEXTS]
    assert call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json["verdicts"]["sft"]["verdict"] == "ready"


def test_nulls_are_told_once(call: Call, tmp_path: Path) -> None:
    rows = [{"prompt": text if at % 5 else None, "completion": "so"} for at, text in enumerate(TEXTS)]
    findings = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--full", "--json").json["findings"]
    found = [item for item in findings if item["code"] in ("SET214", "SET308")]
    facts = [(item["code"], item["count"], item["of"], item["scope"], item["rows"]) for item in found]
    assert facts == [("SET214", 5, SIZE, "all rows", [1, 6, 11, 16, 21])]


def test_texts_too_short_to_tell_their_language_are_in_no_other_one(call: Call, tmp_path: Path) -> None:
    """Half of a set of short English answers was 'not clear', and the languages were said to differ."""
    long = [
        {"text": f"{text}, and that is all there is to be said about it in this place, or in any of the others"} for text in TEXTS
    ]
    paths = [str(_jsonl(tmp_path / name, rows)) for name, rows in (("a.jsonl", long), ("b.jsonl", [{"text": "x = 1"}] * 30))]
    assert "languages" not in call(paths[0], "--compare", paths[1], "--json").json["compare"]["differs"]


def test_answers_that_are_numbers_are_no_clear_no(call: Call, tmp_path: Path) -> None:
    """'no column is known as an answer', said SFT, two lines above 'answer' that GRPO was recommended for."""
    rows = [{"problem": text, "answer": at} for at, text in enumerate(TEXTS)]
    report = call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json
    assert report["verdicts"]["sft"]["verdict"] == "unknown"
    assert "str(row['answer'])" in report["verdicts"]["sft"]["reason"]
    assert [item["method"] for item in report["recommended"]] == ["grpo"]


@pytest.mark.parametrize("odd", [[], {"a": 1}], ids=["a list", "an object"])
@pytest.mark.parametrize("marks", [(0, 1), (1, 2, 3)], ids=["marks", "ratings"])
def test_a_stray_cell_among_marks_is_no_bug_of_ours(odd: object, marks: tuple[int, ...], call: Call, tmp_path: Path) -> None:
    rows = [{"prompt": text, "completion": "so", "score": marks[at % len(marks)]} for at, text in enumerate(TEXTS)]
    rows[5]["score"] = odd
    assert call(str(_jsonl(tmp_path / "a.jsonl", rows)), "--json").json["verdicts"]


def test_identifiers_of_64_bits_make_no_method_incompatible(call: Call, tmp_path: Path) -> None:
    """Hashes as ids: `datasets` reads them from files, but makes no rows of them from Python's numbers."""
    import pyarrow as pa

    rows = range(40)
    columns: Row = {"id": pa.array([2**64 - 1 - n for n in rows], pa.uint64())}
    columns |= {"instruction": [f"what is number {n} and why" for n in rows], "output": [f"it is {n}, I think" for n in rows]}
    columns["output"][7] = ""
    report = call(str(_parquet(tmp_path / "rows.parquet", columns)), "--method", "sft", "--json").json
    assert report["verdicts"]["sft"]["verdict"] == "needs_mapping"
    assert (report["decision"]["word"], report["decision"]["rows_out"]) == ("go_with_filters", 39)


@pytest.mark.parametrize("full", [(), ("--full",)])
def test_a_map_is_refused_as_datasets_does(full: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    import pyarrow as pa

    columns = {"text": ["one text", "and another"], "pairs": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64()))}
    path = str(_parquet(tmp_path / "rows.parquet", columns))
    done = call(path, *full)
    assert done.code == 3
    assert "'pairs' is a map, a type that `datasets` refuses" in done.stderr
    with pytest.raises(Exception, match="map"):
        datasets.load_dataset("parquet", data_files=path, split="train", cache_dir=str(tmp_path / "cache"))


def test_images_that_are_mere_bytes_are_told_apart_from_images(call: Call, tmp_path: Path) -> None:
    """`datasets` writes into a file which columns are images; without that, they are loaded as bytes."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    cells = pa.array([{"bytes": b"\x89PNG", "path": f"{n}.png"} for n in range(20)])
    captions = [f"a picture of the number {n}" for n in range(20)]
    loose = call(str(_parquet(tmp_path / "loose.parquet", {"image": cells, "caption": captions})), "--json").json
    (told,) = [item for item in loose["findings"] if item["code"] == "SET306"]
    assert "stored as bytes" in told["message"]
    assert "cast_column('image', datasets.Image())" in told["fix"]
    features = {"image": {"_type": "Image"}, "caption": {"dtype": "string", "_type": "Value"}}
    written = pa.table({"image": cells, "caption": captions}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    parquet.write_table(written, tmp_path / "made.parquet")
    known = call(str(tmp_path / "made.parquet"), "--json").json
    (told,) = [item for item in known["findings"] if item["code"] == "SET306"]
    assert (told["severity"], "bytes" in told["message"]) == ("info", False)


def test_recordings_are_for_none_of_these_methods(call: Call, tmp_path: Path) -> None:
    columns = {
        "audio": [{"bytes": b"RIFF", "path": "a.wav"}] * 9,
        "transcription": [f"what was said in recording {n}" for n in range(9)],
    }
    report = call(str(_parquet(tmp_path / "rows.parquet", columns)), "--json").json
    assert {verdict["verdict"] for verdict in report["verdicts"].values()} == {"incompatible"}
    assert "keep 'transcription' as 'text'" in report["formats"][0]["note"]


@pytest.mark.parametrize(
    ("name", "data", "told", "hint"),
    [
        ("a b.jsonl.bz2", bz2.compress(b'{"text": "a"}\n'), "is packed", "bzcat 'a b.jsonl.bz2' | inspect_dataset -"),
        ("a.jsonl.xz", lzma.compress(b'{"text": "a"}\n'), "is packed", "xzcat a.jsonl.xz | inspect_dataset -"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd" + b"x" * 30, "is packed", "zstdcat a.jsonl.zst | inspect_dataset -"),
        ("a.zip", b"PK\x03\x04" + b"x" * 30, "a zip archive", "unpack it"),
        ("a.xlsx", b"PK\x03\x04" + b"x" * 30, "an Excel workbook", "save the sheet as CSV"),
        ("a.db", b"SQLite format 3\x00" + b"x" * 30, "an SQLite database", "sqlite3 -header -csv"),
        ("shard-000.tar", b"0.txt".ljust(257, b"\0") + b"ustar\0" + b"x" * 300, "a tar archive", "a WebDataset"),
        ("a.md", b"# title\n", "unsupported file format", "give one of .jsonl"),
    ],
)
def test_what_is_not_read_is_named_with_the_way_on(
    name: str, data: bytes, told: str, hint: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(data)
    done = call(f"./{name}")
    assert done.code == 3
    assert told in done.stderr
    assert hint in done.stderr


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({f"q{n}": {"question": f"what is {n}", "answer": f"it is {n}"} for n in range(5)}, "5 values are the rows"),
        ({"question": ["a b", "c d"], "answer": ["e f", "g h"]}, "2 values are columns of 2 rows"),
        ({"question": "what is it", "answer": "it is that"}, None),
    ],
    ids=["rows by key", "columns", "one row"],
)
def test_a_table_written_another_way_round_is_told(document: Row, told: str | None, call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document, indent=1))
    report = call(str(tmp_path / "a.json"), "--json").json
    assert report["looked_at"]["rows_sampled"] == 1
    assert any(told in warning for warning in report["warnings"]) if told else not report["warnings"]
    assert "the only row" in call(str(tmp_path / "a.json")).stdout
