"""Which token the real client sends to the Hugging Face MCP server, and that a session without one goes on undisturbed.

The server's address is fixed in `.mcp.json`, so these sessions load a copy of the plugin in which it is replaced.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.client import ROOT, Session, claude, run_session
from support.mcp import McpServer

pytestmark = pytest.mark.client


@dataclass(frozen=True)
class Case:
    """What the user has, and what the server must see."""

    header: str
    verdict: str = "connected"
    file: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    demanded: str | None = None


CASES = {
    "environment-only": Case("Bearer hf_from_environment", variables={"HF_TOKEN": "hf_from_environment"}),
    "file-only": Case("Bearer hf_from_file", file="hf_from_file\n"),
    "file-only-on-a-strict-server": Case("Bearer hf_from_file", file="hf_from_file\n", demanded="hf_from_file"),
    # huggingface_hub would take HF_TOKEN; the client lets the helper win and hides HF_TOKEN from it. The README says so.
    "both-file-wins": Case("Bearer hf_from_file", file="hf_from_file\n", variables={"HF_TOKEN": "hf_from_environment"}),
    "empty-variable-and-file": Case("Bearer hf_from_file", file="hf_from_file\n", variables={"HF_TOKEN": ""}),
    # An empty bearer: the server (huggingface/hf-mcp-server, auth-utils.ts) reads a token from `^Bearer\s+(\S+)` only.
    "neither": Case("Bearer"),
    "empty-variable": Case("Bearer", variables={"HF_TOKEN": ""}),
    "neither-on-a-strict-server": Case("Bearer", verdict="refused", demanded="hf_x"),
}


@dataclass(frozen=True)
class Seen:
    """What the server saw, its verdict, and the session."""

    headers: set[str | None]
    verdict: str
    session: Session


#: The model answers when the server has: a busy machine may take its time to start the program that reads the token.
WAITING = """
import os, time
def respond(request, state):
    deadline = time.time() + 30
    while not os.path.exists({mark!r}) and time.time() < deadline:
        time.sleep(0.05)
    return {{"text": "hello"}}
"""


def play(folder: Path, case: Case) -> Seen:
    """One session with the plugin's copy pointing at a fresh server."""
    plugin, mark, model = folder / "plug in", folder / "mark", folder / "model.py"
    folder.mkdir()
    model.write_text(WAITING.format(mark=str(mark)))
    server = McpServer(mark, token=case.demanded)
    for part in (".claude-plugin", "scripts", "src", "hooks"):
        shutil.copytree(ROOT / part, plugin / part, ignore=shutil.ignore_patterns("__pycache__"))
    declared = (ROOT / ".mcp.json").read_text()
    assert declared.count("https://huggingface.co/mcp") == 1
    (plugin / ".mcp.json").write_text(declared.replace("https://huggingface.co/mcp", server.url))
    if case.file is not None:
        token = folder / "home/.cache/huggingface/token"
        token.parent.mkdir(parents=True)
        token.write_text(case.file)
    arguments = ["--plugin-dir", str(plugin)]
    session = run_session(folder, model, ["hi"], *arguments, **case.variables)
    server.close()
    return Seen(server.seen(), server.verdict, session)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """All cases, three sessions at a time: each mostly waits."""
    claude()
    folder = tmp_path_factory.mktemp("mcp")
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(CASES, pool.map(lambda name: play(folder / name, CASES[name]), CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_server_sees_the_users_token_and_nothing_else(seen: dict[str, Seen], name: str) -> None:
    assert (seen[name].headers, seen[name].verdict) == ({CASES[name].header}, CASES[name].verdict)
    [server] = seen[name].session.init["mcp_servers"]
    assert server["name"] == "plugin:ml-intern:huggingface"


@pytest.mark.parametrize("name", CASES)
def test_session_goes_on_undisturbed(seen: dict[str, Seen], name: str) -> None:
    session = seen[name].session
    session.check()
    assert session.result["result"] == "hello"


@pytest.mark.parametrize("name", CASES)
def test_no_token_reaches_the_model(seen: dict[str, Seen], name: str) -> None:
    assert "hf_from" not in json.dumps([entry["body"] for entry in seen[name].session.requests])
