"""The three ways to install the plugin, each seen by the real client: names, agents, skill, and the helpers' free pass."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.client import ROOT, Session, Turn, claude, helper_script, run_client, run_session
from support.git_http import serve_repository
from support.loopback import Loopback
from support.plugin_install import install, repository

pytestmark = pytest.mark.client

NAMES = ["ml-intern", "ml-research", "ml-audit", "ml-preflight", "ml-train"]
AGENTS = ["ml-paper-researcher", "dataset-auditor", "training-job-architect"]
SLASHES = [prefix + name for name in NAMES for prefix in ("/", "/ml-intern:")]
#: What looks like a helper call and is more; each must be refused in default mode. `{s}` is the helper's quoted path.
MORE_THAN_A_CALL = ["{s} --help | head -1", "{s} --help > out.txt", "{s} --help; touch made-by-a-trick"]
WAYS = ["plugin-dir", "directory", "git"]


@dataclass(frozen=True)
class Installed:
    """One finished session with the plugin installed in one way."""

    way: str
    home: Path
    root: Path
    session: Session
    work: Path


def turns(root: Path) -> list[Turn]:
    """The model's part: a word to each slash command, then the skill, then a helper call and three that are more."""
    script = helper_script(root, "preflight_check")
    calls = [f"{script} --help", *(text.format(s=script) for text in MORE_THAN_A_CALL)]
    skill = {"tool": "Skill", "input": {"skill": "ml-intern:ml-intern"}}
    bash = [{"tool": "Bash", "input": {"command": command, "description": "check"}} for command in calls]
    return [*({"text": f"read {slash}"} for slash in SLASHES), skill, *bash, {"text": "end"}]


@pytest.fixture(scope="module", params=WAYS)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    way: str = request.param
    claude()
    folder = tmp_path_factory.mktemp("client") / "with a space"
    home, root, arguments = folder / "home", ROOT, []
    if way == "plugin-dir":
        arguments = ["--plugin-dir", str(ROOT)]
    elif way == "directory":
        install(home, str(ROOT))
    else:
        service = Loopback()
        install(home, serve_repository(service, repository(folder / "repository")))
        service.close()
        [root] = (home / ".claude/plugins/cache/ml-intern/ml-intern").iterdir()
    prompts = [*(f"{slash} fine-tune {number}" for number, slash in enumerate(SLASHES)), "go on"]
    session = run_session(folder, turns(root), prompts, *arguments, home=home)
    return Installed(way, home, root, session, folder / "work")


def body_opening(name: str) -> str:
    """The first line of the text that a slash name stands for."""
    path = ROOT / ("skills/ml-intern/SKILL.md" if name == "ml-intern" else f"commands/{name}.md")
    return path.read_text(encoding="utf-8").split("---\n", 2)[2].strip().splitlines()[0]


def test_plugin_loads_whole(installed: Installed) -> None:
    installed.session.check()
    [plugin] = [plugin for plugin in installed.session.init["plugins"] if plugin["name"] == "ml-intern"]
    assert Path(plugin["path"]).resolve() == installed.root.resolve()


@pytest.mark.parametrize("installed", ["git"], indirect=True, scope="module")
def test_git_copy_lies_in_the_clients_cache_under_a_space(installed: Installed) -> None:
    assert " " in str(installed.root)
    assert installed.root.name == json.loads((ROOT / ".claude-plugin/plugin.json").read_text())["version"]


@pytest.mark.parametrize("slash", SLASHES)
def test_slash_name_reaches_the_model_with_its_text_and_arguments(installed: Installed, slash: str) -> None:
    name = slash.rpartition(":")[2].lstrip("/")
    number = SLASHES.index(slash)
    [text] = [text for text in installed.session.user_texts() if f"<command-args>fine-tune {number}</command-args>" in text]
    assert f"<command-name>/ml-intern:{name}</command-name>" in text
    assert body_opening(name) in text
    if name != "ml-intern":
        assert f"<request>\nfine-tune {number}\n</request>" in text
    assert "${CLAUDE_PLUGIN_ROOT}" not in text, "the client could not fill in the plugin's path"


def test_the_text_names_helpers_that_exist_where_it_says(installed: Installed) -> None:
    named = set(re.findall(r'"(/[^"]+/scripts/[a-z_]+\.sh)"', "\n".join(installed.session.user_texts())))
    assert len(named) >= 2
    assert [path for path in named if not Path(path).is_file()] == []


def test_agents_are_offered(installed: Installed) -> None:
    assert {f"ml-intern:{name}" for name in AGENTS} <= set(installed.session.init["agents"])
    assert [name for name in AGENTS if f"ml-intern:{name}" not in installed.session.context()] == []


def test_skill_is_offered_and_activated_by_the_model_alone(installed: Installed) -> None:
    assert re.search(r"ml-intern:ml-intern: .*fine-tune", installed.session.context())
    text, is_error = installed.session.tool_results()[0]
    assert (text, is_error) == ("Launching skill: ml-intern:ml-intern", False)


def test_plain_helper_call_runs_without_permission(installed: Installed) -> None:
    text, is_error = installed.session.tool_results()[1]
    assert not is_error, text
    assert text.startswith("usage: preflight_check")


def test_anything_more_than_a_call_is_refused(installed: Installed) -> None:
    results = installed.session.tool_results()[2:]
    assert [is_error for _, is_error in results] == [True] * len(MORE_THAN_A_CALL)
    script = helper_script(installed.root, "preflight_check")
    assert installed.session.denials == [text.format(s=script) for text in MORE_THAN_A_CALL]
    assert not list(installed.work.glob("*")), "a refused command left something behind"


@pytest.mark.parametrize("installed", ["directory", "git"], indirect=True, scope="module")
def test_plugin_costs_at_most_1000_tokens_while_idle(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    """`plugin details` knows installed plugins only, so not the one of --plugin-dir."""
    done = run_client(installed.home, "plugin", "details", "ml-intern@ml-intern")
    assert done.returncode == 0, done.stderr
    figure = re.search(r"[Aa]lways[- ]on:?\s*~?([\d,.]+k?)", done.stdout)
    assert figure, done.stdout
    text = figure[1].replace(",", "")
    tokens = float(text.rstrip("k")) * (1000 if text.endswith("k") else 1)
    with capsys.disabled():
        print(f"\nalways-on tokens by `claude plugin details`: {tokens:.0f}")
    assert 0 < tokens <= 1000
