"""The stored answers do not grow without end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ml_intern_helpers.web import cache as web_cache
from ml_intern_helpers.web.cache import Entry, HttpCache

DAY = 86400


def stored(cache: HttpCache, name: str, age_s: float, size: int = 3000) -> None:
    now = time.time()
    cache.store(name, Entry(200, "https://x", {}, b"x" * size, now))
    os.utime(cache.folder / f"{name}.json", (now - age_s,) * 2)


@pytest.fixture
def cache(tmp_path: Path) -> HttpCache:
    return HttpCache(tmp_path / "http")


def prune(cache: HttpCache) -> None:
    (cache.folder / "pruned").unlink(missing_ok=True)
    stored(cache, "newest", 0, 10)


def test_the_oldest_make_room(cache: HttpCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_cache, "MOST_BYTES", 10_000)
    for number in range(6):
        stored(cache, f"answer{number}", 1000.0 * number)
    prune(cache)
    assert sorted(path.stem for path in cache.folder.glob("*.json")) == ["answer0", "answer1", "newest"]


def test_what_nobody_asked_for_in_a_month_goes(cache: HttpCache) -> None:
    stored(cache, "old", 31 * DAY)
    stored(cache, "young", 29 * DAY)
    prune(cache)
    assert cache.load("old") is None
    assert cache.load("young") is not None


def test_the_folder_is_not_counted_at_every_answer(cache: HttpCache) -> None:
    stored(cache, "first", 0)
    stored(cache, "old", 31 * DAY)
    stored(cache, "last", 0)
    assert cache.load("old") is not None


def test_half_written_files_of_killed_processes_go(cache: HttpCache) -> None:
    stored(cache, "first", 0)
    left, under_way = (cache.folder / f".answer.json.{number}.abcd" for number in (1, 2))
    for path in (left, under_way):
        path.write_bytes(b"half an ans")
    os.utime(left, (time.time() - 2 * 3600,) * 2)
    prune(cache)
    assert (left.exists(), under_way.exists()) == (False, True), "another process may be writing the second now"
