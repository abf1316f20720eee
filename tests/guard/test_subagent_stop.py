"""The paper researcher is held to its form and to what it read, once; other agents are left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guard.events import Project

FORM = """TARGET: math reasoning, GSM8K, 0.6B, one A10G
RECIPES (best first)
| # | paper (arXiv id, year) | base model | method + key settings | dataset (Hub id, checked?) | result vs baseline | source (section/table) | hardware | code |
|---|---|---|---|---|---|---|---|---|
| 1 | DAPO, 2503.14476, 2025 | Qwen2.5-32B | GRPO, lr 1e-6, clip 0.28 | BytedTsinghua-SIA/DAPO-Math-17k yes | AIME 50 vs 30 | Table 1, §4.1 | not stated | yes |
| 2 | R1, 2501.12948, 2025 | V3 | GRPO, lr 3e-6 | not stated | AIME 71.0 vs 15.6 | Section 2.2 | not stated | no |
RECOMMENDED: 1, it has ablations; lr 1e-6 (2503.14476, §4.1)
TRANSFER RISK: 32B to 0.6B
CONFLICTS: KL term or none
NOT FOUND / NOT READ: appendix of 2501.12948
"""


READ = "2503.14476v2 ... AIME 50 points, from 30 ... [2501.12948] ... AIME | 71.0 | 15.6"


def transcript(folder: Path, *read: str) -> str:
    """A subagent's record, as the client keeps it: what was asked, what tools answered, what was written."""
    ask = {"type": "user", "message": {"role": "user", "content": "find what 2403.99999 and 2402.00002 did"}}
    call = {"type": "tool_use", "name": "Bash", "input": {"command": "crawl_arxiv --id 2404.99999"}}
    lines = [ask, {"type": "assistant", "message": {"role": "assistant", "content": [call]}}]
    for text in read:
        block = {"type": "tool_result", "tool_use_id": "t", "content": text}
        lines.append({"type": "user", "message": {"role": "user", "content": [block]}})
    path = folder / "agent-a1.jsonl"
    path.write_text("\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n")
    return str(path)


def report(text: str, agent: str = "a1", kind: str = "ml-intern:ml-paper-researcher") -> dict[str, Any]:
    return {"hook_event_name": "SubagentStop", "agent_type": kind, "agent_id": agent, "last_assistant_message": text}


def test_form_passes(project: Project) -> None:
    assert project.fire("subagent_stop", report(FORM)) is None


def test_empty_handed_with_reason_passes(project: Project) -> None:
    empty = "\n".join(line for line in FORM.splitlines() if not line.startswith(("| 1", "| 2")))
    text = empty.replace("appendix of 2501.12948", "no source answered: arXiv and Semantic Scholar were unreachable")
    assert project.fire("subagent_stop", report(text)) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("I found that DPO with lr 5e-7 works well.", "RECIPES", id="prose"),
        pytest.param(FORM.replace("NOT FOUND / NOT READ", "Notes"), "NOT READ", id="not-read-missing"),
        pytest.param(FORM.replace("2503.14476, 2025", "the DAPO paper"), "row 1: the paper's id", id="no-id"),
        pytest.param(FORM.replace("Section 2.2", "the paper"), "row 2: the section or table", id="no-place"),
        pytest.param(FORM.replace("AIME 71.0 vs 15.6", "much better"), "row 2: the number", id="no-number"),
        pytest.param(FORM + "word " * 1500, "at most 1500", id="too-long"),
        pytest.param(FORM.replace("RECOMMENDED", "Advice"), "RECOMMENDED", id="no-recommendation"),
        pytest.param("", "RECIPES", id="empty"),
    ],
)
def test_what_is_missing_is_said(project: Project, text: str, wanted: str) -> None:
    answer = project.fire("subagent_stop", report(text))
    assert answer is not None
    assert answer["decision"] == "block"
    assert wanted in answer["reason"]


def test_once_and_no_more(project: Project) -> None:
    answers = [project.fire("subagent_stop", report("prose")) is not None for _ in range(3)]
    assert answers == [True, False, False]
    assert project.fire("subagent_stop", report("prose", agent="a2")) is not None


@pytest.mark.parametrize("kind", ["general-purpose", "ml-intern:dataset-auditor", "", "other:researcher"])
def test_other_agents_are_left_alone(project: Project, kind: str) -> None:
    assert project.fire("subagent_stop", report("prose", kind=kind)) is None


def test_report_that_rests_on_what_was_read_passes(project: Project, tmp_path: Path) -> None:
    event = {**report(FORM), "agent_transcript_path": transcript(tmp_path, "nothing", READ)}
    assert project.fire("subagent_stop", event) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(FORM.replace("2503.14476", "2503.99999"), "row 1: 2503.99999: no tool gave", id="paper-from-memory"),
        pytest.param(FORM.replace("2503.14476", "2403.99999"), "row 1: 2403.99999: no tool gave", id="paper-of-the-prompt-only"),
        pytest.param(FORM.replace("2501.12948, 2025", "2404.99999, 2025"), "row 2: 2404.99999: no", id="paper-only-asked-for"),
        pytest.param(FORM.replace("71.0 vs", "79.8 vs"), "row 2: 79.8: no text that you read", id="score-from-memory"),
        pytest.param(FORM.replace("71.0 vs", "1.0 vs"), "row 2: 1.0: no text that you read", id="tail-of-another-score"),
    ],
)
def test_what_was_not_read_is_named(project: Project, tmp_path: Path, text: str, wanted: str) -> None:
    event = {**report(text), "agent_transcript_path": transcript(tmp_path, READ)}
    answer = project.fire("subagent_stop", event)
    assert answer is not None
    assert wanted in answer["reason"]
    assert answer["reason"].count("\n- ") == 1, "and nothing else is held against it"


@pytest.mark.parametrize(
    "cell",
    ["AIME 71.0, +55.4 over base", "AIME 71.0 vs 15.6 (~4.55 times)", "Qwen2.5 base: AIME 71.0 vs 15.6", "AIME 71 vs 15"],
    ids=["difference", "own-reckoning", "name-of-a-model", "whole-numbers"],
)
def test_what_is_no_papers_figure_is_left_alone(project: Project, tmp_path: Path, cell: str) -> None:
    text = FORM.replace("AIME 71.0 vs 15.6", cell)
    assert project.fire("subagent_stop", {**report(text), "agent_transcript_path": transcript(tmp_path, READ)}) is None


@pytest.mark.parametrize("path", [None, 7, "/nowhere/agent.jsonl", "no-results"])
def test_without_a_record_only_the_form_counts(project: Project, tmp_path: Path, path: Any) -> None:
    path = transcript(tmp_path) if path == "no-results" else path
    assert project.fire("subagent_stop", {**report(FORM), "agent_transcript_path": path}) is None
