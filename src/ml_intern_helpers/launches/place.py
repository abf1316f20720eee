"""Where a command is read: its folder, its variables, the files that the line has made before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.launches.words import Word

#: Commands read in one line, those in shell files included.
MOST_COMMANDS = 3000


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
