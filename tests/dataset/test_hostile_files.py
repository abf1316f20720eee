"""Files made to fill the memory, to make us wait, or to end in exit code 70: the real command, a bound on its memory and time."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.helpers import ROOT, Outcome, clean_environment

pytestmark = pytest.mark.slow

MIB = 2**20
Call = Callable[..., Outcome]


#: The command, and then the most memory it held. Not `ru_maxrss`: that one starts at what this test process holds.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from ml_intern_helpers.cli import commands
code = commands.main("inspect_dataset", sys.argv[3:])
with open("/proc/self/status") as status, open(sys.argv[2], "w") as held:
    held.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
sys.exit(code)
"""


def bounded(path: str, home: Path, *arguments: str) -> tuple[Outcome, int]:
    """The command in a process of its own: what it said, and the most memory it held, in MiB."""
    held = home / "held"
    command = [sys.executable, "-I", "-c", PROGRAM, str(ROOT / "src"), str(held), path, *arguments]
    done = subprocess.run(
        command, env=clean_environment(home), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr), int(held.read_text()) // 1024


def inflated(unit: bytes, mib: int) -> bytes:
    """`mib` MiB of `unit` as gzip: members one after another are one file, so that making it costs next to nothing."""
    return gzip.compress(unit * (8 * MIB // len(unit)), 1) * (mib // 8)


def shared_text() -> bytes:
    """A Parquet file of under a kilobyte: a thousand rows of one text of 4 MB."""
    import io

    import pyarrow as pa
    import pyarrow.parquet

    made = io.BytesIO()
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 4_000_000]))
    pyarrow.parquet.write_table(pa.table({"text": text}), made, compression="zstd", store_schema=False)
    return made.getvalue()


def new_keys() -> bytes:
    return b"".join(b'{"key%d": 1}\n' % n for n in range(20_000))


# (file name, its bytes, further arguments, exit code, words, most memory in MiB)
BOMBS = [
    pytest.param("a.txt.gz", lambda: inflated(b"a", 1024), [], 3, "line 1 is longer than 8 MiB", 300, id="text without line end"),
    pytest.param("a.csv.gz", lambda: inflated(b"a", 1024), [], 3, "row longer than 8 MiB", 300, id="CSV without line end"),
    pytest.param("a.csv", lambda: b'a,b\n1,"' + b"x,\n" * 2_900_000, [], 3, "quote left open", 300, id="CSV with an open quote"),
    pytest.param("a.csv", lambda: b"," * 200_000 + b"\n1\n", [], 1, "1,000 of 200,001 columns", 500, id="wide CSV header"),
    pytest.param("a.json.gz", lambda: inflated(b"{},", 240), [], 3, "jq -c '.[]'", 300, id="JSON document"),
    pytest.param("a.jsonl.gz", lambda: inflated(b"{},", 64), [], 3, "line 1 is longer than 8 MiB", 300, id="JSON line"),
    pytest.param(
        "a.jsonl",
        lambda: b'{"a":[' + b"{}," * 1_500_000 + b"{}]}\n",
        [],
        3,
        "holds at most 64 MiB",
        450,
        id="row of many objects",
    ),
    pytest.param("a.parquet", shared_text, [], 0, "holds at most 64 MiB", 800, id="Parquet that shares one text"),
    pytest.param("a.jsonl", new_keys, ["--sample", "20000"], 1, "1,000 of 20,000 columns", 700, id="a new column in every row"),
]


@pytest.mark.parametrize(("name", "data", "arguments", "code", "words", "most"), BOMBS)
def test_memory_is_bounded(
    home: Path, name: str, data: Callable[[], bytes], arguments: list[str], code: int, words: str, most: int
) -> None:
    (home / name).write_bytes(data())
    done, held = bounded(str(home / name), home, *arguments, "--json", *(["--method", "sft"] if code != 1 else []))
    assert done.code == code, done.stderr
    assert words in done.stdout + done.stderr
    assert held < most


