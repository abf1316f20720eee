"""Installs the plugin with the real client, as the README says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.client import ROOT, run_client


def working_tree(target: Path) -> None:
    """Copy what git would commit of this tree (uncommitted work included) to `target`."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def repository(folder: Path) -> Path:
    """A repository whose one commit is this tree."""
    working_tree(folder)
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def install(home: Path, source: str) -> None:
    """The two commands of the README, in that home."""
    for command in (["marketplace", "add", source], ["install", "ml-intern@ml-intern"]):
        done = run_client(home, "plugin", *command)
        assert done.returncode == 0, done.stdout + done.stderr
