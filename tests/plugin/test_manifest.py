"""The plugin's files as the client will read them, and what `claude plugin validate` does not look at."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers import __version__
from support.helpers import ROOT

SCRIPTS = ROOT / "skills/ml-intern/scripts"


def read(relative: str) -> Any:
    return json.loads((ROOT / relative).read_text(encoding="utf-8"))


def hook_entries() -> list[tuple[str, dict[str, Any]]]:
    events = read("hooks/hooks.json")["hooks"]
    return [(event, hook) for event, groups in events.items() for group in groups for hook in group["hooks"]]


def test_plugin_and_package_have_one_version() -> None:
    assert read(".claude-plugin/plugin.json")["version"] == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__), "the client updates by this string alone"


def test_marketplace_offers_this_plugin_from_this_folder() -> None:
    market, plugin = read(".claude-plugin/marketplace.json"), read(".claude-plugin/plugin.json")
    assert market["name"] == "ml-intern"
    [entry] = market["plugins"]
    assert entry["name"] == plugin["name"] == "ml-intern"
    assert entry["source"] == "./", "sources must start with ./"
    assert (ROOT / entry["source"] / ".claude-plugin/plugin.json").is_file()
    assert "version" not in entry, "the version stands in plugin.json alone"


def test_the_plugin_ships_no_client_settings_of_ours() -> None:
    """A root CLAUDE.md is not loaded, and settings.json would take over the user's main prompt."""
    assert not (ROOT / "settings.json").exists()
    assert not (ROOT / "CLAUDE.md").exists()


@pytest.mark.parametrize(("event", "hook"), hook_entries(), ids=lambda value: value if isinstance(value, str) else "")
def test_hook_is_started_without_a_shell_and_exists(event: str, hook: dict[str, Any]) -> None:
    assert hook["type"] == "command"
    assert isinstance(hook["args"], list), f"{event}: exec form, or a space in the plugin's path breaks it"
    assert hook["command"].startswith("${CLAUDE_PLUGIN_ROOT}/")
    script = ROOT / hook["command"].removeprefix("${CLAUDE_PLUGIN_ROOT}/")
    assert script.is_file()
    assert os.access(script, os.X_OK), f"{script} has no run bit"
    assert 0 < hook["timeout"] <= 30


def test_mcp_server_never_sends_the_placeholder() -> None:
    [(name, server)] = read(".mcp.json")["mcpServers"].items()
    assert (name, server["type"], server["url"]) == ("huggingface", "http", "https://huggingface.co/mcp")
    assert server["headers"] == {"Authorization": "Bearer ${HF_TOKEN:-}"}, "without `:-` the client sends the text itself"
    program = re.fullmatch(r'"\$\{CLAUDE_PLUGIN_ROOT\}/(\S+)" mcp_headers', server["headersHelper"])
    assert program, "quoted: it is a shell line, and the plugin's path may hold a space"
    assert os.access(ROOT / program[1], os.X_OK)


def scripts_with_a_first_line() -> list[Path]:
    found = [*(ROOT / "scripts").iterdir(), *SCRIPTS.iterdir(), *(ROOT / ".ci").iterdir()]
    return sorted(path for path in found if path.is_file() and path.read_bytes()[:2] == b"#!")


def test_every_script_has_its_run_bit() -> None:
    scripts = scripts_with_a_first_line()
    assert len(scripts) >= 7, "the search itself must find something: launch, test, the wrappers"
    assert [str(path) for path in scripts if not os.access(path, os.X_OK)] == []


def test_git_keeps_the_run_bits() -> None:
    """A run bit that only this working tree has is lost in every clone, and so in the client's cache."""
    import subprocess

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the run bits of this tree are checked above")
    listing = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modes = {line.split("\t")[1]: line.split()[0] for line in listing.splitlines()}
    names = [str(path.relative_to(ROOT)) for path in scripts_with_a_first_line()]
    assert [name for name in names if modes.get(name) != "100755"] == []
