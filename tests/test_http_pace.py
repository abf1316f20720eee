"""Politeness across processes: the spacing a service demands, and one connection at a time."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ml_intern_helpers.core.errors import RateLimited
from ml_intern_helpers.web import pace
from ml_intern_helpers.web.pace import paced
from ml_intern_helpers.web.services import AR5IV, ARXIV, ARXIV_HTML, SEMANTIC_SCHOLAR
from support.citation_world import World
from support.helpers import ROOT, clean_environment
from support.loopback import Answer, Loopback, Request
from support.papers import entry, feed, urls

pytestmark = pytest.mark.slow

#: The real intervals are 3 s (arXiv, counted from the end of an answer) and 1.1 s (Semantic Scholar, from its start, so that a
#: busy machine shows in the spacing): divided by these in the tests.
SCALE, SCHOLAR_SCALE = 20, 3
#: Turns a process into one whose loopback services are distant ones with shorter intervals, then runs what follows.
DISTANT = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from pathlib import Path
from ml_intern_helpers.cli import commands as cli
from ml_intern_helpers.web import client, pace, services
client.is_loopback = lambda url: False
pace.SHARED = Path(sys.argv[1])
for each in services.SERVICES:
    share = {SCHOLAR_SCALE} if each is services.SEMANTIC_SCHOLAR else {SCALE}
    object.__setattr__(each, "min_interval_s", each.min_interval_s / share)
"""
#: Several processes from one: each takes a job of argv[2] (its kind, its arguments, its environment) after the imports, which
#: are most of a start. A `client` asks twice, as arXiv is asked or, with `no`, without the single connection; `command` is the real one.
PROCESSES = f"""{DISTANT}
import json, os
import requests
def work(kind, arguments):
    if kind == "command":
        return cli.main("crawl_arxiv", arguments)
    object.__setattr__(services.ARXIV, "one_at_a_time", arguments[0] == "yes")
    door = client.Http()
    return 0 if all(door.get(services.ARXIV, f"/{{arguments[1]}}/{{number}}").ok for number in range(2)) else 1
children = []
for kind, arguments, environment, shared in json.loads(sys.argv[2]):
    child = os.fork()
    if not child:
        code = 1
        try:
            os.environ.clear()
            os.environ.update(environment)
            pace.SHARED = Path(shared)
            code = work(kind, arguments)
        finally:
            os._exit(code)
    children.append(child)
print(json.dumps(children), file=sys.stderr, flush=True)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]), file=sys.stderr)
"""
ARXIV_S, SCHOLAR_S = ARXIV.min_interval_s / SCALE, 1.0 / SCHOLAR_SCALE


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """What stands for /tmp."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


class Job(NamedTuple):
    kind: str
    arguments: list[str]
    environment: dict[str, str]
    shared: str


def client(name: str, home: Path, shared: Path, url: str, one_at_a_time: str = "yes", **environment: str) -> Job:
    return Job("client", [one_at_a_time, name], clean_environment(home, ML_INTERN_ARXIV_URL=url, **environment), str(shared))


def start(*jobs: Job) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-c", PROCESSES, jobs[0].shared, json.dumps(jobs)]
    return subprocess.Popen(call, env=jobs[0].environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def codes(running: subprocess.Popen[bytes]) -> list[int]:
    """The exit codes of the jobs, in their order."""
    said = running.communicate(timeout=60)[1].decode()
    found: list[int] = json.loads(said.splitlines()[-1])
    return found


def arriving(service: Loopback, delay_s: float = 0.1) -> list[float]:
    """When each request came; every answer takes `delay_s`."""
    arrivals: list[float] = []

    def answer(_: object) -> Answer:
        arrivals.append(time.monotonic())
        return Answer({}, delay_s=delay_s)

    service.routes["/"] = answer
    return arrivals


def shortest(arrivals: list[float]) -> float:
    return min(later - earlier for earlier, later in itertools.pairwise(sorted(arrivals)))


def clients(home: Path, shared: Path, url: str, one_at_a_time: str, *, same: bool = False) -> None:
    jobs = [client("0" if same else str(number), home, shared, url, one_at_a_time) for number in range(4)]
    assert codes(start(*jobs)) == [0] * 4


def test_processes_keep_the_distance_and_hold_one_connection(home: Path, shared: Path, service: Loopback) -> None:
    arrivals = arriving(service)
    clients(home, shared, service.url, "yes")
    assert len(arrivals) == 8
    assert shortest(arrivals) >= ARXIV_S + 0.08, "the pause counts from the end of the previous answer"
    assert service.most_at_once == 1


def test_what_another_process_fetched_meanwhile_is_not_asked_for_again(home: Path, shared: Path, service: Loopback) -> None:
    """Researchers side by side want the same landmark paper; each waits for its turn, and only the first has to ask."""
    service.routes["/"] = Answer({}, delay_s=0.1)
    clients(home, shared, service.url, "yes", same=True)
    assert sorted(service.paths()) == ["/0/0", "/0/1"]


def test_four_real_commands_at_once(home: Path, shared: Path, service: Loopback) -> None:
    """A search, two look-ups and a walk: one pace for all that goes to arXiv, one for what goes to Semantic Scholar."""
    came: list[tuple[str, float]] = []
    World(300).serve(service)
    service.routes |= {
        "/api/query": feed(entry("2401.00001v1")),
        "/api/papers/search": Answer([]),
        "/graph/v1/paper/search": Answer({"total": 0, "offset": 0}),
        "/graph/v1/paper/batch": Answer([None]),
        "/html/": Answer("<html>nothing</html>", 404),
        "/pdf/": Answer("nothing", 404),
    }
    inner = service.answer

    def noted(request: Request) -> Answer:
        came.append((request.path, time.monotonic()))
        return inner(request)

    service.answer = noted  # type: ignore[method-assign]
    asked = (["lora"], ["2401.00001"], ["--read", "2401.00001"], ["--graph", World(300).seed_id, "--budget", "6"])
    both = {**urls(service), "ML_INTERN_ARXIV_HTML_URL": service.url}
    running = start(*(Job("command", arguments, clean_environment(home, **both), str(shared)) for arguments in asked))
    assert codes(running) == [0, 0, 3, 0]
    arxiv = [when for path, when in came if path.startswith(("/api/query", "/html/", "/pdf/"))]
    scholar = [when for path, when in came if path.startswith(("/graph/", "/recommendations/"))]
    assert len(arxiv) >= 4
    assert len(scholar) >= 8
    assert shortest(arxiv) >= ARXIV_S
    assert shortest(scholar) >= SCHOLAR_S / 2, "a busy machine's way to the server is not always as long"
    average = (max(scholar) - min(scholar)) / (len(scholar) - 1)
    assert average >= SCHOLAR_S


def test_agents_with_homes_caches_and_temporary_folders_of_their_own(tmp_path: Path, shared: Path, service: Loopback) -> None:
    arrivals = arriving(service)
    jobs = []
    for number in range(4):
        home = tmp_path / f"agent {number}"
        (home / "tmp").mkdir(parents=True)
        own = {"ML_INTERN_CACHE": str(home / "cache"), "TMPDIR": str(home / "tmp")}
        jobs.append(client(str(number), home, shared, service.url, **own))
    assert codes(start(*jobs)) == [0] * 4
    assert shortest(arrivals) >= ARXIV_S


def test_nodes_that_share_a_home_and_no_tmp(home: Path, tmp_path: Path, service: Loopback) -> None:
    arrivals = arriving(service)
    jobs = []
    for number in range(3):
        own = tmp_path / f"node {number}"
        own.mkdir()
        jobs.append(client(str(number), home, own, service.url))
    assert codes(start(*jobs)) == [0] * 3
    assert shortest(arrivals) >= ARXIV_S


def test_a_process_killed_with_the_lock_in_hand(home: Path, shared: Path, service: Loopback) -> None:
    """The kernel takes its lock back at once; what it sent counts all the same."""
    arrivals = arriving(service)
    normal = service.routes["/"]
    service.routes["/victim/"] = lambda request: (arrivals.append(time.monotonic()), Answer({}, delay_s=20))[1]
    victim = start(client("victim", home, shared, service.url))
    end = time.monotonic() + 30
    while not arrivals and time.monotonic() < end:
        time.sleep(0.005)
    others = start(*(client(str(number), home, shared, service.url) for number in range(3)))
    time.sleep(1.0)
    assert len(arrivals) == 1, "nobody asks while it holds the connection"
    assert victim.stderr is not None
    [child] = json.loads(victim.stderr.readline())
    os.kill(child, signal.SIGKILL)
    assert codes(victim) == [-signal.SIGKILL]
    service.routes["/"] = normal
    began = time.monotonic()
    assert codes(others) == [0] * 3
    assert time.monotonic() - began < 15
    assert len(arrivals) == 7
    assert shortest(arrivals) >= ARXIV_S


def test_without_the_single_connection_only_the_starts_are_spaced(home: Path, shared: Path, service: Loopback) -> None:
    service.routes["/"] = Answer({}, delay_s=0.5)
    clients(home, shared, service.url, "no")
    assert service.most_at_once > 1


@pytest.fixture
def turn(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """`turn()` takes a turn of 3 s in this process and returns what it waited, without waiting."""
    monkeypatch.setattr(pace, "SHARED", shared)

    def take() -> float:
        waits: list[float] = []
        with paced(tmp_path / "pace", "arxiv", 3.0, hold=True, timeout_s=1, sleep=waits.append):
            pass
        return sum(waits)

    return take


@pytest.mark.usefixtures("turn")
def test_a_turn_that_never_comes_is_told(tmp_path: Path) -> None:
    with (
        paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1),
        pytest.raises(RateLimited, match="other processes have kept arxiv busy for 0 s"),
        paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=0.1),
    ):
        pass


@pytest.mark.usefixtures("turn")
def test_the_turn_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1):
        raise ZeroDivisionError
    with paced(tmp_path, "arxiv", 0.01, hold=True, timeout_s=1):
        pass


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0], ids=["an hour ahead", "an hour back"])
def test_a_clock_that_is_set_shortens_no_wait(turn: Callable[[], float], monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    assert turn() == 0
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump_s)
    assert 2.5 < turn() <= 3.0


def test_a_restarted_machine_costs_one_interval_at_most(turn: Callable[[], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own clock begins again: the stamp is from the future by it, and by the wall's from a minute ago."""
    turn()
    now, since = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: now() + 60)
    monkeypatch.setattr(time, "monotonic", lambda: since() - 1e6)
    assert turn() == 0


