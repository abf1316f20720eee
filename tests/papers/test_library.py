"""The library and the notes on disk: several writers, a killed one, damaged, held and unwritable files, older and newer ones."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.paths import cache_dir, data_dir
from ml_intern_helpers.papers.library import database, notes, papers
from ml_intern_helpers.papers.library.database import LIBRARY, NOTES, Database
from ml_intern_helpers.papers.library.papers import KeptPaper
from ml_intern_helpers.papers.model import Paper
from support.helpers import ROOT, clean_environment, run_helper
from support.loopback import Loopback
from support.papers import entry, feed, urls

WRITER = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from ml_intern_helpers.papers.library import notes, papers
from ml_intern_helpers.papers.model import Paper
for number in range(int(sys.argv[2])):
    notes.add("2401.00001", f"writer {{sys.argv[1]}} note {{number}}", None, None)
    papers.keep([papers.KeptPaper(Paper(f"paper {{number}} of {{sys.argv[1]}}"), "test", 1.0)])
    print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ML_INTERN_DATA", str(tmp_path / "data"))
    yield
    database._given_up.clear()


def writer(home: Path, name: str, count: int) -> subprocess.Popen[str]:
    places = {"ML_INTERN_CACHE": str(cache_dir()), "ML_INTERN_DATA": str(data_dir())}
    call = [sys.executable, "-c", WRITER, name, str(count)]
    return subprocess.Popen(call, env=clean_environment(home) | places, stdout=subprocess.PIPE, text=True)


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def columns(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_eight_writers_lose_nothing(tmp_path: Path) -> None:
    running = [writer(tmp_path, str(number), 6) for number in range(8)]
    for process in running:
        assert len(process.communicate(timeout=60)[0].splitlines()) == 6
    assert notes.find("", 100)[1] == 48
    assert len(papers.find("paper", 100)) == 48
    assert whole(NOTES.file())
    assert whole(LIBRARY.file())


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
    assert whole(NOTES.file())
    notes.add("2401.00001", "and it goes on", None, None)


def test_a_later_description_wins_and_an_older_one_fills_gaps() -> None:
    papers.keep([KeptPaper(Paper("New title", arxiv_id="2401.00001", version=2), "arXiv", 200.0)])
    papers.keep([KeptPaper(Paper("Old title", arxiv_id="2401.00001", version=1, citation_count=7), "Semantic Scholar", 100.0)])
    found = papers.find("title", 10)
    assert [(each.paper.title, each.paper.version, each.paper.citation_count, each.fetched_at) for each in found] == [
        ("New title", 2, 7, 200.0)
    ]
    assert papers.find("old", 10) == [], "words of the replaced title find nothing"


def test_the_library_is_bounded_and_notes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "MOST_PAPERS", 10)
    monkeypatch.setattr(papers, "MOST", 5)
    for number in range(30):
        notes.add("2401.00001", f"note {number}", None, None)
    papers.keep(KeptPaper(Paper(f"Paper number {number}"), "arXiv", float(number)) for number in range(25))
    for number in range(12):
        papers.store_result("feed", str(number).encode(), {"number": number})
    assert sorted(each.fetched_at for each in papers.find("paper", 100)) == list(map(float, range(15, 25)))
    assert papers.find("3", 10) == [], "the oldest are gone, their words too"
    assert [bool(papers.stored_result("feed", str(number).encode())) for number in range(12)] == [False] * 7 + [True] * 5
    assert notes.find("", 100)[1] == 30


def test_what_was_made_belongs_to_its_bytes_and_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    papers.store_result("feed", b"bytes", [1, "ü"])
    assert papers.stored_result("feed", b"bytes") == [1, "ü"]
    assert papers.stored_result("feed", b"other bytes") is None
    assert papers.stored_result("recipe", b"bytes") is None
    monkeypatch.setattr(papers, "_code", lambda: b"another release")
    assert papers.stored_result("feed", b"bytes") is None


def test_a_book_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "MOST_CHARACTERS", 100)
    papers.store_result("document", b"book", "x" * 100)
    assert papers.stored_result("document", b"book") is None


def test_deleting_the_cache_leaves_the_notes() -> None:
    papers.keep([KeptPaper(Paper("T", arxiv_id="2401.00001"), "arXiv", 1.0)])
    notes.add("2401.00001", "mine", None, None)
    shutil.rmtree(cache_dir())
    assert [note.text for note in notes.find("", 10)[0]] == ["mine"]
    assert papers.titles(["2401.00001"]) == {}


# --- damaged, held, unwritable

JUNK = b"not a database, but long enough to be looked at as one" * 50


@pytest.mark.parametrize("how", ["junk", "truncated", "half zeroes"])
def test_a_damaged_library_is_set_aside_and_made_anew(how: str) -> None:
    papers.keep(KeptPaper(Paper(f"Paper {number}", abstract="word " * 200), "arXiv", 1.0) for number in range(40))
    notes.add("2401.00001", "mine", None, None)
    whole_file = LIBRARY.file().read_bytes()
    half = len(whole_file) // 2
    damaged = {"junk": JUNK, "truncated": whole_file[:half], "half zeroes": whole_file[:half] + bytes(half)}[how]
    LIBRARY.file().write_bytes(damaged)
    papers.keep([KeptPaper(Paper(f"New {number}"), "arXiv", 2.0) for number in range(60)])  # may or may not meet the damage
    with suppress(Unavailable):
        papers.find("paper", 100)
    database._given_up.clear()  # as in the next process
    assert papers.keep([KeptPaper(Paper("After it"), "arXiv", 3.0)]) is True
    assert [each.paper.title for each in papers.find("after", 10)] == ["After it"]
    assert LIBRARY.file().with_name("library.sqlite.damaged").read_bytes()[:4096] == damaged[:4096], "nothing is thrown away"
    assert notes.find("mine", 10)[1] == 1


def test_damaged_notes_are_told_and_never_moved() -> None:
    NOTES.file().parent.mkdir(parents=True)
    NOTES.file().write_bytes(JUNK)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"the file of notes .* cannot be used") as told:
            notes.add("2401.00001", "text", None, None)
        assert "move the file aside" in str(told.value.hint)
    assert NOTES.file().read_bytes() == JUNK


@pytest.mark.parametrize("shelf", [LIBRARY, NOTES], ids=["library", "notes"])
def test_a_newer_releases_file_is_left_alone(shelf: Database) -> None:
    notes.add("2401.00001", "text", None, None)
    papers.keep([KeptPaper(Paper("Text"), "arXiv", 1.0)])
    with closing(sqlite3.connect(shelf.file())) as connection:
        connection.execute(f"PRAGMA user_version = {shelf.version + 1}")
    before = shelf.file().read_bytes()
    for look in (papers.find, notes.find) if shelf is LIBRARY else (notes.find,):
        if (look is papers.find) == (shelf is LIBRARY):
            with pytest.raises(Unavailable, match="newer release"):
                look("text", 10)
    assert papers.keep([KeptPaper(Paper("More"), "arXiv", 1.0)]) is (shelf is NOTES)
    assert shelf.file().read_bytes() == before


def test_held_notes_are_read_at_once_and_waited_for_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    notes.add("2401.00001", "text", None, None)
    monkeypatch.setattr(notes, "NOTES", replace(NOTES, wait_s=0.2))
    with closing(sqlite3.connect(NOTES.file(), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert notes.find("text", 10)[1] == 1
        began = time.monotonic()
        with pytest.raises(Unavailable, match="locked") as told:
            notes.add("2401.00001", "more", None, None)
        assert told.value.hint == "another process holds it: run again", "moved aside, its notes would be lost to sight"
        assert 0.1 < time.monotonic() - began < 5
        connection.execute("ROLLBACK")


def test_a_held_library_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    papers.keep([KeptPaper(Paper("T"), "arXiv", 1.0)])
    held = replace(LIBRARY, wait_s=0.5)
    monkeypatch.setattr(papers, "LIBRARY", held)
    with closing(sqlite3.connect(LIBRARY.file(), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert papers.stored_result("feed", b"x") is None
        papers.store_result("feed", b"x", 1)
        assert papers.keep([KeptPaper(Paper("U"), "arXiv", 1.0)]) is False
        assert 0.4 < time.monotonic() - began < 0.95, "once, not three times"


#: Runs a program whose owner may be root as one that file modes hold for.
BOUND = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_read_only_folder_still_answers(home: Path, service: Loopback) -> None:
    service.routes["/api/query"] = feed(entry("2401.00001v1", "Read only papers"))
    command = [sys.executable, "-c", BOUND, sys.executable, "-I", str(ROOT / "src/ml_intern_helpers/__main__.py"), "crawl_arxiv"]
    environment = clean_environment(home, **urls(service))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], env=environment, cwd=home, capture_output=True, text=True, check=False)

    assert run("--source", "arxiv", "papers").returncode == 0
    assert run("--note", "2401.00001", "written before").returncode == 0
    folders = [home / "cache/papers", home / ".local/share/ml-intern", home / "cache/http", home / "cache/pace"]
    there = [folder for folder in folders if folder.exists()]
    for folder in there:
        for path in folder.iterdir():
            path.chmod(0o400)
        folder.chmod(0o500)
    try:
        found = run("--notes")
        assert "written before" in found.stdout, found.stderr
        refused = run("--note", "2401.00001", "and after")
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "notes.sqlite cannot be used" in refused.stderr
        fresh = run("--source", "arxiv", "other", "papers")
        assert (fresh.returncode, fresh.stderr) == (0, "")
        assert "Read only papers" in fresh.stdout
    finally:
        for folder in there:
            folder.chmod(0o700)


def test_a_full_disk_loses_no_answer(home: Path, service: Loopback) -> None:
    """A process that may write no byte to any file: what a full disk does, everywhere at once."""
    service.routes["/api/query"] = feed(entry("2401.00001v1", "Found all the same"))
    full = f"ulimit -f 0; exec '{sys.executable}' -I '{ROOT}/src/ml_intern_helpers/__main__.py' crawl_arxiv \"$@\""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        call = ["bash", "-c", full, "bash", *arguments]
        environment = clean_environment(home, **urls(service))
        return subprocess.run(call, env=environment, cwd=home, capture_output=True, text=True, check=False)

    found = run("--source", "arxiv", "papers")
    assert (found.returncode, found.stderr) == (0, "")
    assert "Found all the same" in found.stdout
    noted = run("--note", "2401.00001", "kept?")
    assert (noted.returncode, noted.stdout) == (3, "")
    assert "notes.sqlite cannot be used" in noted.stderr
    assert "kept?" not in run_helper("crawl_arxiv", "--notes", home=home).stdout


# --- from an earlier release

V1 = """
CREATE TABLE papers (
    key TEXT PRIMARY KEY, revision INTEGER, title TEXT NOT NULL, said TEXT NOT NULL, source TEXT NOT NULL, fetched_at REAL NOT NULL
);
CREATE INDEX papers_by_age ON papers (fetched_at);
CREATE VIRTUAL TABLE paper_words USING fts5 (key UNINDEXED, title, authors, abstract, tokenize = 'porter unicode61');
CREATE TABLE feeds (digest TEXT PRIMARY KEY, said TEXT NOT NULL, parsed_at REAL NOT NULL);
INSERT INTO papers VALUES ('arxiv:2401.00001', 1, 'Old', '{"title": "Old", "arxiv_id": "2401.00001"}', 'arXiv', 1.0);
INSERT INTO paper_words VALUES ('arxiv:2401.00001', 'Old', '', '');
PRAGMA user_version = 1;
"""


def test_a_library_of_an_earlier_release_is_read_and_written() -> None:
    LIBRARY.file().parent.mkdir(parents=True)
    with closing(sqlite3.connect(LIBRARY.file())) as connection:
        connection.executescript(V1)
    assert [each.paper.title for each in papers.find("old", 10)] == ["Old"]
    papers.store_result("feed", b"bytes", {"total": 1})
    assert papers.stored_result("feed", b"bytes") == {"total": 1}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ML_INTERN_DATA": "/own", "XDG_DATA_HOME": "/xdg", "HOME": "/home/ada"}, "/own"),
        ({"XDG_DATA_HOME": "/xdg", "HOME": "/home/ada"}, "/xdg/ml-intern"),
        ({"HOME": "/home/ada"}, "/home/ada/.local/share/ml-intern"),
        ({"ML_INTERN_CACHE": "/scratch", "HOME": "/home/ada"}, "/home/ada/.local/share/ml-intern"),
    ],
    ids=["own variable", "XDG", "home", "a cache on scratch moves no notes"],
)
def test_where_notes_lie(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    for name in ("ML_INTERN_DATA", "XDG_DATA_HOME", "ML_INTERN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert data_dir() == Path(expected)
