"""One hermetic session of the real Claude Code client against a scripted model on loopback.

The client is the npm package's (`CLAUDE_BIN`, else the one `scripts/test` installs in the cache); the model and the clean
environment come from the shared lab. Both absent means skip with the reason, except in CI.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ml_intern_helpers.core.paths import cache_dir
from support.helpers import DEAD_URL, ROOT, URL_VARIABLES
from support.permission_host import ARGUMENTS as HOST_ARGUMENTS
from support.permission_host import Host
from support.recordings import SHARED

LAB = SHARED / "lab"
#: Where `scripts/test` installs the client when it has npm.
INSTALLED = cache_dir() / "client/node_modules/.bin/claude"
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
Turn = dict[str, Any]


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI nothing is skipped")
    pytest.skip(reason)


def claude() -> Path:
    """The client's program, or a skip that says how to get it."""
    program = Path(os.environ.get("CLAUDE_BIN") or INSTALLED)
    if not program.exists():
        _absent(f"no Claude Code client at {program}: npm install @anthropic-ai/claude-code, or set CLAUDE_BIN")
    if not (LAB / "run_headless.sh").exists():
        _absent(f"no headless lab at {LAB}: set ML_INTERN_SHARED")
    return program


@dataclass(frozen=True)
class Session:
    """What a finished session left: the client's stream, and every request it made to the model."""

    code: int
    stream: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    stderr: str

    @property
    def init(self) -> dict[str, Any]:
        return next(line for line in self.stream if line["type"] == "system" and line.get("subtype") == "init")

    @property
    def result(self) -> dict[str, Any]:
        """The LAST result line: background work makes the client write several."""
        return [line for line in self.stream if line["type"] == "result"][-1]

    @property
    def denials(self) -> list[str]:
        """The Bash commands (or tool names) that were refused, in order."""
        results = [line for line in self.stream if line["type"] == "result"]
        found = [denial for result in results for denial in result.get("permission_denials", [])]
        return [denial["tool_input"].get("command", denial["tool_name"]) for denial in found]

    def messages(self) -> list[dict[str, Any]]:
        """The whole conversation, as the last request of the main thread carried it."""
        messages: list[dict[str, Any]] = self._main_requests()[-1]["body"]["messages"]
        return messages

    def user_texts(self) -> list[str]:
        return [_text(message["content"]) for message in self.messages() if message["role"] == "user"]

    def context(self) -> str:
        """What the client itself tells the model: system prompt and system messages (skills, agents, hook answers)."""
        body = self._main_requests()[-1]["body"]
        told = [_text(message["content"]) for message in body["messages"] if message["role"] == "system"]
        return "\n".join([_text(body.get("system", "")), *told])

    def tool_results(self) -> list[tuple[str, bool]]:
        """(text, is error) of every tool result, oldest first."""
        blocks = [block for message in self.messages() if isinstance(message["content"], list) for block in message["content"]]
        return [(_text(b.get("content")), bool(b.get("is_error"))) for b in blocks if b.get("type") == "tool_result"]

    def _main_requests(self) -> list[dict[str, Any]]:
        return [entry for entry in self.requests if entry.get("lane") in ("main", "py") and entry["body"].get("tools")]

    def check(self) -> None:
        """The session ended well and the plugin loaded whole: exit code 0 alone says neither."""
        assert self.code == 0, (self.code, self.stderr, self.result)
        assert "plugin_errors" not in self.init, self.init["plugin_errors"]
        assert [entry["expect_failed"] for entry in self.requests if entry.get("expect_failed")] == []


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(block.get("text", "") if block.get("type") == "text" else "" for block in content if isinstance(block, dict))


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The variables a session gets besides the lab's own: dead services, a temp folder and a cache of its own.

    Only the built environments are shared with the user's cache: building them anew for each session would take minutes.
    """
    temp, cache = home.parent / "tmp", home.parent / "cache"
    for folder in (temp, cache, cache_dir() / "environments"):
        folder.mkdir(parents=True, exist_ok=True)
    if not (cache / "environments").exists():
        (cache / "environments").symlink_to(cache_dir() / "environments")
    ours = {"TMPDIR": str(temp), "ML_INTERN_CACHE": str(cache)}
    return {**dict.fromkeys(URL_VARIABLES, DEAD_URL), **ours, **extra}


def run_session(
    folder: Path,
    turns: Sequence[Turn] | Path,
    prompts: Sequence[str],
    *arguments: str,
    home: Path | None = None,
    limit_s: int = 60,
    path: str = PLAIN_PATH,
    host: Host | None = None,
    **variables: str,
) -> Session:
    """Let the client answer `prompts`, one after another in one session; the model plays `turns` in order.

    Args:
        folder: gets the session's files; its `work` is the working folder.
        turns: see the docstring of the lab's scripted_model.py; or a scenario of its own, a .py file.
        arguments: for the client, besides `-p` and the stream format.
        home: HOME, where plugins may have been installed; fresh in `folder` when None.
        limit_s: seconds after which the client is stopped.
        path: the client's PATH.
        host: the person who is asked for permissions; nobody when None.
        variables: further environment variables of the client.
    """
    program = claude()
    folder.mkdir(parents=True, exist_ok=True)
    home = home or folder / "home"
    scenario = turns if isinstance(turns, Path) else _written(folder / "scenario.json", turns)
    lines = [json.dumps({"type": "user", "message": {"role": "user", "content": prompt}}) for prompt in prompts]
    prompts_file = folder / "prompts.jsonl"
    if host is None:
        prompts_file.write_text("\n".join(lines) + "\n")
    else:
        host.serve(prompts_file, folder / "stream.jsonl", "\n".join(lines) + "\n", limit_s)
        arguments = (*arguments, *HOST_ARGUMENTS)
    settings = [part for name, value in environment(home, **variables).items() for part in ("-e", f"{name}={value}")]
    options = ["-s", scenario, "-o", folder, "-H", home, "-i", prompts_file, "-t", str(limit_s)]
    streams = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    call = [LAB / "run_headless.sh", *options, "-b", program, *settings, "--", *arguments, *streams]
    lab = {**os.environ, "RUN_PATH": path}
    done = subprocess.run(
        call, env=lab, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s + 30, check=False
    )
    errors = (folder / "stderr.txt").read_text() if (folder / "stderr.txt").exists() else ""
    return Session(done.returncode, _lines(folder / "stream.jsonl"), _lines(folder / "requests.jsonl"), done.stderr + errors)


def _written(path: Path, turns: Sequence[Turn]) -> Path:
    path.write_text(json.dumps({"lanes": [{"name": "main", "match": {"has_tools": True}, "turns": list(turns)}]}))
    return path


def run_client(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a `claude` command that needs no model (`plugin install …`) in that home."""
    home.mkdir(parents=True, exist_ok=True)
    quiet = {"DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    env = {"HOME": str(home), "PATH": PLAIN_PATH, "LANG": "C.UTF-8", "TERM": "dumb", **quiet, **environment(home, **variables)}
    return subprocess.run(
        [claude(), *arguments],
        env=env,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def helper_script(root: Path | str, name: str) -> str:
    """The command line of a helper as the skill writes it, for the plugin at `root`."""
    return f'"{root}/skills/ml-intern/scripts/{name}.sh"'


__all__ = ["LAB", "ROOT", "Session", "Turn", "claude", "environment", "helper_script", "run_client", "run_session"]
