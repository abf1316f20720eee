"""--sarif: the structure that SARIF 2.1.0 asks for and code hosts read, from the real process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.preflight.registry import all_rules
from support.helpers import Outcome

Helper = Callable[..., Outcome]
SCRIPT = """from trl import SFTConfig, SFTTrainer
grüße = "ä"; trainer = SFTTrainer("m", tokenizer=t, args=SFTConfig(**load()))  # preflight: ignore[LOG104] watched by hand
trainer.train()
"""


def log_of(done: Outcome) -> dict[str, Any]:
    """The one run of a log, its frame checked."""
    log = done.json
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    assert len(log["runs"]) == 1
    run: dict[str, Any] = log["runs"][0]
    return run


def test_rules_are_ours_with_their_help_and_levels(helper: Helper, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    driver = log_of(helper("preflight_check", "train.py", "--local", "--sarif", cwd=tmp_path))["tool"]["driver"]
    assert driver["name"] == "preflight_check"
    assert driver["version"]
    assert [rule["id"] for rule in driver["rules"]] == list(all_rules())
    levels = {"error": "error", "warning": "warning", "info": "note"}
    for rule in driver["rules"]:
        known = all_rules()[rule["id"]]
        assert rule["help"]["text"] == known.documentation
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] == levels[known.severity]


def test_results_point_at_their_rule_and_place(helper: Helper, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    done = helper("preflight_check", "train.py", "--local", "--sarif", cwd=tmp_path)
    run = log_of(done)
    assert done.code == 1
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "train.py"
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    found = next(result for result in run["results"] if result["ruleId"] == "API101")
    column = SCRIPT.splitlines()[1].index("tokenizer=t") + len("tokenizer=") + 1
    assert found["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": column}


def test_what_could_not_be_told_is_a_notification(helper: Helper, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    run = log_of(helper("preflight_check", "train.py", "--local", "--sarif", cwd=tmp_path))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert any("load()" in note["message"]["text"] for note in notes)


def test_a_suppression_is_told_with_its_reason(helper: Helper, tmp_path: Path) -> None:
    text = SCRIPT.replace("SFTConfig(**load())", 'SFTConfig(report_to="none")')
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    run = log_of(helper("preflight_check", "train.py", "--local", "--sarif", cwd=tmp_path))
    held = [result for result in run["results"] if "suppressions" in result]
    assert [result["ruleId"] for result in held] == ["LOG104"]
    assert held[0]["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": "watched by hand"}]


def test_a_notebook_is_named_with_its_cell(helper: Helper, tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": line} for line in SCRIPT.splitlines()]
    (tmp_path / "a b.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    run = log_of(helper("preflight_check", "a b.ipynb", "--local", "--sarif", cwd=tmp_path))
    found = next(result for result in run["results"] if result["ruleId"] == "API101")
    location = found["locations"][0]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "a%20b.ipynb"}}
    assert location["logicalLocations"] == [{"fullyQualifiedName": "cell 2, line 1"}]


@pytest.mark.parametrize("form", ["--json", "--human"])
def test_two_forms_are_refused(form: str, helper: Helper, tmp_path: Path) -> None:
    assert helper("preflight_check", "x.py", "--sarif", form, cwd=tmp_path).code == 2


def test_what_cannot_be_read_is_no_empty_log(helper: Helper, tmp_path: Path) -> None:
    done = helper("preflight_check", "missing.py", "--sarif", cwd=tmp_path)
    assert (done.code, done.stdout) == (3, "")
