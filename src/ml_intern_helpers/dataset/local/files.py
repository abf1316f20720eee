"""From a path, a folder or a pattern to files grouped by split, and the reader that fits them."""

from __future__ import annotations

import difflib
import glob
import re
from dataclasses import dataclass
from pathlib import Path

from ml_intern_helpers.dataset.local.opening import shown
from ml_intern_helpers.errors import BadData, NotFound
from ml_intern_helpers.text import clean

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


def find_files(target: str) -> Files:
    """The files that `target` (file, folder, glob pattern) stands for.

    Raises:
        NotFound: nothing there; the hint names what lies near.
        BadData: no format that is read here.
    """
    path = Path(target).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return Files(_format(path), {"train": [path]})
    if any(sign in target for sign in "*?["):
        return _pattern(str(path))
    raise NotFound(f"no file {shown(path)}", hint=_near(path))


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


def _format(path: Path) -> str:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in UNSAFE:
        told = f"{shown(path)} is not opened: loading {suffix} files can run code"
        raise BadData(told, hint="export the rows as JSONL or Parquet")
    return ENDINGS.get(suffix.lower()) or _sniffed(path)


def _sniffed(path: Path) -> str:
    """The format of a file whose ending says nothing, from its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, name in ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"{", "jsonl"), (b"[", "json")):
        if head.startswith(start):
            return name
    told = f"{shown(path)} is of no format that is read here"
    raise BadData(told, hint=f"give one of {', '.join(ENDINGS)} (also .gz for text), a folder of them, or a Hub id")


def _folder(path: Path) -> Files:
    saved = _saved(path)
    if saved:
        return Files("saved", saved)
    files = [item for item in sorted(path.rglob("*")) if item.is_file() and not _hidden(item, path)]
    return _grouped(path, [item for item in files if _ending(item)])


def _saved(path: Path) -> dict[str, list[Path]]:
    """Splits of a folder that `save_to_disk` wrote; empty when it is none."""
    folders = {"train": path} if (path / "state.json").exists() else {}
    if (path / "dataset_dict.json").exists():
        folders = {item.name: item for item in sorted(path.iterdir()) if (item / "state.json").exists()}
    return {name: sorted(folder.glob("*.arrow")) for name, folder in folders.items()}


def _hidden(item: Path, root: Path) -> bool:
    return any(part.startswith((".", "__")) for part in item.relative_to(root).parts)


def _pattern(pattern: str) -> Files:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [Path(name) for name in names if Path(name).is_file()]
    if not files:
        raise NotFound(
            f"no file matches {clean(pattern, limit=200)}", hint="check the pattern; quote it so that the shell leaves it alone"
        )
    known = [item for item in files if _ending(item)]
    if not known:
        return Files(_format(files[0]), {"train": files})
    kept = _same_format(known)
    return Files(_format(kept[0]), {"train": kept}, len(files) - len(kept))


def _ending(item: Path) -> str | None:
    suffix = Path(item.stem).suffix if item.suffix == ".gz" else item.suffix
    return ENDINGS.get(suffix.lower()) if item.name not in ("dataset_info.json", "dataset_infos.json", "state.json") else None


def _same_format(files: list[Path]) -> list[Path]:
    """The files of the format that most of them have; `datasets` takes one format per folder too."""
    formats = [_ending(item) for item in files]
    most = max(dict.fromkeys(formats), key=formats.count)
    return [item for item, name in zip(files, formats, strict=True) if name == most]


def _grouped(path: Path, files: list[Path]) -> Files:
    if not files:
        raise BadData(f"the folder {shown(path)} holds no data files", hint=f"endings that are read: {', '.join(ENDINGS)}")
    kept = _same_format(files)
    splits: dict[str, list[Path]] = {}
    for item in kept:
        splits.setdefault(_split_of(item.relative_to(path)), []).append(item)
    order = sorted(splits, key=lambda name: (name != "train", name))
    return Files(_format(kept[0]), {name: splits[name] for name in order}, len(files) - len(kept))


def _split_of(relative: Path) -> str:
    """Split by a word in the file's or folder's name, as `datasets` does it; `train` when there is none."""
    text = str(relative).lower()
    return next((name for name, sign in _SPLIT_NAMES if sign.search(text)), "train")
