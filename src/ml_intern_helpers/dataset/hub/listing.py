"""Which files of a repository an `hf://` address means, by split."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ml_intern_helpers.core.errors import BadData, NotFound
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import repository
from ml_intern_helpers.dataset.local.files import ENDINGS, UNSAFE, same_format, split_of
from ml_intern_helpers.dataset.sample import Stored


def stored_files(asked: DatasetRef, system: Any) -> Stored:
    """The files by split, with their sizes."""
    found = _entries(asked, system)
    known = [Path(path) for path in found if _ending(path)]
    if not known:
        unsafe = any(Path(path).suffix.lower() in UNSAFE for path in found)
        told = (
            f"{asked.address} is {'not opened: loading such files can run code' if unsafe else 'of no format that is read here'}"
        )
        raise BadData(told, hint=f"formats: {', '.join(ENDINGS)} (also .gz for text)")
    kept = same_format(known)
    kind = ENDINGS[_ending(str(kept[0])) or ""]
    splits: dict[str, list[Any]] = {}
    one = len(kept) == 1 or any(sign in str(asked.path) for sign in "*?[")
    for path in kept:
        inside = PurePosixPath(str(path).split("/", 3)[3])
        splits.setdefault("train" if one else split_of(inside), []).append(f"hf://{path}")
    order = sorted(splits, key=lambda name: (name != "train", name))
    sizes = {name: sum(found[address.removeprefix("hf://")] for address in splits[name]) for name in order}
    return Stored(kind, {name: splits[name] for name in order}, sizes)


def _entries(asked: DatasetRef, system: Any) -> dict[str, int]:
    """Path -> bytes of every file that is meant."""
    root = asked.address.removeprefix("hf://")
    if any(sign in str(asked.path) for sign in "*?["):
        listed = system.glob(root, detail=True)
    else:
        about = system.info(root)
        listed = {root: about} if about["type"] == "file" else system.find(root, detail=True)
    found = {str(path): int(about.get("size") or 0) for path, about in listed.items() if about["type"] == "file"}
    if not found:
        raise NotFound(f"no file matches {asked.address}", hint=f"the files: {repository.page(asked.name)}/tree/main")
    return dict(sorted(found.items()))


def _ending(path: str) -> str | None:
    name = PurePosixPath(path)
    suffix = PurePosixPath(name.stem).suffix if name.suffix == ".gz" else name.suffix
    return suffix.lower() if suffix.lower() in ENDINGS else None
