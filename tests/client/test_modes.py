"""The helpers' free pass in every permission mode of the real client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.client import ROOT, Session, claude, helper_script, run_session

pytestmark = pytest.mark.client

SCRIPT = helper_script(ROOT, "preflight_check")
MODES = ["default", "acceptEdits", "auto", "dontAsk", "bypassPermissions", "plan"]


def play(folder: Path, mode: str) -> Session:
    """A plain helper call, then the same call with a pipe."""
    calls = [f"{SCRIPT} --help", f"{SCRIPT} --help | head -1"]
    turns = [{"tool": "Bash", "input": {"command": command}} for command in calls]
    rules = ["--permission-mode", mode, "--plugin-dir", str(ROOT)]
    return run_session(folder, [*turns, {"text": "end"}], ["go"], *rules, IS_SANDBOX="1")  # root may bypass in a sandbox only


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    claude()
    folder = tmp_path_factory.mktemp("modes")
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(MODES, pool.map(lambda mode: play(folder / mode, mode), MODES), strict=True))


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "plan"])
def test_plain_call_runs_without_permission(sessions: dict[str, Session], mode: str) -> None:
    sessions[mode].check()
    assert sessions[mode].init["permissionMode"] == mode
    text, is_error = sessions[mode].tool_results()[0]
    assert not is_error, text
    assert text.startswith("usage: preflight_check")


@pytest.mark.parametrize("mode", MODES)
def test_piped_call_is_left_to_the_mode(sessions: dict[str, Session], mode: str) -> None:
    _, is_error = sessions[mode].tool_results()[1]
    assert is_error == (mode != "bypassPermissions")


def test_plan_mode_asks_its_own_safety_check(sessions: dict[str, Session]) -> None:
    """In plan mode the client asks a service of its vendor about every such call, whatever a hook or a rule allows.

    There is none on loopback, so the call is refused here; the refusal must be that one and no other.
    """
    text, is_error = sessions["plan"].tool_results()[0]
    assert is_error
    assert "safety check does not run for this session" in text


def test_a_deny_rule_of_the_user_beats_the_free_pass(tmp_path: Path) -> None:
    turns = [{"tool": "Bash", "input": {"command": f"{SCRIPT} --help"}}, {"text": "end"}]
    session = run_session(tmp_path, turns, ["go"], "--plugin-dir", str(ROOT), "--disallowedTools", "Bash(*preflight_check*)")
    [(_, is_error)] = session.tool_results()
    assert is_error
    assert session.denials == [f"{SCRIPT} --help"]
