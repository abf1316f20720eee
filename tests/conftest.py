"""Fixtures for every test: an empty home, a loopback service, a runner for helpers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.helpers import Outcome, run_helper
from support.hub import Hub
from support.loopback import Loopback

#: A runner started in the background ignores Ctrl-C, and so would every child that a test sends one to.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: Files that take longest, longest first: whoever gets one last keeps everybody waiting.
LONGEST = (
    "test_quickstart.py", "test_recipes.py", "test_truth_training.py", "test_runtime.py", "test_research.py", "test_headless.py",
    "test_story.py", "test_hub.py", "test_inspect_dataset.py", "test_guard_failures.py", "test_launch_guard.py", "test_releases.py",
    "test_launch_environments.py", "test_cli_contract.py", "test_full.py", "test_after_launch.py", "test_preflight_check.py", "test_guard.py", "test_truth.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first (xdist gives files out in this order: scripts/test keeps it from sorting by number of tests)."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder under a path with a space and a quote, as users have them."""
    folder = tmp_path / "a user's home"
    folder.mkdir()
    return folder


@pytest.fixture
def service() -> Iterator[Loopback]:
    """A loopback service without routes; a test adds its own."""
    loopback = Loopback()
    yield loopback
    loopback.close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub on loopback that the real client can log in to, read from and push to."""
    with Hub() as running:
        yield running


@pytest.fixture
def helper(home: Path) -> Callable[..., Outcome]:
    """`helper("crawl_arxiv", "lora", "--json", HF_TOKEN="…")` in that home; further keywords are environment variables."""

    def run(command: str, *arguments: str, cwd: Path | None = None, **environment: str) -> Outcome:
        return run_helper(command, *arguments, home=home, cwd=cwd, **environment)

    return run