@pytest.mark.parametrize("left", [b"", b"half a numb", b"nan", b"\xff"], ids=["empty", "words", "nan", "bytes"])
def test_a_stamp_that_says_nothing_costs_one_interval(turn: Callable[[], float], shared: Path, left: bytes) -> None:
    turn()
    stamps = list(shared.rglob("arxiv.last"))
    assert stamps
    for stamp in stamps:
        stamp.write_bytes(left)
    assert 2.5 < turn() <= 3.0


def test_a_lock_file_that_somebody_left_is_no_lock(turn: Callable[[], float], shared: Path) -> None:
    folder = shared / f"ml-intern-pace-{os.getuid()}"
    folder.mkdir(mode=0o700)
    (folder / "arxiv.lock").write_text("4711")
    assert turn() == 0


def test_a_place_in_tmp_that_is_not_ours_is_not_used(tmp_path: Path, turn: Callable[[], float], shared: Path) -> None:
    """Anybody may make a name in /tmp: a link there must not let us write elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (shared / f"ml-intern-pace-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert turn() == 0
    assert 2.5 < turn() <= 3.0, "the cache folder is agreed on"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_where_nothing_can_be_written_every_request_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(pace, "SHARED", tmp_path / "file")
    waits: list[float] = []
    with paced(tmp_path / "file" / "pace", "arxiv", 3.0, hold=False, timeout_s=1, sleep=waits.append):
        pass
    assert sum(waits) == 3.0


def test_the_terms_of_the_services_are_kept() -> None:
    assert (ARXIV.min_interval_s, ARXIV.one_at_a_time) == (3.0, True)
    assert (ARXIV_HTML.min_interval_s, ARXIV_HTML.one_at_a_time) == (3.0, True)
    assert SEMANTIC_SCHOLAR.min_interval_s >= 1.0
    assert AR5IV.min_interval_s >= 1.0


def test_all_hosts_of_arxiv_share_one_pace() -> None:
    """Its terms count requests, not hosts: an abstract at export.arxiv.org and a page at arxiv.org are two of them."""
    assert ARXIV.pace_name == ARXIV_HTML.pace_name == "arxiv"
    assert AR5IV.pace_name == "ar5iv"
