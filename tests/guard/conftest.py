"""A project with an open task, for the hook points."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.events import Project


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Project:
    folder = tmp_path / "my project"
    folder.mkdir()
    return Project(folder, home)
