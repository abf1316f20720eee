"""The library on disk: several writers, a killed one, a damaged file, a bound."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.papers.library import kept, notes, store
from ml_intern_helpers.papers.library.kept import Kept
from ml_intern_helpers.papers.model import Paper
from support.helpers import ROOT, clean_environment

WRITER = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from ml_intern_helpers.papers.library import kept, notes
from ml_intern_helpers.papers.model import Paper
for number in range(int(sys.argv[2])):
    notes.add("2401.00001", f"writer {{sys.argv[1]}} note {{number}}", None, None)
    kept.keep([kept.Kept(Paper(f"paper {{number}} of {{sys.argv[1]}}"), "test", 1.0)])
    print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path / "cache"))


def writer(home: Path, name: str, count: int) -> subprocess.Popen[str]:
    environment = clean_environment(home) | {"ML_INTERN_CACHE": str(store.cache_dir())}
    return subprocess.Popen([sys.executable, "-c", WRITER, name, str(count)], env=environment, stdout=subprocess.PIPE, text=True)


def test_four_writers_lose_nothing(tmp_path: Path) -> None:
    running = [writer(tmp_path, str(number), 8) for number in range(4)]
    for process in running:
        assert len(process.communicate(timeout=60)[0].splitlines()) == 8
    assert notes.find("", 100)[1] == 32
    assert len(kept.find("paper", 100)) == 32


def test_a_killed_writer_leaves_whole_notes(tmp_path: Path) -> None:
    process = writer(tmp_path, "victim", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found, total = notes.find("victim", 100)
    assert total >= len(said)
    assert {note.text for note in found} >= {f"writer victim note {number}" for number in range(5)}
    with sqlite3.connect(store.path()) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    notes.add("2401.00001", "and it goes on", None, None)


def test_a_later_description_wins_and_an_older_one_fills_gaps() -> None:
    kept.keep([Kept(Paper("New title", arxiv_id="2401.00001", version=2), "arXiv", 200.0)])
    kept.keep([Kept(Paper("Old title", arxiv_id="2401.00001", version=1, citation_count=7), "Semantic Scholar", 100.0)])
    found = kept.find("title", 10)
    assert [(each.paper.title, each.paper.version, each.paper.citation_count, each.fetched_at) for each in found] == [
        ("New title", 2, 7, 200.0)
    ]
    assert kept.find("old", 10) == [], "words of the replaced title find nothing"


def test_the_library_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_PAPERS", 10)
    kept.keep(Kept(Paper(f"Paper number {number}"), "arXiv", float(number)) for number in range(25))
    assert sorted(each.fetched_at for each in kept.find("paper", 100)) == list(map(float, range(15, 25)))
    assert kept.find("3", 10) == [], "the oldest are gone, their words too"


def test_a_damaged_file_is_told_and_costs_a_search_nothing() -> None:
    store.path().parent.mkdir(parents=True)
    store.path().write_bytes(b"not a database, but long enough to be looked at as one" * 50)
    assert kept.keep([Kept(Paper("T"), "arXiv", 1.0)]) is False
    with pytest.raises(Unavailable, match="cannot be used") as told:
        notes.add("2401.00001", "text", None, None)
    assert "move the file aside" in str(told.value.hint)


def test_a_newer_releases_file_is_left_alone() -> None:
    notes.add("2401.00001", "text", None, None)
    with sqlite3.connect(store.path()) as connection:
        connection.execute(f"PRAGMA user_version = {store.VERSION + 1}")
    with pytest.raises(Unavailable, match="newer release"):
        notes.find("text", 10)


def test_a_held_file_is_waited_for_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    notes.add("2401.00001", "text", None, None)
    monkeypatch.setattr(store, "WAIT_S", 0.2)
    with sqlite3.connect(store.path(), isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(Unavailable, match="locked"):
            notes.add("2401.00001", "more", None, None)
        assert 0.1 < time.monotonic() - began < 5
        connection.execute("ROLLBACK")
    connection.close()
