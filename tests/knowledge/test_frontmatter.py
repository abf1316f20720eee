"""What the client reads before the model does: the fields it knows, the lengths it cuts at, the names it resolves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.documents import AGENTS, COMMANDS, ENTRIES, REFERENCES, SKILL_MD, body, frontmatter, label
from ml_intern_helpers.guard.research_budget import MOST_CALLS

#: The fields that do something, by kind. `allowed-tools` on the skill would make the model's own activation ask for
#: permission; `permissionMode` and `hooks` of a plugin's agent are ignored by the client.
FIELDS = {
    "skill": {"name", "description", "argument-hint"},
    "command": {"name", "description", "argument-hint"},
    "agent": {"name", "description", "tools"},
}
TOOLS = {"Bash", "Read", "Write", "Edit", "WebFetch", "WebSearch", "ToolSearch"}


def kind(path: Path) -> str:
    return "skill" if path == SKILL_MD else "agent" if path in AGENTS else "command"


def test_everything_of_the_design_is_there() -> None:
    assert {path.stem for path in COMMANDS} == {"ml-research", "ml-audit", "ml-preflight", "ml-train"}
    assert {path.stem for path in AGENTS} == {"ml-paper-researcher", "dataset-auditor", "training-job-architect"}
    assert {path.stem for path in REFERENCES} == {
        "workflow", "hardware-sizing", "local-mode", "dataset-formats", "common-mistakes", "hf-jobs-cheatsheet", "dataset-audit",
        "trackio-monitoring", "paper-crawl", "trainer-recipes", "headless-mode", "evaluation",
    }  # fmt: skip


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_only_fields_that_do_something(path: Path) -> None:
    """The client accepts any field and any value without a word, `validate --strict` too."""
    fields = frontmatter(path)
    limit = fields.pop("maxTurns", None)  # tests/client/test_hook_points.py tries it
    assert limit is None or (kind(path) == "agent" and isinstance(limit, int) and limit > MOST_CALLS)
    assert set(fields) == FIELDS[kind(path)]
    assert all(isinstance(value, str) and value.strip() == value and value for value in fields.values())


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_named_like_the_file(path: Path) -> None:
    """`name:` is what makes the bare `/ml-train` resolve; another name than the file's would list a second one."""
    assert frontmatter(path)["name"] == (path.parent.name if path == SKILL_MD else path.stem)


def test_no_name_is_used_twice() -> None:
    """A skill and a command of one name: the client runs one or the other, depending on how it was asked."""
    names = [frontmatter(path)["name"] for path in ENTRIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_descriptions_are_short(path: Path) -> None:
    """The client's list of all skills has one budget; what goes over it is dropped from the end of the list."""
    assert len(frontmatter(path)["description"]) <= (400 if path == SKILL_MD else 180)


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_description_is_quoted(path: Path) -> None:
    """An unquoted value with `: ` passes the client's validator and loses the whole block."""
    for line in re.match(r"---\n(.*?)\n---\n", path.read_text(encoding="utf-8"), re.S)[1].splitlines():  # type: ignore[index]
        _, value = line.split(": ", 1)
        assert value.startswith('"') or not re.search(r": | #|^[\[{>|*&!%@`]", value), line


@pytest.mark.parametrize("phrase", [
    "fine-tune", "train a model", "SFT", "DPO", "GRPO", "KTO", "RLHF", "LoRA", "QLoRA", "evaluate", "ship", "audit this dataset", "find a dataset for",
    "best recipe for", "literature review for", "submit hf job", "hyperparameter sweep", "OOM during training", "push to Hub", "Trackio",
])  # fmt: skip
def test_the_description_has_the_users_words(phrase: str) -> None:
    assert phrase in frontmatter(SKILL_MD)["description"]


def test_the_skill_fits_its_budget() -> None:
    """Some hosts cut a skill from the end after 8,000 bytes."""
    assert len(SKILL_MD.read_bytes()) <= 8000


@pytest.mark.parametrize("path", REFERENCES, ids=label)
def test_references_are_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert 60 <= len(text.splitlines()) <= 150
    assert text.startswith("# ")
    assert "\nRead " in text[:400], "its load trigger, in the first lines"


@pytest.mark.parametrize("path", AGENTS, ids=label)
def test_agents_have_tools_a_budget_and_a_shape(path: Path) -> None:
    tools = {tool.strip() for tool in frontmatter(path)["tools"].split(",")}
    assert tools <= TOOLS
    text = body(path)
    assert "Budget" in text
    assert re.search(r"Return exactly this.*\n\n```", text)


def test_readers_cannot_write() -> None:
    """The two agents that judge strangers' text have no tool that changes a file."""
    for path in AGENTS:
        if path.stem != "training-job-architect":
            assert not {"Write", "Edit"} & {tool.strip() for tool in frontmatter(path)["tools"].split(",")}
