"""A user's project, and the hooks called as the client calls them: an event on standard input, one JSON object or nothing back.

Most calls fork a warm process (`support.warm`); tests about processes (kills, start-up, a copy of the plugin) start cold ones.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from runs import tasks
from support import warm
from support.helpers import ROOT, clean_environment

HEADER = """# /// script
# requires-python = ">=3.11"
# dependencies = ["trl>=1.16", "transformers>=5.23", "torch>=2.13", "datasets>=5.2", "peft>=0.21", "trackio>=0.43"]
# ///
"""
#: A script with nothing wrong in it, and as agreed in tests/runs/tasks.py.
GOOD = (
    HEADER
    + """from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

data = load_dataset("trl-lib/Capybara", split="train", revision="main")
config = SFTConfig(
    output_dir="out", max_length=2048, per_device_train_batch_size=4, gradient_accumulation_steps=8, seed=42,
    disable_tqdm=True, logging_strategy="steps", logging_steps=10, logging_first_step=True, bf16=True,
    report_to="trackio", project="demo", trackio_space_id="ada/trackio",
    push_to_hub=True, hub_model_id="ada/demo", hub_private_repo=True,
)
trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=data, peft_config=LoraConfig(r=16))
trainer.train()
trainer.save_model("out")
"""
)
#: Half of an agreed cap of 10 USD (1.50 USD an hour by the shipped list).
JOB = "hf jobs uv run --flavor a10g-large --timeout 3h --secrets HF_TOKEN -d -- train.py"


class Answer(NamedTuple):
    """What came back: `kind` is deny, ask, allow, or "" where the guard leaves it to the client."""

    kind: str
    reason: str
    context: str
    code: int
    stderr: str


class Project:
    """A folder with train.py and, on request, a task; `home` and `root` are the user's home and the plugin's folder."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder, self.root = folder / "a project", root
        self.home = folder / "home"
        for one in (self.folder, self.home):
            one.mkdir(parents=True)
        self.calls = 0
        self.write("train.py", GOOD)

    @property
    def ours(self) -> Path:
        return self.folder / ".ml-intern"

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def agree(self, **changes: Any) -> None:
        tasks.on_file(self.folder, **changes)

    def event(self, command: str, **more: Any) -> bytes:
        self.calls += 1
        names = {"session_id": "session-1", "tool_use_id": f"call-{self.calls}", "permission_mode": "default"}
        fixed = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}}
        return json.dumps({**names, **fixed, "cwd": str(self.folder), **more}).encode("utf-8", "surrogatepass")

    def start(self, before: Callable[[], None] | None = None, **variables: str) -> subprocess.Popen[bytes]:
        environment = clean_environment(self.home, CLAUDE_PLUGIN_ROOT=str(self.root), **variables)
        return subprocess.Popen(
            [str(self.root / "scripts/launch"), "guard", "pre_tool_use"], env=environment, cwd=self.folder, preexec_fn=before,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ask(
        self, command: str, before: Callable[[], None] | None = None, event: dict[str, Any] | None = None, **variables: str
    ) -> Answer:
        """The guard's answer to a Bash call in the project's folder; `event` are further entries of the event."""
        stdin = self.event(command, **(event or {}))
        if before is None and self.root == ROOT:
            code, stdout, stderr = fired("pre_tool_use", stdin, self.home, self.folder, **variables)
            return answer_of(stdout, stderr, code)
        process = self.start(before, **variables)
        stdout, stderr = process.communicate(stdin, timeout=60)
        return answer_of(stdout, stderr, process.returncode)

    def runs(self) -> list[dict[str, Any]]:
        """The ledger's lines."""
        path = self.ours / "runs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def on_file(self, *entries: dict[str, Any]) -> None:
        """Lines of the ledger as earlier launches left them."""
        self.ours.mkdir(exist_ok=True)
        with (self.ours / "runs.jsonl").open("a") as file:
            for number, entry in enumerate(entries):
                fixed = {"id": f"run-{number}", "at": "2026-11-23T01:00:00.000Z", "where": "jobs", "task": "task-1"}
                file.write(json.dumps({**fixed, **entry}) + "\n")

    def log(self) -> list[dict[str, Any]]:
        """The lines of guard.log."""
        path = self.ours / "guard.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fired(
    point: str, stdin: bytes, home: Path, folder: Path, *, cold: bool = False, **variables: str
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of a hook; `cold` starts it through the launcher, as the client does."""
    environment = clean_environment(home, **{"CLAUDE_PLUGIN_ROOT": str(ROOT), **variables})
    if not cold:
        return warm.run(["guard", point], environment, folder, 60, stdin)
    call = [ROOT / "scripts/launch", "guard", point]
    done = subprocess.run(call, input=stdin, env=environment, cwd=folder, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def answer_of(stdout: bytes, stderr: bytes = b"", code: int = 0) -> Answer:
    """Exactly one JSON object of the client's form, or nothing at all."""
    if not stdout:
        return Answer("", "", "", code, stderr.decode())
    whole = json.loads(stdout)
    assert set(whole) == {"hookSpecificOutput"}
    found = whole["hookSpecificOutput"]
    assert found.pop("hookEventName") == "PreToolUse"
    kind, reason = found.pop("permissionDecision", ""), found.pop("permissionDecisionReason", "")
    context = found.pop("additionalContext", "")
    assert found == {}
    assert kind in ("", "deny", "ask", "allow")
    assert bool(kind) == bool(reason)
    return Answer(kind, reason, context, code, stderr.decode())


def as_root_of_nothing() -> None:
    """In a child before exec: even root may not write what is read-only."""
    from support.plugin_copy import without_override

    without_override()


__all__ = ["GOOD", "HEADER", "JOB", "Answer", "Project", "answer_of", "as_root_of_nothing", "os"]
