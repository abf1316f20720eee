"""Loads only the first rows of each split, in the type that the script asked for.

A script may then ask for rows that were not loaded (`select(range(10_000))`). Such a request is answered from the rows that are
there, because with the whole dataset it would have succeeded.
"""

from __future__ import annotations

import os
import re
from typing import Any, ClassVar

from ml_intern_helpers.dryrun.inside.events import Run, emit, substitute

#: Bytes of local files up to which a dataset is read as the library reads it, before its rows are cut.
_SMALL_FILES = 30_000_000
_SLICE = re.compile(r"^(?P<name>[^\[\]]+?)\s*(?:\[.*\])?$")


class _State:
    """Whether rows were left out, and for each limited split the number of its rows where it is known."""

    limited = False
    known: ClassVar[dict[str, int]] = {}


def is_limited() -> bool:
    return _State.limited


def real_rows() -> dict[str, int]:
    """Number of rows by split, for splits of which fewer were loaded."""
    return _State.known


def patch_load(module: Any) -> None:
    """Replace `load_dataset` and `load_from_disk` of `datasets.load`."""
    # Read again: where something imported the library earlier, it has kept the cache folder of that time.
    module.config.HF_DATASETS_CACHE = os.environ.get("HF_DATASETS_CACHE", module.config.HF_DATASETS_CACHE)
    load, from_disk = module.load_dataset, module.load_from_disk

    def load_dataset(path: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        whole = load if args or _is_small(path, kwargs) else None
        if whole is not None:
            return _first_rows(whole(path, name, *args, **kwargs))
        return _streamed(load, path, name, kwargs)

    def load_from_disk(*args: Any, **kwargs: Any) -> Any:
        return _first_rows(from_disk(*args, **kwargs))

    load_dataset.__wrapped__ = load  # type: ignore[attr-defined]
    module.load_dataset, module.load_from_disk = load_dataset, load_from_disk


def _is_small(path: str, kwargs: dict[str, Any]) -> bool:
    """Whether the rows lie in local files small enough to read as they are."""
    files: list[str] = []
    _collect(kwargs.get("data_files"), files)
    if not files and os.path.exists(str(path)):
        for folder, _, names in os.walk(path) if os.path.isdir(path) else []:
            files += [os.path.join(folder, file) for file in names]
        files = files or [str(path)]
    base = str(kwargs.get("data_dir") or "")
    paths = [file if os.path.exists(file) else os.path.join(base, file) for file in files]
    local = [file for file in paths if os.path.exists(file)]
    if not files or "://" in "".join(files):
        return False
    return not local or sum(map(os.path.getsize, local)) <= _SMALL_FILES


def _collect(value: Any, files: list[str]) -> None:
    if isinstance(value, (str, os.PathLike)):
        files.append(os.fspath(value))
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, files)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, files)


def _first_rows(data: Any) -> Any:
    """The dataset cut to `Run.rows` rows per split."""
    if isinstance(data, dict):
        return type(data)({name: _cut(split, name) for name, split in data.items()})
    if isinstance(data, list):
        return [_first_rows(part) for part in data]
    return _cut(data, str(getattr(data, "split", "") or "data"))


def _cut(split: Any, name: str) -> Any:
    if not hasattr(split, "__len__"):
        return split.take(Run.rows)
    if len(split) <= Run.rows:
        return split
    _note(name, len(split))
    return split.select(range(Run.rows))


def _note(name: str, rows: int | None) -> None:
    _State.limited = True
    if rows:
        _State.known[name] = rows
    of = f" of {rows:,}" if rows else ""
    substitute("data", f"the first {Run.rows}{of} rows of {name}")


