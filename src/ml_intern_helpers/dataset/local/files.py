"""Finds the data files of a path, folder or pattern, grouped by split, and their format.

A search stops after a number of names and seconds. It follows no link that leaves the folder: a checked-out repository may hold
`data/notes.txt -> ~/.ssh/id_rsa`, and inspecting `data` must not print that file.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
import shlex
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from ml_intern_helpers.core.errors import BadData, NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local.bounds import MOST_ENTRIES, WALK_SECONDS, Warn
from ml_intern_helpers.dataset.local.text_files import path_text

#: File ending -> format, as `datasets` assigns them.
ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
#: Endings of files that can run code when they are loaded.
UNSAFE = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".bin"})
_SPLIT_NAMES = (
    ("train", re.compile(r"(?:^|[^a-z])(train(?:ing)?)(?:[^a-z]|$)")),
    ("test", re.compile(r"(?:^|[^a-z])(test(?:ing)?|eval(?:uation)?)(?:[^a-z]|$)")),
    ("validation", re.compile(r"(?:^|[^a-z])(valid(?:ation)?|val|dev)(?:[^a-z]|$)")),
)


@dataclass(frozen=True)
class Files:
    """The files that a path stands for.

    Attributes:
        format: one of the values of `ENDINGS`, or `saved` for a `save_to_disk` folder.
        splits: split name -> files, in reading order.
        skipped: files of other formats that were left out.
    """

    format: str
    splits: dict[str, list[Path]]
    skipped: int = 0


def find_files(target: str, warn: Warn) -> Files:
    """The files that `target` (a file, folder or glob pattern) stands for; `warn` receives a line about files that were left out.

    Raises:
        NotFound: there is no such file; the hint names similar ones.
        BadData: an unsupported format, not a regular file, or not readable for this user.
    """
    try:
        return _find(Path(target).expanduser(), warn)
    except PermissionError as err:
        raise BadData(f"{clean(target, limit=200)} may not be read by this user", hint="check its permissions") from err
    except (OSError, RuntimeError, ValueError) as err:  # the name is too long, has an unknown ~user, or holds a NUL
        message = clean(getattr(err, "strerror", None) or err, limit=150)
        raise NotFound(f"{clean(target, limit=200)} cannot be opened: {message}", hint="check the path") from err


def _find(path: Path, warn: Warn) -> Files:
    if path.is_dir():
        search = _search(path)
        try:
            saved = _saved(path, search)
            return Files("saved", saved) if saved else _grouped(path, [item for item in search.files() if _ending(item)])
        finally:
            search.warn_left_out(warn)
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe or a device may never end
            raise BadData(f"{path_text(path)} is a pipe or a device, not a file", hint="write the rows to a file and give that")
        return Files(format_of(path), {"train": [path]})
    if any(wildcard in str(path) for wildcard in "*?["):
        return _pattern(str(path), warn)
    raise NotFound(f"no file {path_text(path)}", hint=_similar_names(path))


def _saved(path: Path, search: FolderSearch) -> dict[str, list[Path]]:
    """The splits of a folder that `save_to_disk` wrote; empty for any other folder."""
    folders = {"train": path} if (path / "state.json").exists() else {}
    if (path / "dataset_dict.json").exists():
        folders = {entry.name: Path(entry) for entry in search.folders(path) if (Path(entry) / "state.json").exists()}
    splits = {name: sorted(filter(search.keeps, folder.glob("*.arrow"))) for name, folder in folders.items()}
    if folders and not any(splits.values()):
        raise BadData(f"{path_text(path)} was made by save_to_disk but holds no .arrow file", hint="copy the whole folder again")
    return {name: files for name, files in splits.items() if files}


def _search(root: Path) -> FolderSearch:
    if os.path.realpath(root) == os.path.realpath(os.sep):
        raise BadData("the root folder is not a dataset", hint="name the folder that holds the data")
    return FolderSearch(root)


def _similar_names(path: Path) -> str:
    """A hint: files with a name similar to the requested one, else the data files of its folder."""
    if not path.parent.is_dir():
        return f"the folder {path_text(path.parent)} does not exist either"
    others = sorted(item.name for item in path.parent.iterdir())
    close = difflib.get_close_matches(path.name, others, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(clean(name, limit=80) for name in close)}?"
    data = [clean(name, limit=80) for name in others if Path(name).suffix in ENDINGS][:5]
    return f"data files in {path_text(path.parent)}: {', '.join(data) or 'none'}"


def format_of(path: Path) -> str:
    """The format of one file, by its ending or its first bytes.

    Raises:
        BadData: a format that can run code, or an unsupported one.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in UNSAFE:
        message = f"{path_text(path)} is not opened: loading {suffix} files can run code"
        raise BadData(message, hint="export the rows as JSONL or Parquet")
    return ENDINGS.get(suffix.lower()) or _sniffed(path)


