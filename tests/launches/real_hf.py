"""The real `hf` client, in this process: what it resolves for a command line, without submitting anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner


class Resolved(NamedTuple):
    """What `hf … --dry-run` resolves (the summary's values), or None and what it said when it refuses."""

    values: dict[str, Any] | None
    output: str


def command(path: str) -> click.Command:
    """The click command of `hf jobs PATH`."""
    from huggingface_hub.cli.jobs import jobs_cli

    found: Any = jobs_cli
    for name in path.split():
        found = found.get_command(click.Context(found), name)
    assert isinstance(found, click.Command)
    return found


def resolve(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Resolved:
    """Run `hf WORDS --dry-run` in `folder`."""
    from huggingface_hub.cli import jobs
    from huggingface_hub.cli.hf import app

    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "_print_job_summary", lambda values, **_: seen.append(dict(values)))
    monkeypatch.chdir(folder)
    at = words.index("run") + 1
    done = CliRunner().invoke(app, [*words[1:at], "--dry-run", *words[at:]])
    said = f"{done.output}{done.exception or ''}"
    return Resolved(seen[0] if seen and done.exit_code == 0 else None, said)


def timeout_seconds(timeout: str | None) -> int | None:
    """Seconds that the client sends; None when it sends nothing.

    Raises:
        ValueError: the client fails on it.
    """
    from huggingface_hub._jobs_api import _create_job_spec

    spec = _create_job_spec(image="i", command=["c"], env=None, secrets=None, flavor=None, timeout=timeout)
    seconds = spec.get("timeoutSeconds")
    return None if seconds is None else int(seconds)