def _streamed(load: Any, path: str, name: str | None, kwargs: dict[str, Any]) -> Any:
    """What `load_dataset` would return, from the first rows of the stream."""
    options = {key: value for key, value in kwargs.items() if key not in ("split", "streaming", "num_proc", "keep_in_memory")}
    split, streaming = kwargs.get("split"), kwargs.get("streaming", False)
    if split is None:
        splits = load(path, name, streaming=True, **options)
        made = {key: _materialised(stream, key, streaming) for key, stream in splits.items()}
        return type(splits)(made) if streaming else _module_type("DatasetDict")(made)
    if isinstance(split, (list, tuple)):
        return [_streamed(load, path, name, {**kwargs, "split": part}) for part in split]
    parts = [_split_name(part) for part in str(split).split("+")]
    streams = [load(path, name, split=part, streaming=True, **options) for part in parts]
    datasets = [_materialised(stream, part, streaming) for stream, part in zip(streams, parts, strict=True)]
    if len(datasets) == 1:
        return datasets[0]
    import datasets as library

    return library.concatenate_datasets(datasets)


def _split_name(text: str) -> str:
    match = _SLICE.match(text.strip())
    return match["name"] if match else text


def _module_type(name: str) -> Any:
    import datasets

    return getattr(datasets, name)


def _materialised(stream: Any, name: str, streaming: bool) -> Any:
    """A split as the script gets it: still a stream, or a `Dataset` of its first rows with the stream's features."""
    info = getattr(stream, "info", None)
    splits = getattr(info, "splits", None) or {}
    known = splits[name].num_examples if name in splits else None
    if streaming:
        return stream.take(Run.rows)
    rows = list(stream.take(Run.rows))
    if known is None or known > len(rows):
        _note(name, known)
    dataset = _module_type("Dataset")
    return dataset.from_list(rows, features=stream.features) if rows else dataset.from_list(rows)


def patch_dataset(module: Any) -> None:
    """Answer requests to `datasets.Dataset` for rows that were not loaded from those that were."""
    dataset = module.Dataset
    for name, adapt in {"select": _within, "skip": _fewer, "_getitem": _within_one, "train_test_split": _split_sizes}.items():
        setattr(dataset, name, _adapted(getattr(dataset, name), adapt))
    keep = dataset.filter

    def note_empty(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept = keep(self, *args, **kwargs)
        if _State.limited and len(self) and not len(kept):
            emit("limit", what="filter", message=f"a filter kept none of the first {len(self)} rows; others were not loaded")
        return kept

    dataset.filter = note_empty


def _adapted(method: Any, adapt: Any) -> Any:
    """The method, with its arguments adapted to the rows that are there."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _State.limited and len(self):
            args, kwargs = adapt(len(self), args, kwargs)
        return method(self, *args, **kwargs)

    return call


def _exists(row: int) -> bool:
    """Whether the whole dataset may have this row: an index beyond its end is the script's own mistake."""
    return len(_State.known) != 1 or row < next(iter(_State.known.values()))


def _within(rows: int, args: Any, kwargs: Any) -> Any:
    indices = args[0] if args else kwargs.pop("indices")
    listed = list(indices)
    if listed and max(listed) >= rows and _exists(max(listed)):
        indices = sorted({index % rows for index in listed})
    return (indices, *args[1:]), kwargs


def _within_one(rows: int, args: Any, kwargs: Any) -> Any:
    key = args[0] if args else kwargs.pop("key")
    if isinstance(key, int) and key >= rows and _exists(key):
        key %= rows
    return (key, *args[1:]), kwargs


def _fewer(rows: int, args: Any, kwargs: Any) -> Any:
    number = args[0] if args else kwargs.pop("n")
    return (number if number < rows or not _exists(number) else rows // 2,), kwargs


def _split_sizes(rows: int, args: Any, kwargs: Any) -> Any:
    named = {**dict(zip(("test_size", "train_size"), args, strict=False)), **kwargs}
    counts = {name: named[name] for name in ("test_size", "train_size") if isinstance(named.get(name), int)}
    total = sum(counts.values())
    if total >= rows and _exists(total):
        share = counts.get("test_size", 0) / total if len(counts) == 2 else 0.2
        named = {**named, "test_size": min(max(share, 0.1), 0.5), "train_size": None}
    return args[2:], named
