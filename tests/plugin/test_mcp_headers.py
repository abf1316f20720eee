"""The headers the client is handed for the Hugging Face server: the token file's token, or nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.helpers import ROOT


def headers(home: Path, **environment: str) -> dict[str, str]:
    """Run the `headersHelper` line of .mcp.json through a shell, as the client does; HF_TOKEN is never handed over."""
    line = json.loads((ROOT / ".mcp.json").read_text())["mcpServers"]["huggingface"]["headersHelper"]
    line = line.replace("${CLAUDE_PLUGIN_ROOT}", str(ROOT))
    env = {"HOME": str(home), "PATH": os.environ["PATH"], **environment}
    done = subprocess.run(["/bin/sh", "-c", line], env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stderr == b""
    found: dict[str, str] = json.loads(done.stdout)
    return found


def write_token(path: Path, text: str = "hf_file\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("place", "variable", "value"),
    [
        (".cache/huggingface/token", "LANG", "C"),
        ("hub/token", "HF_HOME", "hub"),
        ("xdg/huggingface/token", "XDG_CACHE_HOME", "xdg"),
        ("elsewhere/my-token", "HF_TOKEN_PATH", "elsewhere/my-token"),
    ],
    ids=["default", "HF_HOME", "XDG_CACHE_HOME", "HF_TOKEN_PATH"],
)
def test_token_file_is_found_where_the_hub_client_keeps_it(home: Path, place: str, variable: str, value: str) -> None:
    write_token(home / place)
    setting = value if variable == "LANG" else str(home / value)
    assert headers(home, **{variable: setting}) == {"Authorization": "Bearer hf_file"}


@pytest.mark.parametrize(
    "text", ["", "\n", "hf_a\nX-Evil: 1", "hf_ä", "two words"], ids=["empty", "blank", "newline", "umlaut", "space"]
)
def test_unusable_token_file_counts_as_none(home: Path, text: str) -> None:
    write_token(home / ".cache/huggingface/token", text)
    assert headers(home) == {}


def test_no_token_is_no_failure(home: Path) -> None:
    assert headers(home) == {}
