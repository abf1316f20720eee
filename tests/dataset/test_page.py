"""The page of `--html` as a file: where it may be written, what it holds, that it is the same each time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset import hostile
from dataset.cases import CASES, Case, chat, question
from dataset.viewer import Viewer, hub_with
from support.helpers import Outcome

Call = Callable[..., Outcome]
ROWS = [{"messages": chat(n)} for n in range(6)]


@pytest.fixture
def data(tmp_path: Path) -> str:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return str(tmp_path / "rows.jsonl")


def written(call: Call, folder: Path, rows: list[dict[str, Any]], *arguments: str) -> str:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    call(str(folder / "rows.jsonl"), "--html", str(folder / "page.html"), *arguments)
    return (folder / "page.html").read_text(encoding="utf-8")


def test_a_page_of_ours_is_replaced_and_nothing_else(call: Call, data: str, tmp_path: Path) -> None:
    page, notes = tmp_path / "page.html", tmp_path / "notes.html"
    for _ in range(2):
        done = call(data, "--html", str(page), "--json")
        assert done.json["html"] == {"path": str(page), "bytes": page.stat().st_size}
    notes.write_text("<!doctype html>\n<p>my own notes")
    done = call(data, "--html", str(notes), "--json")
    assert done.code == 2
    assert "no report of inspect_dataset" in done.json["error"]["message"]
    assert "--force" in done.json["error"]["hint"]
    assert notes.read_text().endswith("my own notes")
    assert call(data, "--html", str(notes), "--force").code == 0
    assert notes.read_bytes() == page.read_bytes(), "the same data make the same bytes"
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_a_link_does_not_lead_to_somebody_elses_file(call: Call, data: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("mine")
    (tmp_path / "page.html").symlink_to("own.txt")
    assert call(data, "--html", str(tmp_path / "page.html")).code == 2
    assert (tmp_path / "own.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (".", "is a folder"),
        ("no/such/page.html", "there is no folder"),
        ("/dev/null", "is a folder or a device"),
        ("x" * 300 + ".html", "cannot be written"),
    ],
)
def test_where_no_page_can_be(
    call: Call, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, words: str
) -> None:
    """Refused before anything is read: the dataset need not even be there."""
    monkeypatch.chdir(tmp_path)
    for name in (data, "no-such.jsonl"):
        done = call(name, "--html", where, "--json")
        assert done.code == 2
        assert words in done.json["error"]["message"]


def test_a_full_disk_leaves_the_old_page(call: Call, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_intern_helpers.dataset.page import html_page

    call(data, "--html", str(tmp_path / "page.html"))
    before = (tmp_path / "page.html").read_bytes()

    def full(path: Path, page: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(html_page, "write_atomic", full)
    done = call(data, "--html", str(tmp_path / "page.html"))
    assert done.code == 3
    assert "was not written: No space left on device" in done.stderr
    assert (tmp_path / "page.html").read_bytes() == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_known_dataset_makes_a_page(call: Call, tmp_path: Path, case: Case) -> None:
    page = written(call, tmp_path, case.rows)
    assert page.startswith("<!doctype html>\n<!-- ml-intern/inspect_dataset report v1 -->")
    assert page.count("</html>") == 1


def test_the_page_stays_small(call: Call, tmp_path: Path) -> None:
    """Rows, names and columns that are as large as they can be, of characters that escaping makes five times as long."""
    wide = {f"{'&' * 190}{n}": "'" * 4000 for n in range(150)}
    rows = [{"messages": [{"role": "user", "content": '"' * 20_000}] * 40, **wide} for _ in range(12)]
    page = written(call, tmp_path, rows)
    assert 50_000 < len(page.encode()) <= 1_000_000
    assert "more characters]" in page


def test_keys_and_persons_are_blanked_and_so_is_the_users_token(call: Call, tmp_path: Path) -> None:
    key = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    token = "hf_" + "abcdefghij"
    texts = [f"use {key} now", "x" * 880 + f" {key}", "write to maria.keller@webpost.de", f"mine is {token}"]
    rows = [{"prompt": question(n), "completion": text, "note": text} for n, text in enumerate(texts)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    call(str(tmp_path / "rows.jsonl"), "--html", str(tmp_path / "page.html"), HF_TOKEN=token)
    page = (tmp_path / "page.html").read_text()
    assert "characters blanked]" in page
    assert key not in page
    assert key[:20] not in page, "nor half of it, where a text is cut"
    assert "maria.keller" not in page
    assert token not in page


def test_warnings_and_the_hub_are_told(call: Call, tmp_path: Path) -> None:
    viewer = Viewer("ada/set", {("default", "train"): (ROWS, 600)})
    hub, repo = hub_with("ada/set")
    repo.info = {"cardData": {"license": "mit<b>"}, "gated": "auto"}
    try:
        call("ada/set", "--html", str(tmp_path / "page.html"), HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
    finally:
        viewer.close()
        hub.service.close()
    page = (tmp_path / "page.html").read_text()
    assert '<a href="https://huggingface.co/datasets/ada/set" rel="noreferrer noopener">' in page
    assert "mit&lt;b&gt;" in page
    assert "It is about the rows looked at, not about the whole split." in page


def later(fields: dict[str, Any]) -> dict[str, Any]:
    """Keys of the report that not every run has, filled to the brim with hostile text."""
    bad = hostile.strings("http://127.0.0.1:9")[0]
    size = {"of": bad, "rows": 6, "min": 1, "median": 5, "p95": 9, "p99": 9, "max": 9, "histogram": [[4, 2], [9, 4]]}
    cut = {"cut": {"512": 0.25, "1024": 0.0}, "recommended_max_length": 1024}
    return fields | {
        "decision": {
            "word": "go_with_filters",
            "method": "sft",
            "reasons": [bad, "second reason"],
            "filters": [{"code": "SET301", "condition": f'row["{bad}"]', "rows_removed": 2, "rows_of_all": None}],
            "filter_code": f"dataset.filter({bad!r})",
            "rows_in": 6,
            "rows_out": 4,
            "based_on": "sample",
        },
        "recommended": [{"method": "sft", "why": bad}],
        "lengths": {"characters": size | cut, "tokens": size | cut | {"model": bad, "revision": "abc", "template": True}},
        "full": None,
    }


def test_what_other_runs_bring_is_drawn(call: Call, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_intern_helpers.dataset.page import html_page

    plain = html_page._context
    monkeypatch.setattr(
        html_page, "_context", lambda report, facts: (setattr(report, "fields", later(report.fields)), plain(report, facts))[1]
    )
    call(data, "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    text = re.sub(r"\s+", " ", page)
    assert "<script>window" not in page
    for words in (
        "GO WITH FILTERS",
        "second reason",
        "4 of 6 rows stay. Based on a sample.",
        "Recommended <code>max_length</code>: <strong>1,024</strong>",
        "25 %",
        "<b>Recommended.</b>",
        "Length in tokens",
        "with its chat template",
        "dataset.filter(",
    ):
        assert words in text, words


def test_a_full_scan_is_drawn_in_the_place_of_the_sample(call: Call, tmp_path: Path) -> None:
    """Three rows are sampled of 300: the figures are of all."""
    rows = [{"messages": chat(n % 150)} for n in range(300)]
    page = re.sub(r"\s+", " ", written(call, tmp_path, rows, "--full", "--sample", "3"))
    assert "It is about every row of the split." in page
    assert '<strong><bdi>300</bdi></strong><span class="soft">every row of the split</span>' in page
    assert '<p class="big">50 %</p>' in page
    assert re.search(r'300 <span class="soft">100 %</span>', page), "role patterns"
