"""What a full scan may not do: take much memory, open other files, fetch extensions, or go on after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset import full_truth
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.full.options import parse_size
from ml_intern_helpers.dataset.local import bounds
from support.helpers import Outcome, clean_environment

MIB = 1024 * 1024


def _rows(path: Path, count: int, seed: int = 31) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in full_truth.chats(seed, count)), "utf-8")
    return path


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{other}')",
        "SELECT * FROM read_json('{folder}/*.jsonl')",
        "COPY (SELECT 1) TO '{folder}/made.csv'",
        "ATTACH '{folder}/made.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "SET memory_limit = '64GB'",
        "SET enable_external_access = true",
    ],
)
def test_only_the_given_files_are_open_to_it(query: str, tmp_path: Path) -> None:
    """A row is never part of a query; were it one, it would reach nothing."""
    given, other = _rows(tmp_path / "rows.jsonl", 3), _rows(tmp_path / "other.jsonl", 3)
    with Engine(256 * MIB, [given]) as engine:
        assert engine.rows(f"SELECT count(*) FROM read_json('{engine.paths[0]}')") == [(3,)]
        with pytest.raises(Exception, match=r"disabled|Cannot|cannot|[Pp]ermission"):
            engine.rows(query.format(other=other, folder=tmp_path))


def test_what_does_not_fit_goes_to_disk_and_is_gone_afterwards() -> None:
    with Engine(64 * MIB, []) as engine:
        engine.run("CREATE TEMP TABLE t AS SELECT md5_number(i::VARCHAR) AS key FROM range(2500000) r(i)")
        found = engine.rows("SELECT count(*) FROM (SELECT key FROM t GROUP BY key)")
        assert found == [(2_500_000,)]
        assert any((engine.folder / "spill").iterdir())
    assert not engine.folder.exists()


INTERRUPTED = """
import sys
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.full.options import parse_size
with Engine(268435456, []) as engine:
    print("started", flush=True)
    try:
        engine.run("SELECT sum(hash(i, j)) FROM range(10000000) r(i), range(1000000) s(j)")
    except KeyboardInterrupt:
        print(engine.folder, flush=True)
        raise
"""


def test_ctrl_c_stops_a_query_at_once(home: Path) -> None:
    environment = {**clean_environment(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout
    assert process.stdout.readline() == b"started\n"
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode in (1, -signal.SIGINT, 130)
    assert not Path(printed.decode().strip()).exists()


def test_a_line_too_long_is_one_error(tmp_path: Path, call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind what the sample reads, so that DuckDB is the one that meets it."""
    monkeypatch.setattr(bounds, "BESIDE_FULL_BYTES", 2000)
    path = _rows(tmp_path / "rows.jsonl", 200)
    with path.open("ab") as out:
        out.write(b'{"messages": "' + b"x" * (80 * MIB) + b'"}\n')
    done = call(str(path), "--full", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "bad-data")
    assert "longer than 8 MiB" in done.json["error"]["message"]


@pytest.mark.parametrize(
    ("text", "size"), [("512MB", 512_000_000), ("2GB", 2_000_000_000), ("1.5GiB", 1_610_612_736), ("7", 7), ("1 tb", 10**12)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
