"""`/ml-research` on the real client: the researcher's whole way over loopback services, alone and three at once.

research_model.py does what command and agent say. The plugin is a copy whose helpers treat loopback as a distant service, so
that the services' pace (shortened) holds here as it does outside.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from dataset.viewer import Viewer, hub_with
from support.client import ROOT, Session, claude, run_session
from support.helpers import run_helper
from support.literature import BEST, DATASET, LANDMARK, Literature
from support.loopback import Answer, Loopback, Request

pytestmark = [pytest.mark.client, pytest.mark.timeout(240)]
MODEL = Path(__file__).with_name("research_model.py")
REQUEST = '/ml-research "best recipe for math reasoning on a 1.5B model", %d aspects'
PACE_S = 0.4
ROWS = [{"prompt": [{"role": "user", "content": f"How much is {n} + {n}?"}], "answer": str(2 * n)} for n in range(40)]


class Research(NamedTuple):
    """A finished session in its folder, what the services were asked, and when arXiv's hosts were: (began, ended)."""

    folder: Path
    session: Session
    asked: list[str]
    arxiv: list[tuple[float, float]]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the plugin for which loopback is far away."""
    root = tmp_path_factory.mktemp("plugin") / "ml-intern"
    kept = shutil.ignore_patterns(".git", "tests", "evals", "__pycache__", ".*_cache", ".venv")
    shutil.copytree(ROOT, root, ignore=kept)
    change(root / "src/ml_intern_helpers/web/pace.py", 'Path("/tmp")', f"Path({str(root.parent)!r})")
    change(
        root / "src/ml_intern_helpers/web/client.py", "0.0 if is_loopback(call.url) else call.service.min_interval_s", str(PACE_S)
    )
    return root


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), "utf-8")


def research(folder: Path, plugin: Path, *arguments: str, aspects: int = 1) -> Research:
    """A whole session; nothing is allowed by the user."""
    hub, _ = hub_with(DATASET, {"README.md": b"# data\n"})
    viewer = Viewer(DATASET, {("default", "train"): (ROWS, len(ROWS))})
    field = Literature(hub.service)
    spans: list[tuple[float, float]] = []
    for route in ("/api/query", "/html/"):
        hub.service.routes[route] = timed(hub.service, route, spans)
    try:
        urls = field.urls(ML_INTERN_DATASET_VIEWER_URL=viewer.url)
        words = ["--plugin-dir", str(plugin), *arguments]
        session = run_session(folder, MODEL, [REQUEST % aspects], *words, limit_s=180, **urls)
        return Research(folder, session, field.asked("/"), sorted(spans))
    finally:
        viewer.close()
        hub.service.close()


def timed(service: Loopback, route: str, spans: list[tuple[float, float]]) -> Callable[[Request], Answer]:
    inner = service.routes[route]

    def answer(request: Request) -> Answer:
        began = time.monotonic()
        time.sleep(0.05)
        found = inner if isinstance(inner, Answer) else inner(request)
        spans.append((began, time.monotonic()))
        return found

    return answer


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, plugin: Path) -> dict[str, Research]:
    """The three ways."""
    claude()
    folder = tmp_path_factory.mktemp("research")
    ways = {"one": ([], 1), "three": ([], 3), "refused": (["--disallowedTools", "Agent"], 1)}
    with ThreadPoolExecutor(2) as pool:
        done = {
            name: pool.submit(research, folder / name, plugin, *words, aspects=aspects) for name, (words, aspects) in ways.items()
        }
    return {name: each.result() for name, each in done.items()}


@pytest.mark.parametrize("way", ["one", "three", "refused"])
def test_the_table_reaches_the_answer_and_nothing_was_asked(runs: dict[str, Research], way: str) -> None:
    session = runs[way].session
    session.check()
    result = session.result["result"]
    assert result.startswith("RESULT: ranked recipes"), result
    assert f"| 1 | Clipped, {BEST} | Qwen2.5-1.5B | GRPO, lr 2e-6 | {DATASET} yes | GSM8K 77.4 vs 62.5 |" in result
    assert result.count("| 1 |") == (3 if way == "three" else 1)
    assert "inspect_dataset: READY for grpo" in result
    assert session.denials == []


@pytest.mark.parametrize("way", ["one", "three"])
def test_report_is_handed_back_at_the_first_try(runs: dict[str, Research], way: str) -> None:
    """What the helpers print holds every id and score that the table needs: the evidence check has no false alarm."""
    texts = [str(one["body"]["messages"]) for one in runs[way].session.requests]
    assert not any("hand the report back in its form" in text for text in texts)


def test_paper_text_stays_out_of_the_main_thread(runs: dict[str, Research]) -> None:
    told = str(runs["one"].session.messages())
    assert "text of the paper begins" not in told
    assert "text of the paper begins" in str([one["body"]["messages"] for one in runs["one"].session.requests])


@pytest.mark.parametrize("way", ["one", "three"])
def test_no_paper_is_fetched_twice(runs: dict[str, Research], way: str) -> None:
    """Researchers share what was fetched, also while each waits for its turn at arXiv."""
    asked = Counter(each for each in runs[way].asked if each.startswith(("/html/", "/api/query")))
    assert {path: count for path, count in asked.items() if count > 1} == {}
    assert {f"/html/{BEST}", f"/html/{LANDMARK}"} <= set(asked)


def test_two_more_researchers_cost_the_services_little(runs: dict[str, Research]) -> None:
    """A service that takes several questions at once may get one twice; most are asked once."""
    one, three = (len([each for each in runs[way].asked if each.startswith("/graph/")]) for way in ("one", "three"))
    assert three <= 2 * one


@pytest.mark.parametrize("way", ["one", "three"])
def test_pace_holds_at_arxiv(runs: dict[str, Research], way: str) -> None:
    spans = runs[way].arxiv
    assert len(spans) >= 3
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(spans)]
    assert min(gaps) >= PACE_S - 0.05, "one connection, and a pause after each"


def test_notes_of_all_three_are_kept(runs: dict[str, Research]) -> None:
    """They write the file of notes at once."""
    found = run_helper("crawl_arxiv", "notes", "clipping", "--json", home=runs["three"].folder / "home")
    assert {note["text"] for note in found.json["notes"]} == {
        f"clipping carries the gain (aspect {number})" for number in range(3)
    }
