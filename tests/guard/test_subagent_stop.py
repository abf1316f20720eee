"""The paper researcher is held to its form, twice at most; other agents are left alone."""

from __future__ import annotations

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


def test_twice_and_no_more(project: Project) -> None:
    answers = [project.fire("subagent_stop", report("prose")) is not None for _ in range(4)]
    assert answers == [True, True, False, False]
    assert project.fire("subagent_stop", report("prose", agent="a2")) is not None


@pytest.mark.parametrize("kind", ["general-purpose", "ml-intern:dataset-auditor", "", "other:researcher"])
def test_other_agents_are_left_alone(project: Project, kind: str) -> None:
    assert project.fire("subagent_stop", report("prose", kind=kind)) is None