def _sniffed(path: Path) -> str:
    """The format of a file with an unknown ending, from its first bytes."""
    with path.open("rb") as stream:
        first_bytes = stream.read(512)
    head = first_bytes.lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, name in ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"{", "jsonl"), (b"[", "json")):
        if head.startswith(start):
            return name
    raise refusal(path, first_bytes, ", ".join(ENDINGS))


def _pattern(pattern: str, warn: Warn) -> Files:
    root, parts = split_pattern(pattern)
    search = _search(root)
    files = search.matching(parts) if root.is_dir() else []
    search.warn_left_out(warn)
    if not files:
        raise NotFound(
            f"no file matches {clean(pattern, limit=200)}", hint="check the pattern; quote it so that the shell leaves it alone"
        )
    known = [item for item in files if _ending(item)]
    if not known:
        return Files(format_of(files[0]), {"train": files})
    kept = same_format(known)
    return Files(format_of(kept[0]), {"train": kept}, len(files) - len(kept))


def _ending(item: Path) -> str | None:
    suffix = Path(item.stem).suffix if item.suffix == ".gz" else item.suffix
    return ENDINGS.get(suffix.lower()) if item.name not in ("dataset_info.json", "dataset_infos.json", "state.json") else None


def same_format(files: list[Path]) -> list[Path]:
    """The files in the most frequent format; `datasets` loads one format per folder too."""
    formats = [_ending(item) for item in files]
    most = max(dict.fromkeys(formats), key=formats.count)
    return [item for item, name in zip(files, formats, strict=True) if name == most]


def _grouped(path: Path, files: list[Path]) -> Files:
    if not files:
        raise BadData(f"the folder {path_text(path)} holds no data files", hint=f"endings that are read: {', '.join(ENDINGS)}")
    kept = same_format(files)
    splits: dict[str, list[Path]] = {}
    for item in kept:
        splits.setdefault(split_of(item.relative_to(path)), []).append(item)
    order = sorted(splits, key=lambda name: (name != "train", name))
    return Files(format_of(kept[0]), {name: splits[name] for name in order}, len(files) - len(kept))


def split_of(relative: PurePath) -> str:
    """The split that a word in the file's or folder's name stands for, as in `datasets`; `train` without such a word."""
    text = str(relative).lower()
    return next((name for name, word in _SPLIT_NAMES if word.search(text)), "train")


#: A file in the Hub client's cache, the target of the links in snapshot folders. A repository cannot place other files there.
_BLOB = re.compile(r"/(?:datasets|models)--[^/]+/blobs/[0-9a-f]{40,64}$")
_WILDCARDS = re.compile(r"[*?\[]")


