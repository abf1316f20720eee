"""What was agreed is the user's word: a task is not closed and agreed anew by the model alone, nor is a cap that nobody named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guard.project import Project
from support.helpers import ROOT

TASK = f"'{ROOT}/skills/ml-intern/scripts/task.sh'"
TERMS = "--request x --method sft --adapter full --base-model m --dataset d --max-length 128 --effective-batch 8 --where local"
AGREE = f"{TASK} agree {TERMS}"
#: tests/runs/tasks.py: the task on file was agreed then.
BEFORE, AFTER = "2026-11-22T23:00:00.000Z", "2026-11-23T01:00:00.000Z"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def entry(content: Any, at: str = AFTER, **more: Any) -> dict[str, Any]:
    """A line of the client's record of a session, as 2.1 writes a prompt."""
    message = {"role": "user", "content": content}
    return {"type": "user", "isSidechain": False, "timestamp": at, "userType": "external", "message": message, **more}


def command(arguments: str, at: str = AFTER) -> dict[str, Any]:
    name = "<command-message>ml-train</command-message>\n<command-name>/ml-intern:ml-train</command-name>"
    return entry(f"{name}\n<command-args>{arguments}</command-args>", at)


def ask(project: Project, line: str, *entries: dict[str, Any], **variables: str) -> tuple[str, str]:
    record = project.folder.parent / "session.jsonl"
    record.write_text("".join(json.dumps(one) + "\n" for one in entries))
    answer = project.ask(line, event={"transcript_path": str(record)}, **variables)
    assert (answer.code, answer.stderr) == (0, "")
    return answer.kind, answer.reason


