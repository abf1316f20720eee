"""The verdict for every method on every dataset of known truth, through the real command."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset.cases import CASES, METHODS, Case, X
from support.helpers import Outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdicts_and_findings(case: Case, in_process: Callable[..., dict], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in case.rows), encoding="utf-8")
    report = in_process(str(path))
    assert {method: report["verdicts"][method]["verdict"] for method in METHODS} == {
        method: case.truth.get(method, X) for method in METHODS
    }
    codes = {finding["code"] for finding in report["findings"]}
    assert case.found <= codes
    assert not case.absent & codes
    assert case.form in (None, *(item["name"] for item in report["formats"]))
    assert case.best in (None, [item["method"] for item in report["recommended"]])
    for verdict in report["verdicts"].values():
        assert (verdict["mapping"] is not None) == (verdict["verdict"] == "needs_mapping")
        ast.parse(verdict["mapping"] or "")


def test_the_table_has_every_verdict_for_every_method() -> None:
    seen = {(method, case.truth.get(method, X)) for case in CASES for method in METHODS}
    assert seen == {(method, word) for method in METHODS for word in ("ready", "needs_mapping", "incompatible", "unknown")}
    assert len(CASES) >= 40


def test_method_ready_does_not_wait_for_datasets_and_says_so(helper: Callable[..., Outcome], tmp_path: Path) -> None:
    """With the method ready there is no reason to import `datasets`; a method that takes it stays open instead of being guessed."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(
            json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "more": 1}]}) + "\n"
            for _ in range(3)
        )
    )
    report = helper("inspect_dataset", str(path), "--method", "sft", "--json").json
    assert report["verdicts"]["sft"]["verdict"] == "ready"
    assert report["verdicts"]["grpo"]["verdict"] == "unknown"
    assert "--method grpo" in report["verdicts"]["grpo"]["reason"]
