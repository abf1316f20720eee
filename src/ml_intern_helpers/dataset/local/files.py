"""From a path, a folder or a pattern to files grouped by split, and the reader that fits them."""

from __future__ import annotations

import difflib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath

from ml_intern_helpers.core.errors import BadData, NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local.bounds import Warn
from ml_intern_helpers.dataset.local.text_files import shown
from ml_intern_helpers.dataset.local.unread import refusal
from ml_intern_helpers.dataset.local.walk import Walk, split_pattern

#: Ending -> format; what `datasets` opens under the same endings.
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
#: Endings whose files can run code when they are loaded.
UNSAFE = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".bin"})
_SPLIT_NAMES = (
    ("train", re.compile(r"(?:^|[^a-z])(train(?:ing)?)(?:[^a-z]|$)")),
    ("test", re.compile(r"(?:^|[^a-z])(test(?:ing)?|eval(?:uation)?)(?:[^a-z]|$)")),
    ("validation", re.compile(r"(?:^|[^a-z])(valid(?:ation)?|val|dev)(?:[^a-z]|$)")),
)


@dataclass(frozen=True)
class Files:
    """What a path stands for.

    Attributes:
        format: one of the values of `ENDINGS`, or `saved` for a `save_to_disk` folder.
        splits: split name -> files, in reading order.
        skipped: files of other formats that were left out.
    """

    format: str
    splits: dict[str, list[Path]]
    skipped: int = 0


def find_files(target: str, warn: Warn) -> Files:
    """The files that `target` (file, folder, glob pattern) stands for; `warn` hears what was left out.

    Raises:
        NotFound: nothing there; the hint names what lies near.
        BadData: no format that is read here, no regular file, or nothing this user may read.
    """
    try:
        return _find(Path(target).expanduser(), warn)
    except PermissionError as err:
        raise BadData(f"{clean(target, limit=200)} may not be read by this user", hint="check its permissions") from err
    except (OSError, RuntimeError, ValueError) as err:  # a name too long, an unknown ~user, a NUL
        told = clean(getattr(err, "strerror", None) or err, limit=150)
        raise NotFound(f"{clean(target, limit=200)} cannot be opened: {told}", hint="check the path") from err


def _find(path: Path, warn: Warn) -> Files:
    if path.is_dir():
        return _folder(path, warn)
    if path.exists():
        _refuse_special(path)
        return Files(format_of(path), {"train": [path]})
    if any(sign in str(path) for sign in "*?["):
        return _pattern(str(path), warn)
    raise NotFound(f"no file {shown(path)}", hint=_near(path))


def _refuse_special(path: Path) -> None:
    """A pipe would make us wait for ever, a device has no end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadData(f"{shown(path)} is a pipe or a device, no file", hint="write the rows to a file and give that")


def _walk(root: Path) -> Walk:
    if os.path.realpath(root) == os.path.realpath(os.sep):
        raise BadData("the whole disk is no dataset", hint="name the folder that holds the data")
    return Walk(root)


def _near(path: Path) -> str:
    """Names like the one asked for, or what else lies in the folder."""
    if not path.parent.is_dir():
        return f"the folder {shown(path.parent)} does not exist either"
    others = sorted(item.name for item in path.parent.iterdir())
    close = difflib.get_close_matches(path.name, others, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(clean(name, limit=80) for name in close)}?"
    data = [clean(name, limit=80) for name in others if Path(name).suffix in ENDINGS][:5]
    return f"data files in {shown(path.parent)}: {', '.join(data) or 'none'}"


def format_of(path: Path) -> str:
    """The format of one file, by its ending or its first bytes.

    Raises:
        BadData: a format that can run code, or none that is read here.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in UNSAFE:
        told = f"{shown(path)} is not opened: loading {suffix} files can run code"
        raise BadData(told, hint="export the rows as JSONL or Parquet")
    return ENDINGS.get(suffix.lower()) or _sniffed(path)


def _sniffed(path: Path) -> str:
    """The format of a file whose ending says nothing, from its first bytes."""
    with path.open("rb") as stream:
        begins = stream.read(512)
    head = begins.lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, name in ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"{", "jsonl"), (b"[", "json")):
        if head.startswith(start):
            return name
    raise refusal(path, begins, ", ".join(ENDINGS))


def _folder(path: Path, warn: Warn) -> Files:
    walk = _walk(path)
    try:
        saved = _saved(path, walk)
        return Files("saved", saved) if saved else _grouped(path, [item for item in walk.files() if _ending(item)])
    finally:
        walk.tell(warn)


def _saved(path: Path, walk: Walk) -> dict[str, list[Path]]:
    """Splits of a folder that `save_to_disk` wrote; empty when it is none."""
    folders = {"train": path} if (path / "state.json").exists() else {}
    if (path / "dataset_dict.json").exists():
        folders = {entry.name: Path(entry) for entry in walk.folders(path) if (Path(entry) / "state.json").exists()}
    splits = {name: sorted(filter(walk.keeps, folder.glob("*.arrow"))) for name, folder in folders.items()}
    if folders and not any(splits.values()):
        raise BadData(f"{shown(path)} was made by save_to_disk but holds no .arrow file", hint="get the folder again, whole")
    return {name: files for name, files in splits.items() if files}


def _pattern(pattern: str, warn: Warn) -> Files:
    root, parts = split_pattern(pattern)
    walk = _walk(root)
    files = walk.matching(parts) if root.is_dir() else []
    walk.tell(warn)
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
    """The files of the format that most of them have; `datasets` takes one format per folder too."""
    formats = [_ending(item) for item in files]
    most = max(dict.fromkeys(formats), key=formats.count)
    return [item for item, name in zip(files, formats, strict=True) if name == most]


def _grouped(path: Path, files: list[Path]) -> Files:
    if not files:
        raise BadData(f"the folder {shown(path)} holds no data files", hint=f"endings that are read: {', '.join(ENDINGS)}")
    kept = same_format(files)
    splits: dict[str, list[Path]] = {}
    for item in kept:
        splits.setdefault(split_of(item.relative_to(path)), []).append(item)
    order = sorted(splits, key=lambda name: (name != "train", name))
    return Files(format_of(kept[0]), {name: splits[name] for name in order}, len(files) - len(kept))


def split_of(relative: PurePath) -> str:
    """Split by a word in the file's or folder's name, as `datasets` does it; `train` when there is none."""
    text = str(relative).lower()
    return next((name for name, sign in _SPLIT_NAMES if sign.search(text)), "train")
