"""One launch as it was read from a command line: what starts what, where, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ml_intern_helpers.launches.named_config import NamedConfig
from ml_intern_helpers.launches.parts import Fault, Swallowed, Target, Told
from ml_intern_helpers.launches.words import Word


@dataclass
class Launch:
    """A launch; see the module docstring.

    Attributes:
        text: the command as written, cleaned, tokens blanked.
        launcher: `hf jobs uv run`, `accelerate launch`, `python` …
        mode: `jobs` or `local`.
        target: what is started.
        args: the script's arguments.
        open: why there may be more words than are seen (`$ARGS`), "" when there are not.
        cwd: the folder it starts in, None when that is not known.
        settings: flavor, timeout, image, python, namespace, name, schedule …, only those that the command line tells.
        environ: variables the process gets from the command line.
        env_open: why there may be more of them ("" for a job, which starts from nothing).
        secrets: names of the secrets; their values are never kept.
        volumes: mounts, as written.
        packages: `--with`.
        reads_header: the launcher reads `[tool.hf-jobs]` of the script.
        block: uv runs the script itself, and installs what its block lists.
        installs: what provides the packages: `uv` (the block and `--with`), or `image`, or `machine`.
        processes: how many processes are started, None when not told.
        distributed: a launcher of several processes (accelerate, torchrun, deepspeed) starts it.
        inside: what the job's command starts in the container.
        swallowed: see there.
        config: the config file that the script's arguments name.
        faults, notes: what is wrong, and what should be said.
        dry: it submits or starts nothing (`--dry-run`, `--help`).
    """

    text: str
    launcher: str
    mode: str
    target: Target
    args: list[Word] = field(default_factory=list)
    open: str = ""
    cwd: Path | None = None
    settings: dict[str, Told] = field(default_factory=dict)
    environ: dict[str, Word] = field(default_factory=dict)
    env_open: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    packages: list[Word] = field(default_factory=list)
    reads_header: bool = False
    block: bool = False
    installs: str = "machine"
    processes: int | None = None
    distributed: bool = False
    inside: list[Launch] = field(default_factory=list)
    swallowed: list[Swallowed] = field(default_factory=list)
    config: NamedConfig | None = None
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dry: bool = False
    number: int = 1
    of: int = 1

    @property
    def place(self) -> str:
        """How findings name it: `launch`, or `launch 2` where there are several."""
        return "launch" if self.of == 1 else f"launch {self.number}"

    @property
    def hidden(self) -> str:
        """Why settings that the command line does not tell may yet be told, "" when the defaults hold."""
        unread = self.reads_header and self.target.kind in ("url", "unknown")
        return self.open or (f"the script's [tool.hf-jobs]: {self.target.reason}" if unread else "")

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """The script's arguments when all of them are known."""
        return tuple(word.text for word in self.args) if not self.open and not any(word.unknown for word in self.args) else None
