"""A session begins, is compacted, loses a permission: the path for Bash, the state on one screen and on disk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from guard.events import JOB, SUBMIT, URL, Project, bash
from support.helpers import ROOT

START = {"hook_event_name": "SessionStart", "source": "startup"}
COMPACT = {"hook_event_name": "PreCompact", "trigger": "auto", "custom_instructions": ""}


@pytest.mark.parametrize("source", ["startup", "resume", "compact"])
def test_open_task_gives_one_screen(project: Project, source: str) -> None:
    project.reserve()
    project.fire("post_tool_use", bash(SUBMIT, f"id={JOB} name=x url={URL}\n"))
    (project.data / "plan.md").write_text("- [x] audit\n" + "".join(f"- [ ] step {number}\n" for number in range(30)))
    said = project.context("session_start", {**START, "source": source})
    wanted = [
        "LoRA on Capybara",
        "sft (lora)",
        "Qwen/Qwen3-0.6B",
        "trl-lib/Capybara",
        "94.00 of 100.00 USD",
        URL,
        "1 steps done, 30 open",
    ]
    assert [part for part in wanted if part not in said] == []
    assert len(said.splitlines()) <= 25
    assert len(said) < 3000


def test_launch_that_was_never_seen_to_happen_is_pointed_out(project: Project) -> None:
    run = project.reserve()
    assert f"--apply-release {run.id}" in project.context("session_start", START)


@pytest.mark.parametrize(
    "terms", [pytest.param({"state": "closed"}, id="closed"), pytest.param({"schema": "x"}, id="unreadable")]
)
def test_no_open_task_no_word(tmp_path: Path, home: Path, terms: dict[str, str]) -> None:
    project = Project(tmp_path / "p", home, **terms)
    assert project.fire("session_start", START) is None
    assert project.fire("pre_compact", COMPACT) is None
    assert {path.name for path in project.data.iterdir()} == {"task.json"}


def test_plain_project_gets_nothing(tmp_path: Path, home: Path) -> None:
    project = Project(tmp_path / "p", home, task=False)
    project.folder.mkdir()
    for point, event in (("session_start", START), ("pre_compact", COMPACT)):
        assert project.fire(point, event) is None
    assert list(project.folder.iterdir()) == []


def test_state_is_on_disk_before_compaction(project: Project) -> None:
    assert project.fire("pre_compact", COMPACT) is None
    first = (project.data / "state.md").read_text()
    assert "LoRA on Capybara" in first
    (project.data / "plan.md").write_text("- [ ] new step\n")
    project.fire("pre_compact", COMPACT)
    assert "new step" in (project.data / "state.md").read_text()


def test_strangers_text_in_the_state_is_cleaned(project: Project) -> None:
    (project.data / "plan.md").write_text("- [ ] \x1b[31mred\u202e text\n", encoding="utf-8")
    said = project.context("session_start", START)
    assert "red text" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def exported(target: Path, before: str = "") -> list[str]:
    """What Bash has after the client has read the file."""
    line = f'{before} . "$1"; printf "%s\\n" "$ML_INTERN_ROOT" "$CLAUDE_PLUGIN_ROOT"'
    done = subprocess.run(["bash", "-c", line, "-", target], capture_output=True, text=True, env={}, check=True)
    return done.stdout.splitlines()


def test_root_is_exported_for_bash(project: Project, tmp_path: Path) -> None:
    target = tmp_path / "session env.sh"
    target.write_text("export OTHER=1\n")
    project.fire("session_start", START, CLAUDE_ENV_FILE=str(target))
    assert target.read_text().startswith("export OTHER=1\n")
    assert exported(target) == [str(ROOT), str(ROOT)]
    assert exported(target, "CLAUDE_PLUGIN_ROOT=/another;") == [str(ROOT), "/another"], "another plugin was first"


def test_root_with_hostile_name_is_quoted(project: Project, tmp_path: Path) -> None:
    link = tmp_path / "a $(touch owned) 'b'"
    link.symlink_to(ROOT)
    target = tmp_path / "env.sh"
    project.fire("session_start", START, CLAUDE_ENV_FILE=str(target), CLAUDE_PLUGIN_ROOT=str(link))
    assert exported(target) == [str(link), str(link)]
    assert not (tmp_path / "owned").exists()


class TestNeverRan:
    """The reservation of a refused call is released; one of a call that may have run is not touched."""

    def record(self, project: Project, *entries: dict[str, object]) -> dict[str, str]:
        path = project.home / "record.jsonl"
        path.write_text("not json\n" + "".join(json.dumps(entry) + "\n" for entry in entries))
        return {"hook_event_name": "Stop", "transcript_path": str(path)}

    def answer(self, text: str, *, call: str = "call-1", **more: object) -> dict[str, object]:
        block = {"type": "tool_result", "tool_use_id": call, "is_error": True, "content": text}
        return {"type": "user", "message": {"role": "user", "content": [block]}, "toolUseResult": f"Error: {text}", **more}

    def test_refusal_in_the_record(self, project: Project) -> None:
        project.reserve()
        refusal = self.answer("This command requires approval", toolDenialKind="user-rejected")
        project.fire("stop", self.record(project, refusal))
        assert (project.run().state, project.run().cost_usd) == ("released", 0.0)

    def test_told_by_the_client(self, project: Project) -> None:
        project.reserve()
        event = {"hook_event_name": "PermissionDenied", "tool_name": "Bash", "tool_input": {}, "tool_use_id": "call-1"}
        assert project.fire("permission_denied", event) is None
        assert project.run().state == "released"

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param(
                {"type": "assistant", "message": {"content": [{"type": "tool_use", "id": "call-1"}]}}, id="not-answered"
            ),
            pytest.param({"m": 1}, id="nothing-of-it"),
        ],
    )
    def test_without_evidence_it_stays(self, project: Project, entry: dict[str, object]) -> None:
        project.reserve()
        project.fire("stop", self.record(project, entry))
        assert project.run().state == "reserved"

    def test_call_that_ran_stays(self, project: Project) -> None:
        project.reserve()
        ran = {**self.answer("x"), "toolUseResult": {"stdout": "x", "stderr": ""}}
        project.fire("stop", self.record(project, ran))
        assert project.run().state == "reserved"

    def test_other_sessions_are_not_touched(self, project: Project) -> None:
        project.reserve(ids=(("tool_use_id", "call-1"), ("session_id", "another")))
        project.fire("stop", self.record(project, self.answer("no", toolDenialKind="user-rejected")))
        assert project.run().state == "reserved"

    def test_late_answer_takes_it_up_again(self, project: Project) -> None:
        """A job that was submitted costs, whatever was believed before."""
        project.reserve()
        project.fire("stop", self.record(project, self.answer("no", toolDenialKind="user-rejected")))
        project.fire("post_tool_use", bash(SUBMIT, f"id={JOB} name=x url={URL}\n"))
        assert (project.run().state, project.run().cost_usd) == ("running", 6.0)
