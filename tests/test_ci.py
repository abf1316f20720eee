"""What CI starts, and that a test skipped there does not pass for one that ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.helpers import ROOT

pytestmark = pytest.mark.slow


def test_ci_starts_scripts_test_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if not line.startswith("#")]
    assert lines == ['exec "$(dirname "$0")/../scripts/test" "$@"']
    assert all(os.access(ROOT / path, os.X_OK) for path in (".ci/run", "scripts/test"))


@pytest.mark.parametrize(
    ("body", "workers", "code"),
    [
        pytest.param("pytest.skip('no npm')", "1", 1, id="skipped-in-a-worker"),
        pytest.param("pytest.skip('no npm')", "0", 1, id="skipped"),
        pytest.param("pass", "0", 0, id="ran"),
    ],
)
def test_no_skips(tmp_path: Path, body: str, workers: str, code: int) -> None:
    """The plugin that scripts/test adds with CI=true; pytest's own summary stays the last line."""
    (tmp_path / "test_one.py").write_text(f"import pytest\ndef test_one():\n    {body}\ndef test_two(): pass\n")
    options = ["-p", "support.no_skips", "-p", "no:cacheprovider", "-n", workers, "--rootdir", tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    call = [sys.executable, "-m", "pytest", *options, tmp_path]
    done = subprocess.run(call, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ("in CI nothing may be skipped" in done.stdout) == ("skip" in body)
    assert "passed" in done.stdout.splitlines()[-1]
