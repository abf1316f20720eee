"""What the literature reference says that each call costs, held against the calls: lists of usual texts, and one real paper.

A token is four characters here, as in the budget that the hook holds a researcher to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.documents import SKILL
from support.helpers import run_helper
from support.literature import Literature, crowd
from support.loopback import Answer, Loopback
from support.pages import html
from support.recordings import recording

TEXT = (SKILL / "references/paper-crawl.md").read_text(encoding="utf-8")
#: Step, call, cost: the first table of the reference.
ROWS = re.findall(r"(?m)^\| ([^|`]+) \| `((?:crawl_arxiv|hf_paper_meta) [^`]+)`[^|]* \| ([\d,]+) \|$", TEXT)
SEED = "2305.18290"
FULL, FEW = ["--full"], ["--limit", "5"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def field(home: Path) -> Iterator[Literature]:
    """Sixty papers around the reference's example, which reads as the one real page that there is; ten notes."""
    service = Loopback()
    literature = Literature(service, crowd(60, SEED))
    page = html(recording("arxiv_html/1810.04805_bert_arxiv_native.html").read_bytes().replace(b"1810.04805", SEED.encode()))
    service.routes["/html/"] = page
    repos = [
        {"id": f"organization/some-model-{n}-7B-dpo-lora", "downloads": n, "likes": n, "tags": ["license:apache-2.0"]}
        for n in range(30)
    ]
    service.routes |= {
        f"/api/{kind}": Answer(repos, headers={"link": '<https://h/next>; rel="next"'})
        for kind in ("models", "datasets", "spaces")
    }
    for number in range(12):
        note = f"beta {number} for all but one: " + "the ablation says so; " * 4
        words = [
            "notes",
            "add",
            SEED,
            note,
            "--quote",
            "we use beta = 0.1 for all experiments, unless noted otherwise",
            "--place",
            "Section 6",
        ]
        assert run_helper("crawl_arxiv", *words, home=home, **literature.urls()).code == 0
    yield literature
    service.close()


def tokens(field: Literature, home: Path, call: str, *more: str) -> int:
    helper, *words = shlex.split(call.replace("…", "a note of some length, as one keeps it"))
    done = run_helper(helper, *words, *more, home=home, **field.urls())
    assert done.code == 0, done.stderr
    return len(done.stdout) // 4


def test_every_way_to_ask_has_its_cost() -> None:
    assert len(ROWS) == 14
    options = " ".join(call for _, call, _ in ROWS)
    for option in ("notes", "search", "graph", "cited-by", "refs", "recipe", "read", "--section", "--find", "notes add "):
        assert option in options


@pytest.mark.parametrize(("step", "call", "said"), ROWS, ids=[step for step, _, _ in ROWS])
def test_cost_is_as_said(field: Literature, home: Path, step: str, call: str, said: str) -> None:
    """Never more than said, and not so much less that the figure would mislead."""
    limit = int(said.replace(",", ""))
    assert 0.5 * limit <= tokens(field, home, call) <= limit


def test_fewer_and_fuller_lists(field: Literature, home: Path) -> None:
    call = next(call for step, call, _ in ROWS if step.startswith("who cites"))
    usual, few, full = (tokens(field, home, call, *more) for more in ([], FEW, FULL))
    assert few <= 0.6 * usual
    assert 2 * usual <= full <= 3 * usual