class FolderSearch:
    """One search for files below `root`; `warn_left_out` warns about files that it left out.

    Raises:
        OSError: `root` itself cannot be listed (raised by any method).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._until = time.monotonic() + WALK_SECONDS
        self._seen = 0
        self._cut = False
        self._listed: dict[Path, list[os.DirEntry[str]]] = {}
        self._links: dict[str, None] = {}
        self._unreadable: list[str] = []

    def files(self) -> list[Path]:
        """All regular files below the root that are not hidden, sorted."""
        return self.matching(("**",))

    def matching(self, parts: tuple[str, ...]) -> list[Path]:
        """Regular files below the root that match a pattern, sorted; `parts` are the pattern's `Path.parts`."""
        parts = (*parts, "*") if parts[-1] == "**" else parts
        matches: dict[Path, None] = {}
        pending, done = [(self.root, parts)], set()
        while pending:
            step = pending.pop()
            if step not in done:
                done.add(step)
                for path, rest in self._step(*step):
                    if rest:
                        pending.append((path, rest))
                    elif self.keeps(path):
                        matches[path] = None
        return sorted(matches)

    def _step(self, folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """The paths in `folder` that match the first of `parts`, each with the parts that are still to be matched."""
        first, rest = parts[0], parts[1:]
        if first == "**":
            yield folder, rest
            yield from ((Path(entry), parts) for entry in self.folders(folder) if not _hidden(entry.name))
        elif not _WILDCARDS.search(first):
            yield from [(folder / first, rest)] if self._may_enter(folder / first, rest) else []
        else:
            for entry in self.folders(folder) if rest else self._entries(folder):
                if fnmatch.fnmatchcase(entry.name, first) and (first.startswith((".", "_")) or not _hidden(entry.name)):
                    yield Path(entry), rest

    def _may_enter(self, path: Path, rest: tuple[str, ...]) -> bool:
        if rest and path.is_symlink():
            self._links[str(path)] = None
            return False
        return path.is_dir() if rest else os.path.lexists(path)

    def folders(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """The folders in `folder`. Links to folders are skipped and noted for the warning."""
        for entry in self._entries(folder):
            if entry.is_dir(follow_symlinks=False):
                yield entry
            elif entry.is_symlink() and entry.is_dir():
                self._links[entry.path] = None

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """The sorted entries of `folder`, up to the bounds of names and time; each folder is listed only once."""
        if folder not in self._listed:
            self._listed[folder] = self._scan(folder)
        return self._listed[folder]

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        listed: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._seen >= MOST_ENTRIES or time.monotonic() > self._until:
                        self._cut = True
                        break
                    self._seen += 1
                    listed.append(entry)
        except OSError:
            if folder == self.root:
                raise
            self._unreadable.append(str(folder))
        return sorted(listed, key=lambda entry: entry.name)

    def keeps(self, path: Path) -> bool:
        """Whether `path` is a regular file in this folder, or a link to a file in this folder or in the Hub's cache."""
        try:
            real = os.path.realpath(path)
            if not stat.S_ISREG(path.stat().st_mode):
                return False
        except OSError:
            return False
        if (real + "/").startswith(self._real.rstrip("/") + "/") or _BLOB.search(real):
            return True
        self._links[str(path)] = None
        return False

    def warn_left_out(self, warn: Warn) -> None:
        """Warn about links, folders and names that were left out."""
        if self._links:
            warn(f"{_some(list(self._links))} left out: links are followed only to files in the folder or in the Hub's cache")
        if self._unreadable:
            warn(f"{_some(self._unreadable)} left out: this user may not list them")
        if self._cut:
            message = f"after {self._seen:,} names" if self._seen >= MOST_ENTRIES else f"after {WALK_SECONDS:g} s"
            warn(f"{clean(self.root, limit=200)}: the search for files stopped {message}; name a smaller folder to see all of it")


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(clean(path, limit=120) for path in paths[:3]) + more


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def split_pattern(pattern: str) -> tuple[Path, tuple[str, ...]]:
    """The folder before the first part with a wildcard, and the parts from there on."""
    parts = Path(pattern).parts
    first = next(index for index, part in enumerate(parts) if _WILDCARDS.search(part))
    return Path(*parts[:first]), parts[first:]


#: First bytes of compressed files -> the tool that decompresses them.
PACKED = {b"\x1f\x8b": "zcat", b"\x28\xb5\x2f\xfd": "zstdcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat"}
_SQLITE = "export the table that holds the rows: sqlite3 -header -csv FILE 'select * from TABLE' > rows.csv"
_TAR = "unpack it (tar -xf); a WebDataset then has one .json or .txt file for each sample's texts: write them as JSONL"
_EXCEL = "save the sheet as CSV, or: pandas.read_excel(…).to_csv('rows.csv', index=False)"
_TAR_MAGIC_OFFSET = 257


def refusal(path: Path, head: bytes, endings: str) -> BadData:
    """The error for the unsupported file `path`, which begins with `head`; `endings` lists the supported endings."""
    tool = next((tool for magic, tool in PACKED.items() if head.startswith(magic)), None)
    if tool:
        return BadData(
            f"{path_text(path)} is packed",
            hint=f"unpack it on the way: {tool} {shlex.quote(path_text(path))} | inspect_dataset -",
        )
    if head.startswith(b"PK\x03\x04"):
        sheet = path.suffix.lower() in (".xlsx", ".xlsm") or b"[Content_Types].xml" in head
        what, how = ("an Excel workbook", _EXCEL) if sheet else ("a zip archive", "unpack it and name the folder")
        return BadData(f"{path_text(path)} is {what}, which is not read here", hint=how)
    if head.startswith(b"SQLite format 3"):
        return BadData(f"{path_text(path)} is an SQLite database, which is not read here", hint=_SQLITE)
    if head[_TAR_MAGIC_OFFSET : _TAR_MAGIC_OFFSET + 5] == b"ustar":
        return BadData(f"{path_text(path)} is a tar archive, which is not read here", hint=_TAR)
    hint = f"give one of {endings} (also .gz for text), a folder of them, or a Hub id"
    return BadData(f"{path_text(path)} has an unsupported file format", hint=hint)
