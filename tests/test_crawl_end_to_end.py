"""A two-hop crawl of 200 papers through the real command: its budget, kill -9 at any moment, Ctrl-C, repeats, a broken library."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.citation_world import World
from support.helpers import ROOT, clean_environment
from support.loopback import Answer, Loopback
from support.papers import urls

pytestmark = pytest.mark.slow

BUDGET, PAPERS = 24, 200
PROGRAM = [sys.executable, "-I", "-X", "utf8", str(ROOT / "src/ml_intern_helpers/__main__.py"), "crawl_arxiv"]
#: What tells when and how an answer was made, not what it says.
_OF_THE_RUN = ("sources",)
_OF_THE_GRAPH = ("requests_made",)


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    assert len(made.cites) >= 5000
    return made


class Crawl:
    """The command in a home of its own."""

    def __init__(self, world: World, service: Loopback, home: Path) -> None:
        self.service, self.home = service, home
        home.mkdir(exist_ok=True)
        world.serve(service)
        asked = ["--graph", world.seed_id, "--hops", "2", "--budget", str(BUDGET), "--papers", str(PAPERS)]
        self.command = [*PROGRAM, *asked, "--save", str(home / "graph.json"), "--force", "--json"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        environment = clean_environment(self.home, **urls(self.service))
        pipe = subprocess.PIPE
        return subprocess.Popen([*self.command, *more], env=environment, cwd=self.home, stdout=pipe, stderr=pipe, text=True)

    def run(self, *more: str) -> tuple[int, dict[str, Any]]:
        process = self.start(*more)
        stdout, stderr = process.communicate(timeout=60)
        assert stdout, stderr
        return process.returncode, json.loads(stdout)

    def stop(self, after: int, late_s: float, how: signal.Signals) -> tuple[int, str, str]:
        """Run until `after` requests more have come and `late_s` seconds have passed, then send the signal."""
        process, until = self.start(), len(self.service.requests) + after
        end = time.monotonic() + 30
        while len(self.service.requests) < until and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(late_s)
        process.send_signal(how)
        stdout, stderr = process.communicate(timeout=30)
        return process.returncode, stdout, stderr

    def graph(self) -> dict[str, Any]:
        """The graph as it was written."""
        found = json.loads((self.home / "graph.json").read_text("utf-8"))
        return {name: value for name, value in found.items() if name != "fetched_at"}


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says of the papers."""
    graph = {name: value for name, value in answer["graph"].items() if name not in _OF_THE_GRAPH}
    return {**{name: value for name, value in answer.items() if name not in _OF_THE_RUN}, "graph": graph}


@pytest.fixture(scope="module")
def unkilled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawl]:
    """The crawl that nobody disturbs, done."""
    service = Loopback()
    crawl = Crawl(world, service, tmp_path_factory.mktemp("undisturbed"))
    code, answer = crawl.run()
    assert (code, answer["status"]) == (0, "ok")
    crawl.answer = answer  # type: ignore[attr-defined]
    yield crawl
    service.close()


def test_kills_at_any_moment_lose_nothing_and_cost_one_request_each(
    world: World, service: Loopback, unkilled: Any, tmp_path: Path
) -> None:
    expected = unkilled.answer["graph"]
    assert (expected["papers"], expected["answers"], expected["stopped"]) == (PAPERS, len(unkilled.service.requests), None)
    assert expected["requests_made"] == len(unkilled.service.requests) <= BUDGET

    chance = random.Random(6)
    crawl = Crawl(world, service, tmp_path / "killed")
    kills = [(after, chance.uniform(0, 0.12)) for after in (0, 1, *(chance.randint(1, 4) for _ in range(5)))]
    codes = [crawl.stop(after, late_s, signal.SIGKILL)[0] for after, late_s in kills]
    assert codes.count(-signal.SIGKILL) >= 5, "most were killed before they were done"
    code, answer = crawl.run()
    assert code == 0
    assert told(answer) | {"files": None} == told(unkilled.answer) | {"files": None}
    assert crawl.graph() == unkilled.graph()
    assert len(service.requests) <= BUDGET + len(kills), "each kill costs the one answer that was under way, at most"
    assert not [path for path in crawl.home.iterdir() if path.name.startswith(".graph")], "no half-written file is left"


def test_a_repeat_costs_no_request_also_with_a_broken_library(unkilled: Any) -> None:
    made, library = len(unkilled.service.requests), unkilled.home / "cache/papers/library.sqlite"
    for more in ([], ["--offline"]):
        code, answer = unkilled.run(*more)
        assert (code, answer["graph"]["requests_made"]) == (0, 0)
        assert told(answer) == told(unkilled.answer)
    whole = library.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"junk" * 4096):
        library.write_bytes(damaged)
        code, answer = unkilled.run()
        assert (code, answer["warnings"]) == (0, unkilled.answer["warnings"])
        assert told(answer) == told(unkilled.answer)
    assert len(unkilled.service.requests) == made


def test_ctrl_c_at_any_moment_keeps_what_is_done(world: World, service: Loopback, unkilled: Any, tmp_path: Path) -> None:
    crawl = Crawl(world, service, tmp_path / "stopped")
    code, stdout, stderr = crawl.stop(1, 0.0, signal.SIGINT)
    assert (code, stdout) == (130, ""), "nothing is there to show yet"
    assert "stopped" in stderr
    for after in (3, 4):
        code, stdout, _ = crawl.stop(after, 0.01, signal.SIGINT)
        answer = json.loads(stdout)
        assert (code, answer["status"]) == (130, "unknown")
        assert answer["graph"]["stopped"] == "stopped by Ctrl-C; the same command goes on from here"
        assert answer["graph"]["papers"] == len(crawl.graph()["papers"]) > 1, "the file asked for holds it, too"
    code, answer = crawl.run()
    assert code == 0
    assert crawl.graph() == unkilled.graph()
    assert len(service.requests) <= BUDGET + 3


def test_the_budget_bounds_requests_not_only_answers(world: World, service: Loopback, tmp_path: Path) -> None:
    """Every second answer is a 503 that goes away when asked again: each costs two requests."""
    crawl = Crawl(world, service, tmp_path / "flaky")
    inner = service.routes["/graph/v1/paper/"]
    service.routes["/graph/v1/paper/"] = lambda request: (
        Answer("upstream", 503, {"retry-after": "0"}) if len(service.requests) % 2 else inner(request)  # type: ignore[operator]
    )
    code, answer = crawl.run()
    assert code == 0
    assert answer["graph"]["requests_made"] == len(service.requests) <= BUDGET + 1
    assert answer["graph"]["answers"] < BUDGET
