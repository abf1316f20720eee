"""One launch as it was read from a command line: what starts what, where, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.preflight.launch.words import Word
from ml_intern_helpers.report import Severity

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch.named_config import NamedConfig

#: Commands read in one line, those in shell files included.
MOST_COMMANDS = 3000


class Fault(NamedTuple):
    """Something that reading the command line already shows to be wrong; a rule of that code reports it."""

    code: str
    message: str
    fix: str
    seen: str = ""
    severity: Severity | None = None


class Told(NamedTuple):
    """A setting of the launch: its value (None: not known, then `how` says why), and how it was told (`--timeout 4h`)."""

    value: str | None
    how: str


class Target(NamedTuple):
    """What is started.

    Attributes:
        kind: `file`, `text` (heredoc, `-c`), `url`, `module`, `trl` (a command of trl), `command` (a program that is no
            script), or `unknown`.
        name: as written.
        path: of a `file`, resolved against the folder it is started in; None when that folder is not known.
        text: of a `text` and of a `trl` command: the Python source.
        reason: of `unknown`, and of whatever cannot be read: why.
    """

    kind: str
    name: str = ""
    path: Path | None = None
    text: str = ""
    reason: str = ""


class Swallowed(NamedTuple):
    """An option that stands behind the script and that the launcher takes for itself."""

    flag: str
    name: str
    value: str | None


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


@dataclass
class Written:
    """A file that the command line itself makes: its text, None when that is not known."""

    text: str | None
    reason: str = ""


@dataclass
class Place:
    """Where a command is read.

    Attributes:
        cwd: the folder, None when not known (then `why` says so).
        variables: what the line sets, exported or not.
        environ: what the command's process gets from the line.
        aliases: names that `alias` gave a text to.
        written: files that earlier commands of the line make.
        makes: the earlier command that may make files of its own (`git clone`), "" when there is none.
        stdin: what a heredoc or pipe gives the command, None when nothing.
        container: it runs in a job or container, where no file of this machine is, except for
        mounts: mount point -> folder of this machine, or None for what is on the Hub, and
        shipped: files that the client sends along.
        own_folders: `cwd` is a folder of the container (`docker run -w /work`), not of this machine.
        depth: how deep in `bash -c` and the like.
        left: commands that may still be read; one count for all places of a line.
    """

    cwd: Path | None
    why: str = ""
    variables: dict[str, Word] = field(default_factory=dict)
    environ: dict[str, Word] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    makes: str = ""
    stdin: Written | None = None
    container: bool = False
    mounts: dict[str, str | None] = field(default_factory=dict)
    shipped: frozenset[str] = frozenset()
    own_folders: bool = False
    depth: int = 0
    left: list[int] = field(default_factory=lambda: [MOST_COMMANDS])

    def spend(self) -> None:
        """Count a command.

        Raises:
            Unavailable: there are more than anybody writes (shell files that start each other count as well).
        """
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Unavailable(f"more than {MOST_COMMANDS} commands in one line", hint="give the launch by itself")

    def resolved(self, name: str) -> Path | None:
        """The path that `name` means here."""
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            return None
        return path if path.is_absolute() else self.cwd / path if self.cwd is not None else None
