"""The skill's texts can be opened where nobody can grant a permission: `claude -p`, default mode, nothing allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.documents import REFERENCES, SKILL
from ml_intern_helpers.guard import own_helpers
from support.client import ROOT, run_session


@pytest.mark.parametrize("path", [*REFERENCES, *sorted((SKILL / "recipes").glob("*.py"))], ids=lambda path: path.name)
def test_own_texts_are_let_through(path: Path) -> None:
    assert own_helpers.is_own_text({"file_path": str(path)})
    assert own_helpers.is_own_text({"file_path": str(path), "offset": 10, "limit": 20})


@pytest.mark.parametrize(
    "tool_input",
    [
        pytest.param({"file_path": str(SKILL / "references/../../../src/ml_intern_helpers/core/tokens.py")}, id="dots-out"),
        pytest.param({"file_path": str(SKILL / "references/nothing.md")}, id="missing"),
        pytest.param({"file_path": str(SKILL / "references")}, id="folder"),
        pytest.param({"file_path": "skills/ml-intern/references/workflow.md"}, id="relative"),
        pytest.param({"file_path": "/etc/passwd"}, id="elsewhere"),
        pytest.param({"file_path": 5}, id="no-path"),
        pytest.param({}, id="empty"),
        pytest.param({"file_path": str(SKILL / "references/workflow.md"), "pages": "1"}, id="unknown-input"),
    ],
)
def test_everything_else_goes_the_normal_way(tool_input: dict[str, object]) -> None:
    assert not own_helpers.is_own_text(tool_input)


def test_a_link_does_not_widen_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file below references that is a link to elsewhere is not ours."""
    references = tmp_path / "skills/ml-intern/references"
    references.mkdir(parents=True)
    (tmp_path / "secret.md").write_text("x")
    (references / "link.md").symlink_to(tmp_path / "secret.md")
    (references / "real.md").write_text("x")
    monkeypatch.setattr(own_helpers, "plugin_root", lambda: str(tmp_path.resolve()))
    assert own_helpers.is_own_text({"file_path": str(references / "real.md")})
    assert not own_helpers.is_own_text({"file_path": str(references / "link.md")})


@pytest.mark.client
@pytest.mark.xdist_group("client-mcp")
def test_an_activated_skill_reads_its_references(tmp_path: Path) -> None:
    """The model activates the skill, opens what it routes to, and is still kept from everything else."""
    turns = [
        {"tool": "Skill", "input": {"skill": "ml-intern:ml-intern"}},
        {"tool": "Read", "input": {"file_path": str(SKILL / "references/workflow.md")}},
        {"tool": "Read", "input": {"file_path": str(SKILL / "recipes/sft.py")}},
        {"tool": "Read", "input": {"file_path": str(ROOT / "pyproject.toml")}},
        {"text": "end"},
    ]
    session = run_session(tmp_path, turns, ["please fine-tune a model"], "--plugin-dir", str(ROOT))
    session.check()
    activated, reference, recipe, other = session.tool_results()
    assert not activated[1], activated
    assert "# Workflow" in reference[0]
    assert "SFTConfig" in recipe[0]
    assert other[1], "the pass is for references and recipes only"
    skill = next(text for text in session.user_texts() if "Base directory for this skill" in text)
    assert f'"{ROOT}/skills/ml-intern/scripts/NAME.sh"' in skill, "the client has put the absolute path in"
