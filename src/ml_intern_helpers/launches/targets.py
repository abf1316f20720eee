"""Determines what a script argument names: a file, a URL, a text on the command line, or something unknown."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.launches.launch import Problem, Target
from ml_intern_helpers.launches.place import Place, Written
from ml_intern_helpers.launches.words import Word, masked

#: Suffixes by kind of file: only names of the same kind are suggested for a missing file.
_KINDS = ((".py", ".ipynb", ".sh"), (".yaml", ".yml", ".json"))


def script_target(word: Word, place: Place) -> tuple[Target, list[Problem]]:
    """The target that the script argument `word` names, and the problems with it."""
    name = word.text
    if word.unknown:
        return Target("unknown", masked(name), reason=f"which script: {word.unknown}"), []
    if name.startswith(("http://", "https://")):
        return Target("url", masked(name), reason="a script on the web is not read here: download it and check the file"), []
    return file_target(name, place)


def file_target(name: str, place: Place) -> tuple[Target, list[Problem]]:
    """The target of a file name; a problem when the file is certainly missing."""
    if place.container:
        return _in_container(name, place)
    path = place.resolved(name)
    if path is None:
        return Target("unknown", masked(name), reason=f"which folder `{masked(name)}` is in: {place.why}"), []
    written = place.written.get(str(path))
    if written is not None:
        return written_target(name, written), []
    if _is_file(path):
        return Target("file", masked(name), path), []
    if place.file_creator:
        return Target("unknown", masked(name), reason=f"`{masked(name)}` may be made by `{place.file_creator}` before it"), []
    return Target("unknown", masked(name), reason=f"there is no file {masked(name)}"), [missing_file(name, path)]


def _in_container(name: str, place: Place) -> tuple[Target, list[Problem]]:
    """The target of a file name inside a container, where only uploaded, mounted, image and newly created files exist."""
    shown, path = masked(name), place.resolved(name)
    written = place.written.get(str(path))
    if written is not None:
        return written_target(name, written), []
    full = str(path) if place.cwd_in_container and path is not None else name
    for mount, folder in place.mounts.items():
        if full.startswith(f"{mount.rstrip('/')}/"):
            outside = place.resolved(f"{folder}/{full.removeprefix(mount).lstrip('/')}") if folder else None
            if outside is not None and _is_file(outside):
                return Target("file", shown, outside), []
            # A file missing from the mounted folder is missing below the mount point, too.
            certain = outside is not None and place.cwd_in_container and not place.file_creator
            problems = [missing_file(name, outside)] if outside is not None and certain else []
            return Target("unknown", shown, reason=f"`{shown}` lies in what is mounted at {mount}"), problems
    on_this_machine = path is not None and not place.cwd_in_container and _is_file(path)
    if not on_this_machine or place.file_creator or name.startswith("/"):
        return Target("unknown", shown, reason=f"`{shown}` is a file of the image, which is not read here"), []
    message = f"{shown} is a file of this machine: `hf jobs run` uploads no files, so the job will not find it"
    fix = f"hf jobs uv run {shown} ships the script; or mount its folder: -v ./:/work and start /work/{shown}"
    problem = Problem("file-not-in-container", message, fix, shown)
    return Target("file", shown, path), [] if name in place.shipped else [problem]


def written_target(name: str, written: Written) -> Target:
    """The target of a file that the line itself writes, or of standard input."""
    if written.text is None:
        return Target("unknown", masked(name), reason=written.reason)
    return Target("text", masked(name), text=written.text)


def missing_file(name: str, path: Path) -> Problem:
    """The problem for a file that does not exist, with similar names in its folder as the fix."""
    folder = masked(str(path.parent))
    try:
        kind = next((suffixes for suffixes in _KINDS if path.suffix in suffixes), (path.suffix,))
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in kind)
    except (OSError, ValueError):
        return Problem("missing-file", f"no file {masked(name)}: there is no folder {folder}", "correct the path", masked(name))
    import difflib  # slow to import, and needed only for a mistyped name

    close = [masked(close_name) for close_name in difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)]
    close = close or (names[:5] if path.suffix else [])
    fix = f"did you mean {', '.join(close)}?" if close else "write the file first, or correct the path"
    return Problem("missing-file", f"no file {masked(name)} in {folder}", fix, masked(name))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(name: str, place: Place) -> bool:
    """`name` is a file of this machine, or one that the line writes."""
    path = place.resolved(name)
    return path is not None and (str(path) in place.written or _is_file(path))