SAID = entry("fine-tune it on Jobs, at most 10 USD")
#: name -> (state of the task on file or None, command, what the user said): the model may go on.
FREE: dict[str, tuple[str | None, str, list[dict[str, Any]]]] = {
    "first-task-without-money": (None, AGREE, []),
    "first-task-with-no-paid-job": (None, f"{AGREE} --spend-cap 0", []),
    "named-in-the-prompt": (None, f"{AGREE} --spend-cap 10", [SAID]),
    "named-with-a-sign": (None, f"{AGREE} --spend-cap=10", [entry("up to $10.00 please")]),
    "named-in-thousands": (None, f"{AGREE} --spend-cap 1000", [entry("1,000 dollars")]),
    "less-than-was-named": (None, f"{AGREE} --spend-cap '7.5'", [SAID]),
    "arguments-of-a-command": (None, f"{AGREE} --spend-cap 10", [command("x on Jobs, at most 10 USD")]),
    "text-in-blocks": (None, f"{AGREE} --spend-cap 10", [entry([{"type": "text", "text": "10 USD"}])]),
    "named-among-others": (None, f"{AGREE} --spend-cap 10", [entry("hello"), SAID, entry("go on")]),
    "a-new-task-after-a-closed-one": ("closed", f"{AGREE} --spend-cap 10", [SAID]),
    "a-new-task-after-an-open-one": ("open", f"{TASK} close --reason done && {AGREE} --spend-cap 10", [SAID]),
    "a-new-task-without-money": ("closed", AGREE, [entry("now the same with DPO, on this machine")]),
    "help": ("closed", f"{TASK} agree --help", []),
    "only-spoken-of": ("closed", "grep -rn 'task agree --spend-cap 99' docs", []),
    "committed": ("closed", "git commit -m 'task agree and task change'", []),
    "closing": ("open", f"{TASK} close --reason done", []),
}
#: The same, and held: (…, words of the reason).
HELD: dict[str, tuple[str | None, str, list[dict[str, Any]], str]] = {
    "cap-that-nobody-named": (None, f"{AGREE} --spend-cap 10", [entry("fine-tune it on Jobs")], "names a spend cap of 10.00 USD"),
    "more-than-was-named": (None, f"{AGREE} --spend-cap 10.01", [SAID], "10.01 USD"),
    "hours-are-no-dollars": (None, f"{AGREE} --spend-cap 10", [entry("at most 10 hours, 100 steps")], "10.00 USD"),
    "no-record": (None, f"{AGREE} --spend-cap 10", [], "10.00 USD"),
    "a-variable": (None, f"{AGREE} --spend-cap $CAP", [SAID], "not written out"),
    "a-file": (None, f"{TASK} agree --from terms.json", [SAID], "not written out"),
    "quoted-apart": (None, f"{AGREE} --spend'-cap' 99", [SAID], "99.00 USD"),
    "raised-after-closing": ("closed", f"{AGREE} --spend-cap 100", [SAID], "100.00 USD"),
    "the-same-cap-once-more": ("closed", f"{AGREE} --spend-cap 10", [entry("10 USD", BEFORE)], "nothing since"),
    "closed-and-agreed-in-one-line": ("open", f"{TASK} close; {AGREE} --spend-cap 10", [entry("10 USD", BEFORE)], "nothing since"),
    "other-terms-without-money": ("closed", AGREE, [entry("SFT, please", BEFORE)], "nothing since"),
    "word-and-figure-apart": ("closed", f"{AGREE} --spend-cap 10", [entry("10 USD", BEFORE), entry("go on")], "since the last"),
    "a-tool-said-so": (None, f"{AGREE} --spend-cap 10", [entry("10 USD", toolUseResult={"stdout": "10 USD"})], "no message"),
    "a-tool-result": (
        None,
        f"{AGREE} --spend-cap 10",
        [entry([{"type": "tool_result", "tool_use_id": "t", "content": "10 USD"}, {"type": "text", "text": "10 USD"}])],
        "no message",
    ),
    "our-own-text": (None, f"{AGREE} --spend-cap 10", [entry([{"type": "text", "text": "at most 10 USD"}], isMeta=True)], "no message"),
    "a-subagents-prompt": (None, f"{AGREE} --spend-cap 10", [entry("10 USD", isSidechain=True)], "no message"),
    "a-summary": (None, f"{AGREE} --spend-cap 10", [entry("10 USD", isCompactSummary=True)], "no message"),
    "background-work": (None, f"{AGREE} --spend-cap 10", [entry("<task-notification>10 USD</task-notification>")], "no message"),
    "the-models-words": (None, f"{AGREE} --spend-cap 10", [{**SAID, "type": "assistant"}], "no message"),
    "odd-lines": (None, f"{AGREE} --spend-cap 10", [entry(None), entry([3]), {"type": "user"}, entry({"a": 1})], "no message"),
}  # fmt: skip


def on_file(project: Project, state: str | None) -> None:
    if state is not None:
        project.agree(state=state)


@pytest.mark.parametrize("name", FREE)
def test_what_the_user_said_is_put_on_file_without_a_question(project: Project, name: str) -> None:
    state, line, said = FREE[name]
    on_file(project, state)
    assert ask(project, line, *said) == ("", "")


@pytest.mark.parametrize("name", HELD)
def test_what_the_user_did_not_say_is_asked(project: Project, name: str) -> None:
    state, line, said, words = HELD[name]
    on_file(project, state)
    kind, reason = ask(project, line, *said)
    assert (kind, words in reason, "\n    next: " in reason) == ("ask", True, True), reason
    assert project.log()[-1]["codes"] == ["TERMS"]


def test_a_broken_record_is_no_word_of_the_user(project: Project) -> None:
    record = project.folder.parent / "session.jsonl"
    record.write_bytes(b'{"type": "user", \xff\n' + b'"user"' * 300_000 + b"\n[[[\n")
    for path in (str(record), str(project.folder), "/no/where", 5):
        assert project.ask(f"{AGREE} --spend-cap 1", event={"transcript_path": path}).kind == "ask"


def test_the_guard_that_is_switched_off_asks_nothing(project: Project) -> None:
    assert ask(project, f"{AGREE} --spend-cap 99", ML_INTERN_GUARD="off") == ("", "")
