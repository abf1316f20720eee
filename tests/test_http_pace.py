"""Politeness across processes: the spacing a service demands, and one connection at a time."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml_intern_helpers import http, http_pace
from ml_intern_helpers.errors import RateLimited
from ml_intern_helpers.http_pace import paced
from ml_intern_helpers.services import AR5IV, ARXIV, ARXIV_HTML, SEMANTIC_SCHOLAR
from support.helpers import ROOT, clean_environment
from support.loopback import Answer, Loopback

#: Asks the loopback service as if it were a distant one of arXiv's kind.
CLIENT = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from dataclasses import replace
from ml_intern_helpers import http
from ml_intern_helpers.services import ARXIV
http.is_loopback = lambda url: False
service = replace(ARXIV, min_interval_s=float(sys.argv[1]), one_at_a_time=sys.argv[2] == "yes")
door = http.Http()
for number in range(2):
    assert door.get(service, f"/{{sys.argv[3]}}/{{number}}").ok
"""


def clients(home: Path, url: str, interval_s: float, one_at_a_time: bool, count: int = 4, *, same: bool = False) -> None:
    environment = clean_environment(home, ML_INTERN_ARXIV_URL=url)
    call = [sys.executable, "-c", CLIENT, str(interval_s), "yes" if one_at_a_time else "no"]
    running = [subprocess.Popen([*call, "0" if same else str(number)], env=environment) for number in range(count)]
    assert [process.wait(60) for process in running] == [0] * count


def test_processes_keep_the_distance_and_hold_one_connection(home: Path, service: Loopback) -> None:
    arrivals: list[float] = []

    def answer(_: object) -> Answer:
        arrivals.append(time.monotonic())
        return Answer({}, delay_s=0.1)

    service.routes["/"] = answer
    clients(home, service.url, 0.3, True)
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert len(arrivals) == 8
    assert min(gaps) >= 0.38, "the pause counts from the end of the previous answer"
    assert service.most_at_once == 1


def test_what_another_process_fetched_meanwhile_is_not_asked_for_again(home: Path, service: Loopback) -> None:
    """Researchers side by side want the same landmark paper; each waits for its turn, and only the first has to ask."""
    service.routes["/"] = Answer({}, delay_s=0.1)
    clients(home, service.url, 0.3, True, same=True)
    assert sorted(service.paths()) == ["/0/0", "/0/1"]


def test_without_the_single_connection_only_the_starts_are_spaced(home: Path, service: Loopback) -> None:
    service.routes["/"] = Answer({}, delay_s=1.0)
    clients(home, service.url, 0.1, False)
    assert service.most_at_once > 1


def test_a_turn_that_never_comes_is_told(tmp_path: Path) -> None:
    with (
        paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1),
        pytest.raises(RateLimited, match="other processes have kept arxiv busy for 0 s"),
        paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=0.1),
    ):
        pass


def test_the_turn_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1):
        raise ZeroDivisionError
    with paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1):
        pass


def test_a_stamp_from_the_future_costs_one_interval(tmp_path: Path) -> None:
    import os

    (tmp_path / "arxiv.last").touch()
    os.utime(tmp_path / "arxiv.last", (time.time() + 9999,) * 2)
    waits: list[float] = []
    with paced(tmp_path, "arxiv", 3.0, hold=False, timeout_s=1, sleep=waits.append):
        pass
    assert waits == [3.0]


def test_a_read_only_home_keeps_the_distance_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(http_pace.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    waits: list[float] = []
    for _ in range(2):
        with paced(blocked / "pace", "arxiv", 3.0, hold=False, timeout_s=1, sleep=waits.append):
            pass
    assert waits[0] == 0
    assert 2.5 < waits[1] <= 3.0
    monkeypatch.setattr(http_pace.tempfile, "gettempdir", lambda: str(blocked))
    with paced(blocked / "pace", "arxiv", 3.0, hold=False, timeout_s=1, sleep=waits.append):
        pass
    assert waits[2] == 3.0, "nowhere to agree: every request waits the full interval"


def test_the_terms_of_the_services_are_kept() -> None:
    assert (ARXIV.min_interval_s, ARXIV.one_at_a_time) == (3.0, True)
    assert (ARXIV_HTML.min_interval_s, ARXIV_HTML.one_at_a_time) == (3.0, True)
    assert SEMANTIC_SCHOLAR.min_interval_s >= 1.0
    assert AR5IV.min_interval_s >= 1.0


def test_all_hosts_of_arxiv_share_one_pace() -> None:
    """Its terms count requests, not hosts: an abstract at export.arxiv.org and a page at arxiv.org are two of them."""
    assert http._slug(ARXIV, {}) == http._slug(ARXIV_HTML, {}) == "arxiv"
    assert http._slug(AR5IV, {}) == "ar5iv"