def test_ordinary_large_rows_are_read_whole(home: Path) -> None:
    """Legitimate: rows of 100 KB, 12 MB in all, and a Parquet file in one row group."""
    import pyarrow as pa
    import pyarrow.parquet

    rows = [{"text": f"{n} " * 20_000} for n in range(150)]
    (home / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), home / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        done, held = bounded(str(home / name), home, "--method", "sft", "--json")
        assert done.json["looked_at"]["rows_sampled"] == 150
        assert done.json["looked_at"]["complete"] is True
        assert done.json["warnings"] == []
        assert held < 400


def test_reading_stops_at_its_bound_and_says_so(
    in_process: Callable[..., dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ml_intern_helpers.dataset.local import bounds

    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 1000)
    (tmp_path / "a.csv").write_text("text\n" + "some words\n" * 1000)
    (tmp_path / "a.txt").write_text("some words\n" * 1000)
    monkeypatch.setattr(bounds, "MOST_BYTES", 1100)
    for name in ("a.jsonl", "a.csv", "a.txt"):
        report = in_process(str(tmp_path / name))
        assert 70 <= report["looked_at"]["rows_parsed"] <= 110
        assert report["splits"][0]["num_rows_is"] == "estimated"
        assert f"only the first {report['looked_at']['rows_parsed']} rows were read" in report["warnings"][0]
    monkeypatch.setattr(bounds, "MOST_SECONDS", 0.0)
    assert in_process(str(tmp_path / "a.txt"))["looked_at"]["rows_parsed"] == 1


#: Made in a folder: (make, target, words of the error). All end in 3, none waits.
def fifo(folder: Path) -> None:
    os.mkfifo(folder / "f.jsonl")
    os.mkfifo(folder / "fnoext")


def nothing(folder: Path) -> None:
    """Made of names alone."""


def saved_without_data(folder: Path) -> None:
    (folder / "saved").mkdir()
    (folder / "saved/state.json").write_text("{}")


def documents(folder: Path) -> None:
    (folder / "deep.json").write_text("[" * 200_000)
    (folder / "deep2.json").write_text('{"a":' * 100_000)
    (folder / "digits.json").write_text('[{"text": ' + "9" * 5000 + "}]")
    (folder / "nested.jsonl").write_text('{"a": ' + "[" * 700 + "]" * 700 + "}\n")
    (folder / "nested2.jsonl").write_text('{"a": ' * 700 + "1" + "}" * 700 + "\n")


ODD = [
    pytest.param(fifo, "f.jsonl", "is a pipe or a device", id="pipe"),
    pytest.param(fifo, "fnoext", "is a pipe or a device", id="pipe without ending"),
    pytest.param(fifo, "*.jsonl", "no file matches", id="pattern of pipes"),
    pytest.param(nothing, "/dev/null", "is a pipe or a device", id="device"),
    pytest.param(nothing, "/", "the root folder is not a dataset", id="root"),
    pytest.param(nothing, "/**/*.jsonl", "the root folder is not a dataset", id="pattern from the root"),
    pytest.param(nothing, "~nosuchuser/x.jsonl", "cannot be opened", id="unknown user"),
    pytest.param(nothing, "./" + "x" * 300 + ".jsonl", "cannot be opened: File name too long", id="name too long"),
    pytest.param(saved_without_data, "saved", "holds no .arrow file", id="saved folder without data"),
    pytest.param(documents, "deep.json", "nested too deep", id="deep array"),
    pytest.param(documents, "deep2.json", "nested too deep", id="deep object"),
    pytest.param(documents, "digits.json", "is not JSON", id="number of 5,000 digits"),
    pytest.param(documents, "nested.jsonl", "row 1 is nested too deep", id="list 700 deep"),
    pytest.param(documents, "nested2.jsonl", "row 1 is nested too deep", id="object 700 deep"),
]


@pytest.mark.parametrize(("make", "target", "words"), ODD)
def test_odd_paths_and_files_end_in_3(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], target: str, words: str
) -> None:
    make(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = call(target, "--json")
    assert done.code == 3
    assert words in done.json["error"]["message"]
    assert done.json["error"]["hint"]


ROW = '{"text": "words"}\n'


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder this user may not enter and a file it may not read; root may all, so root becomes nobody for a moment."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "d").mkdir()
    for name in ("d/q.jsonl", "noext"):
        (folder / name).write_text(ROW)
        (folder / name).chmod(0)
    (folder / "d").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    (folder / "d").chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("target", ["d", "d/q.jsonl", "d/*", "noext"])
def test_what_may_not_be_read_ends_in_3(call: Call, closed: Path, target: str) -> None:
    done = call(str(closed / target))
    assert done.code == 3
    assert "may not be read by this user" in done.stderr or "no file" in done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checked-out repository whose links lead to a secret beside it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key.jsonl").write_text('{"text": "PRIVATE KEY"}\n')
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    (folder / "data/own.jsonl").write_text(ROW)
    (folder / "data/notes.jsonl").symlink_to(tmp_path / "secret/key.jsonl")
    (folder / "data/more").symlink_to(tmp_path / "secret")
    return folder


@pytest.mark.parametrize("target", ["data", "data/*.jsonl", "data/**/*.jsonl", "d*/more/*.jsonl", "dat[a]/../../secret/*.jsonl"])
def test_links_do_not_lead_out(call: Call, repository: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.chdir(repository)
    done = call(target, "--json")
    assert "PRIVATE" not in done.stdout
    assert "links are followed only to files in the folder" in done.json["warnings"][0]


def test_a_saved_dataset_takes_no_file_from_elsewhere(call: Call, tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_list([{"text": "PRIVATE KEY"}]).save_to_disk(tmp_path / "secret")
    for name in ("train", "test"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "state.json").write_text("{}")
        (tmp_path / "mine" / name / "data.arrow").symlink_to(next((tmp_path / "secret").glob("*.arrow")))
    (tmp_path / "mine/dataset_dict.json").write_text("{}")
    done = call(str(tmp_path / "mine"), "--json")
    assert done.code == 3
    assert "PRIVATE" not in done.stdout


def test_links_that_people_use_work(in_process: Callable[..., dict], tmp_path: Path) -> None:
    """Within the folder; from a snapshot of the Hub's cache to its blobs; and the folder itself by a link."""
    repo = tmp_path / "hub/datasets--a--b"
    blob = repo / "blobs" / ("0123456789" * 4)
    snapshot = repo / "snapshots/c0ffee"
    for folder in (blob.parent, snapshot):
        folder.mkdir(parents=True)
    blob.write_text(ROW * 3)
    (snapshot / "train.jsonl").symlink_to(os.path.relpath(blob, snapshot))
    (snapshot / "own.jsonl").write_text(ROW)
    (snapshot / "train-2.jsonl").symlink_to("own.jsonl")
    (tmp_path / "link").symlink_to(snapshot)
    for target in (snapshot, tmp_path / "link", tmp_path / "link/*.jsonl"):
        report = in_process(str(target))
        assert report["looked_at"]["rows_parsed"] == 5
        assert report["warnings"] == []


def test_loops_of_links_and_large_trees_end(
    in_process: Callable[..., dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ml_intern_helpers.dataset.local import files

    (tmp_path / "loop").mkdir()
    for name in "ab":
        (tmp_path / "loop" / name).symlink_to(".")
    (tmp_path / "loop/x.jsonl").write_text(ROW)
    assert in_process(str(tmp_path / "loop/**/*.jsonl"))["looked_at"]["rows_parsed"] == 1
    for number in range(60):
        (tmp_path / "loop" / f"y{number}.jsonl").write_text(ROW)
    monkeypatch.setattr(files, "MOST_ENTRIES", 50)
    report = in_process(str(tmp_path / "loop"))
    assert 40 <= report["looked_at"]["rows_parsed"] <= 50
    assert "the search for files stopped after 50 names" in " ".join(report["warnings"])
