"""The full scan of a dataset on the Hub: its Parquet files through the Hub's own file system, never more than was allowed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dataset import full_truth
from dataset.viewer import Viewer, hub_with
from support.helpers import DEAD_URL, Outcome
from support.hub import Hub

NAME = "ada/chats"
ROWS, HELD_OUT = full_truth.chats(21, 2000), full_truth.chats(22, 150)
HELD_OUT[3] = ROWS[11]


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    out = io.BytesIO()
    wide = [{**row, "notes": f"{number:09} " * 300} for number, row in enumerate(rows)]
    parquet.write_table(pa.Table.from_pylist(wide), out, row_group_size=5000, compression="none", use_dictionary=False)
    return out.getvalue()


FILES = {
    "default/train/0000.parquet": _parquet(ROWS[:1200]),
    "default/train/0001.parquet": _parquet(ROWS[1200:]),
    "default/test/0000.parquet": _parquet(HELD_OUT),
}
SIZE = sum(map(len, FILES.values()))


@pytest.fixture
def hub() -> Iterator[Hub]:
    made, _ = hub_with(NAME, dict(FILES))
    yield made
    made.service.close()


@pytest.fixture
def inspect(call: Callable[..., Outcome], hub: Hub) -> Iterator[Callable[..., Outcome]]:
    shown = [row for row in ROWS if row["messages"]][:100]
    viewer = Viewer(NAME, {("default", "train"): (shown, 2000), ("default", "test"): (HELD_OUT, 150)})
    yield lambda *arguments: call(*arguments, "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
    viewer.close()


def test_all_rows_of_the_export_are_counted(inspect: Callable[..., Outcome]) -> None:
    done = inspect(NAME, "--full")
    assert done.code == 0, done.stdout
    full, truth = done.json["full"], full_truth.counts(ROWS)
    assert full["rows"] == 2000
    found = {code: item["row_numbers"] for code, item in full["counts"].items() if code != "SET313"}
    assert found == {code: at[:10] for code, at in truth.items()}
    assert full["leakage"][0]["same_rows"] >= 1


def test_only_the_columns_needed_are_fetched_and_the_bytes_are_told_before(inspect: Callable[..., Outcome]) -> None:
    """Nine tenths of these files are notes that play no part."""
    done = inspect(NAME, "--full")
    full = done.json["full"]
    assert "full scan: reads about" in done.stderr
    assert full["bytes_planned"] < SIZE / 4
    assert full["bytes_read"] < SIZE / 2
    assert "notes" not in full["columns"]


def test_more_bytes_than_allowed_are_refused_before_any_is_read(inspect: Callable[..., Outcome], hub: Hub) -> None:
    done = inspect(NAME, "--full", "--max-bytes", "1KB")
    assert (done.code, done.json["error"]["code"]) == (2, "usage")
    assert "more than --max-bytes" in done.json["error"]["message"]
    assert "--max-bytes 1GB" in done.json["error"]["hint"]
    fetched = [request for request in hub.service.requests if "/resolve/" in request.path and request.method == "GET"]
    assert len(fetched) <= 3, "the footer of one file is all that may be read"


def test_files_named_by_address_are_scanned(call: Callable[..., Outcome], hub: Hub) -> None:
    address = f"hf://datasets/{NAME}@refs/convert/parquet/default/train/*.parquet"
    report = call(address, "--full", "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL).json
    assert report["full"]["rows"] == 2000


def test_what_is_no_parquet_is_refused(call: Callable[..., Outcome]) -> None:
    made, _ = hub_with(NAME, {"rows.jsonl": b'{"text": "a b"}\n' * 30})
    done = call(
        f"hf://datasets/{NAME}/rows.jsonl", "--full", "--json", HF_ENDPOINT=made.url, ML_INTERN_DATASET_VIEWER_URL=DEAD_URL
    )
    made.service.close()
    assert done.code == 3
    assert "reads Parquet files" in done.json["error"]["message"]


def test_a_file_that_breaks_off_is_one_error(inspect: Callable[..., Outcome], hub: Hub) -> None:
    data = bytearray(FILES["default/train/0001.parquet"])
    data[6_000:30_000] = b"\xff" * 24_000  # the pages of the conversations, which come before the notes
    hub.repo("dataset", NAME).files["default/train/0001.parquet"] = bytes(data)
    done = inspect(NAME, "--full")
    assert done.code == 3
    assert done.json["full"] is None


def test_a_dataset_without_an_export(call: Callable[..., Outcome]) -> None:
    made, _ = hub_with(NAME)
    viewer = Viewer(NAME, {("default", "train"): (ROWS[:100], 2000)})
    done = call(NAME, "--full", "--json", HF_ENDPOINT=made.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
    made.service.close()
    viewer.close()
    assert done.code == 3
    assert "no Parquet export" in done.json["error"]["message"]
