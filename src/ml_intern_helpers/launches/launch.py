"""Describes one launch read from a command line: which launcher starts which program, where, and with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.config_file import config_of_text
from ml_intern_helpers.analysis.options import ParserOptions
from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.launches.words import Word

ProblemKind = Literal[
    "unknown-option", "refused-command", "missing-file", "file-not-in-container", "token-on-command-line", "secret-as-variable"
]
SecretSource = Literal["command line", "this machine", "file"]


class Problem(NamedTuple):
    """A mistake that the command line itself shows.

    Attributes:
        kind: the kind of mistake.
        message, fix: what is wrong, and what to write or do instead.
        seen: the part of the command line that shows it.
        certain: False where the launcher's options were read from its source instead of its own parser.
    """

    kind: ProblemKind
    message: str
    fix: str
    seen: str = ""
    certain: bool = True


class Setting(NamedTuple):
    """A setting of the launch: its value and how it was set (`--timeout 4h`); for an unknown value, None and the reason."""

    value: str | None
    how: str


class Target(NamedTuple):
    """The program that is started.

    Attributes:
        kind: `file`, `text` (heredoc, `-c`), `url`, `module`, `trl` (a command of trl), `command` (a program that is not a
            script), or `unknown`.
        name: the name as written.
        path: the path of a `file`, resolved against the folder it is started in.
        text: the Python source of a `text` or a `trl` command.
        reason: why the target is `unknown` or cannot be read.
    """

    kind: str
    name: str = ""
    path: Path | None = None
    text: str = ""
    reason: str = ""


class SwallowedOption(NamedTuple):
    """An option written after the script that the launcher still reads as its own."""

    flag: str
    name: str
    value: str | None


class NamedConfig(NamedTuple):
    """The config file that the script's arguments name.

    Attributes:
        name: the name as written.
        text: the content; None when it cannot be read.
        reason: why it cannot be read.
        problem: the finding for a file that is certainly missing, else None.
    """

    name: str
    text: str | None
    reason: str = ""
    problem: Problem | None = None

    @property
    def options(self) -> ParserOptions:
        """The settings in the file; `unread` says why there are none."""
        if self.text is None:
            return ParserOptions(unread=f"config file {self.name} of the launch: {self.reason}", file=self.name)
        try:
            return config_of_text(self.name, self.text)
        except ToolError as err:
            return ParserOptions(unread=f"config file {err.message}", file=self.name)


@dataclass
class Launch:
    """One start of a program.

    Attributes:
        text: the command as written, cleaned, with tokens masked.
        launcher: `hf jobs uv run`, `accelerate launch`, `python` …
        mode: `jobs` or `local`.
        target: the program that is started.
        args: the script's arguments.
        open: why the command may have more words than are visible (`$ARGS`); "" when it cannot.
        cwd: the folder it starts in; None when that is not known.
        settings: flavor, timeout, image, python, namespace, name, schedule …, only those that the command line sets.
        environ: the environment variables that the command line gives the process.
        env_open: why the process may have further variables; "" for a job, which starts with an empty environment.
        secrets: the names of the secrets and where their values come from; the values are never kept.
        volumes: the mounts, as written.
        packages: the requirements given with `--with`.
        default_image: the image used when the command names none; None where the launcher requires one or starts no job.
        reads_header: the launcher reads `[tool.hf-jobs]` of the script.
        block: uv runs the script itself and installs what its PEP 723 block lists.
        installs: what provides the packages: `uv` (the block and `--with`), `image`, or `machine`.
        processes: how many processes are started; None when the line does not say.
        distributed: a launcher of several processes (accelerate, torchrun, deepspeed) starts it.
        swallowed: the options after the script that the launcher reads as its own.
        config: the config file that the script's arguments name.
        problems: the mistakes in the command line.
        notes: remarks for the reader of the report.
        dry: it submits or starts nothing (`--dry-run`, `--help`).
        repeats: how often the line's loops start it; None when that is not known.
        number, of: its position among the launches of the line, and their number.
    """

    text: str
    launcher: str
    mode: str
    target: Target
    args: list[Word] = field(default_factory=list)
    open: str = ""
    cwd: Path | None = None
    settings: dict[str, Setting] = field(default_factory=dict)
    environ: dict[str, Word] = field(default_factory=dict)
    env_open: str = ""
    secrets: dict[str, SecretSource] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    packages: list[Word] = field(default_factory=list)
    default_image: str | None = None
    reads_header: bool = False
    block: bool = False
    installs: str = "machine"
    processes: int | None = None
    distributed: bool = False
    swallowed: list[SwallowedOption] = field(default_factory=list)
    config: NamedConfig | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dry: bool = False
    repeats: int | None = 1
    number: int = 1
    of: int = 1

    @property
    def place(self) -> str:
        """The name of the launch in findings: `launch`, or `launch 2` where there are several."""
        return "launch" if self.of == 1 else f"launch {self.number}"

    @property
    def hidden(self) -> str:
        """Why settings that are not on the command line may still be set; "" when the defaults apply."""
        unread = self.reads_header and self.target.kind in ("url", "unknown")
        return self.open or (f"the script's [tool.hf-jobs]: {self.target.reason}" if unread else "")

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """The script's arguments; None unless all of them are known."""
        return tuple(word.text for word in self.args) if not self.open and not any(word.unknown for word in self.args) else None
