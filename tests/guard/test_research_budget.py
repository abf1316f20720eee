"""The paper researcher's calls and what they gave it to read are counted, and end with its budget; nobody else's are."""

from __future__ import annotations

import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from guard.events import Project, bash, failed
from ml_intern_helpers.guard.research_budget import MOST_CALLS, MOST_TOKENS
from ml_intern_helpers.guard.subagent_stop import MOST_WORDS
from support.helpers import ROOT

RESEARCHER = "ml-intern:ml-paper-researcher"
SEARCH = f"{shlex.quote(str(ROOT))}/skills/ml-intern/scripts/crawl_arxiv.sh dpo"


def of(event: dict[str, Any], kind: str | None = RESEARCHER, agent: str = "a1") -> dict[str, Any]:
    return {**event, "agent_id": agent, "agent_type": kind} if kind else event


def call(tool: str = "Bash", **asked: Any) -> dict[str, Any]:
    return {"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": asked or {"command": SEARCH}}


def answered(project: Project, event: dict[str, Any], **environment: str) -> dict[str, Any]:
    return (project.fire("pre_tool_use", event, **environment) or {}).get("hookSpecificOutput", {})


def spend(project: Project, *, calls: int = 0, tokens: int = 0, agent: str = "a1") -> None:
    """What was spent before."""
    if tokens:
        project.fire("post_tool_use", of(bash(SEARCH, "x" * (4 * tokens)), agent=agent))
    for _ in range(calls):
        answered(project, of(call(), agent=agent))


def side_by_side(project: Project, calls: int) -> None:
    """As a message with several calls makes them: one process each."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: project.fire("pre_tool_use", of(call()), cold=True), range(calls)))


def test_calls_end_with_the_budget_and_the_last_fifth_is_told(project: Project) -> None:
    assert answered(project, of(call()))["permissionDecision"] == "allow"
    side_by_side(project, 8)
    spend(project, calls=int(MOST_CALLS * 0.8) - 10)
    warned = answered(project, of(call()))
    assert warned["permissionDecision"] == "allow", "the free pass of a helper stays"
    assert f"32 of {MOST_CALLS} calls" in warned["additionalContext"], "calls made side by side are all counted"
    spend(project, calls=MOST_CALLS - 32)
    denied = answered(project, of(call()))
    assert denied["permissionDecision"] == "deny"
    assert "Write the report now" in denied["permissionDecisionReason"]
    assert answered(project, of(call(), agent="a2")) == {
        "hookEventName": "PreToolUse", "permissionDecision": "allow", "permissionDecisionReason": "read-only helper of the ml-intern plugin",
    }, "another researcher has a budget of its own"  # fmt: skip


@pytest.mark.parametrize("tool", ["Bash", "WebFetch", "WebSearch", "Read"])
def test_what_was_read_ends_it_for_every_tool(project: Project, tool: str) -> None:
    spend(project, tokens=MOST_TOKENS)
    asked = {"command": SEARCH} if tool == "Bash" else {"file_path": "/x", "url": "https://x", "query": "x"}
    assert answered(project, of(call(tool, **asked)))["permissionDecision"] == "deny"


def test_web_pages_and_failures_are_read_too(project: Project) -> None:
    page = {"hook_event_name": "PostToolUse", "tool_name": "WebFetch", "tool_input": {"url": "https://x"}}
    project.fire("post_tool_use", of({**page, "tool_response": {"result": "x" * (3 * MOST_TOKENS)}}))
    assert "additionalContext" not in answered(project, of(call()))
    project.fire("post_tool_use", of(failed(SEARCH, "x" * MOST_TOKENS)))
    assert answered(project, of(call()))["permissionDecision"] == "deny"


@pytest.mark.parametrize("kind", [None, "general-purpose", "ml-intern:dataset-auditor", "ml-paper-researcher-2", ""])
def test_nobody_else_is_counted(project: Project, kind: str | None) -> None:
    project.fire("post_tool_use", of(bash(SEARCH, "x" * (8 * MOST_TOKENS)), kind))
    found = answered(project, of(call(), kind))
    assert (found["permissionDecision"], "additionalContext" in found) == ("allow", False)


def test_switches(project: Project) -> None:
    spend(project, tokens=2 * MOST_TOKENS)
    warned = answered(project, of(call()), ML_INTERN_GUARD="warn")
    assert (warned["permissionDecision"], "tokens read" in warned["additionalContext"]) == ("allow", True)
    off = answered(project, of(call()), ML_INTERN_GUARD="off")
    assert (off["permissionDecision"], "additionalContext" in off) == ("allow", False)


def test_what_cannot_be_counted_passes(project: Project) -> None:
    (project.home / "cache").write_text("no folder")
    assert answered(project, of(call()))["permissionDecision"] == "allow"


def test_texts_name_these_figures() -> None:
    """One place for the numbers: the code; agent, command and reference repeat them."""
    agent = (ROOT / "agents/ml-paper-researcher.md").read_text("utf-8")
    for figure in (f"{MOST_CALLS} tool calls", f"{MOST_TOKENS:,} tokens", f"{MOST_WORDS:,} words"):
        assert figure in agent, figure
    texts = [
        ROOT / "commands/ml-research.md",
        ROOT / "skills/ml-intern/references/paper-crawl.md",
        ROOT / "README.md",
        ROOT / "docs/guard.md",
    ]
    for path in texts:
        for number, unit in re.findall(r"([\d,]+) (calls|tokens read|words)", path.read_text("utf-8")):
            known = {"calls": MOST_CALLS, "tokens read": MOST_TOKENS, "words": MOST_WORDS}[unit]
            assert int(number.replace(",", "")) == known, f"{path.name}: {number} {unit}"
