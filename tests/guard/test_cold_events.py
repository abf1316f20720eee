"""One event for each hook, through the process that the client starts: nothing but the event on standard input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guard.events import JOB, SUBMIT, URL, Project, bash
from ml_intern_helpers.guard.hook import EVENTS

Answer = dict[str, Any] | None
OLD_SCRIPT = (
    "from trl import SFTConfig, SFTTrainer\nSFTTrainer('m', args=SFTConfig(max_seq_length=8), train_dataset=rows).train()\n"
)


def context(answer: Answer) -> str:
    return str(answer["hookSpecificOutput"]["additionalContext"]) if answer else ""


def edit_of_a_record(project: Project) -> dict[str, Any]:
    return {"tool_name": "Write", "tool_input": {"file_path": str(project.data / "task.json"), "content": "{}"}}


def submitted_job(project: Project) -> dict[str, Any]:
    project.reserve()
    return bash(SUBMIT, f"id={JOB} name=train url={URL}")


def written_script(project: Project) -> dict[str, Any]:
    path = project.folder / "train.py"
    path.write_text(OLD_SCRIPT)
    return {"tool_name": "Write", "tool_input": {"file_path": str(path)}}


def refused_launch(project: Project) -> dict[str, Any]:
    project.reserve()
    return {"tool_name": "Bash", "tool_input": {"command": SUBMIT}, "tool_use_id": "call-1"}


def report_without_recipes(_: Project) -> dict[str, Any]:
    return {"agent_type": "ml-paper-researcher", "agent_id": "a", "last_assistant_message": "I found nothing."}


#: hook -> (what happens, what must come of it).
CASES: dict[str, tuple[Callable[[Project], dict[str, Any]], Callable[[Project, Answer], bool]]] = {
    "pre_tool_use": (
        edit_of_a_record,
        lambda _, answer: answer is not None and answer["hookSpecificOutput"]["permissionDecision"] == "deny",
    ),
    "post_tool_use": (
        submitted_job,
        lambda project, answer: JOB in context(answer) and project.run().text("job_id") == JOB,
    ),
    "after_write": (written_script, lambda _, answer: "max_seq_length" in context(answer)),
    "permission_denied": (
        refused_launch,
        lambda project, answer: answer is None and project.run().state == "released",
    ),
    "stop": (lambda _: {}, lambda _, answer: answer is not None and answer["decision"] == "block"),
    "subagent_stop": (report_without_recipes, lambda _, answer: answer is not None and answer["decision"] == "block"),
    "session_start": (
        lambda _: {"source": "startup"},
        lambda project, answer: str(project.data / "task.json") in context(answer),
    ),
    "pre_compact": (lambda _: {}, lambda project, answer: answer is None and (project.data / "state.md").is_file()),
}


@pytest.mark.parametrize("name", EVENTS)
def test_every_hook_answers_as_a_process_of_its_own(name: str, project: Project) -> None:
    happens, as_expected = CASES[name]
    answer = project.fire(name, happens(project), cold=True, ML_INTERN_DEADLINE="2100-01-01T00:00:00Z")
    assert as_expected(project, answer), answer
