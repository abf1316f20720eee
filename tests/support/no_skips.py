"""pytest plugin for CI: a skipped test is a failure, because there everything a test needs is at hand."""

from __future__ import annotations

import pytest
from _pytest.terminal import TerminalReporter


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Runs before the summary is written, so that pytest's own last line stays the last."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, TerminalReporter) and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say why the run failed when nothing else did."""
    count = len(terminalreporter.stats.get("skipped", ()))
    if count:
        terminalreporter.write_line(f"{count} skipped: in CI nothing may be skipped", red=True)
