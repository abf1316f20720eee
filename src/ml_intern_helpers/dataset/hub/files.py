"""Reads files in a dataset's repository, named by `hf://datasets/owner/name@revision/path`: a file, a folder or a pattern.

Parquet files are read in place. Of files in other formats the head is fetched and read like a file on this machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import file_system, repository
from ml_intern_helpers.dataset.local import columnar
from ml_intern_helpers.dataset.local.bounds import MIB
from ml_intern_helpers.dataset.local.files import ENDINGS, UNSAFE, same_format, split_of
from ml_intern_helpers.dataset.local.read_files import read_local
from ml_intern_helpers.dataset.local.table import cut_to_bounds
from ml_intern_helpers.dataset.mapping.code import quoted
from ml_intern_helpers.dataset.sample import Extent, Sample, Source, Split, Stored, with_every_column
from ml_intern_helpers.dataset.splits import SplitChoice, choose_split

#: Bytes fetched of a file that is read from its start, and the largest file that is fetched when it can only be read whole.
HEAD_BYTES = 8 * MIB
WHOLE_BYTES = 32 * MIB
#: Row groups of a Parquet file that the sample is drawn from: each of them costs requests.
PLACES = 3
CONFIG = "default"


def read_hub_files(ref: DatasetRef, sample_size: int, context: Context) -> Sample:
    """A sample of the files that `ref` names.

    Raises:
        NotFound, AccessDenied: no such file, repository or revision, or no access with this account.
        BadData: an unsupported format. Unavailable: the Hub cannot be reached.
    """
    if context.offline:
        raise Unavailable(f"{ref.address}: offline, and files of the Hub are not stored", hint="run again online")
    context.progress(f"reading {ref.address}")
    try:
        system = file_system.system()
        stored = stored_files(ref, system)
        # A single JSON document may hold its splits in fields: they are known only once it is read.
        one_document = stored.format == "json" and sum(map(len, stored.splits.values())) == 1
        choice = choose_split([(CONFIG, split) for split in stored.splits], replace(ref, split=None) if one_document else ref)
        read = _parquet if stored.format == "parquet" else _fetched
        return read(ref, stored, choice, system, sample_size, context)
    except ToolError:
        raise
    except Exception as err:  # the Hub's client raises many types of exceptions
        raise _translated(ref, err) from err


def _parquet(ref: DatasetRef, stored: Stored, choice: SplitChoice, system: Any, sample_size: int, context: Context) -> Sample:
    """A sample of the first file, read in pieces; the other files are not opened, so their number of rows is unknown."""
    import pyarrow.parquet as parquet

    first, *others = stored.splits[choice.split]
    with system.open(first, "rb", block_size=MIB) as stream:
        file = parquet.ParquetFile(stream, pre_buffer=False, buffer_size=MIB // 4)
        table = columnar.sampled_table([file], Path(first.removeprefix("hf://")), sample_size, PLACES)
    cut_to_bounds(table)
    for note in table.notes:
        context.warn(note)
    if not table.rows:
        raise BadData(f"{first} has no rows", hint="there is nothing to inspect")
    kind = "at_least" if others else "exact"
    complete = not others and table.num_rows == len(table.rows)
    size = Split(CONFIG, choice.split, table.num_rows, kind, stored.sizes[choice.split])  # type: ignore[arg-type]
    sample = Sample(
        dataset=ref.address,
        source=Source("parquet", "files of the Hub, read in pieces", ref.revision),
        config=CONFIG,
        split=choice.split,
        chosen_because=choice.because,
        rows=with_every_column(table.rows),
        numbers=table.numbers,
        splits=[_split(stored, name) if name != choice.split else size for name in stored.splits],
        extent=Extent(
            len(table.rows),
            len(table.rows),
            bytes_total=stored.sizes[choice.split],
            complete=complete,
            order="spread over the data" if table.order_spread and not complete else "first rows",
        ),
        load=_load(ref, stored, choice.split, {}),
        types=table.types,
        stored=stored,
    )
    _warn_partial(len(others), context)
    return sample


def _fetched(ref: DatasetRef, stored: Stored, choice: SplitChoice, system: Any, sample_size: int, context: Context) -> Sample:
    """A sample of the head of the first file, which is fetched and read as a file on this machine."""
    first, *others = stored.splits[choice.split]
    with _head(first, stored, choice.split, system) as (path, whole):
        field = ref.split if stored.format == "json" and not others else None
        local = read_local(DatasetRef(str(path), True, None, field, None, ref.method), sample_size, context.warn)
    arguments = dict(local.stored.arguments) if local.stored else {}
    actual = replace(stored, format=local.stored.format if local.stored else stored.format, arguments=arguments)
    complete = whole and not others and local.extent.complete
    splits_in_file = len(local.splits) > 1
    read_splits = local.splits if splits_in_file else [_counted(stored, choice.split, local, whole=whole and not others)]
    sample = replace(
        local,
        dataset=ref.address,
        source=Source(local.source.kind, "files of the Hub, read from the start", ref.revision),
        split=local.split if splits_in_file else choice.split,
        chosen_because=local.chosen_because if splits_in_file else choice.because,
        splits=[*read_splits, *(_split(stored, name) for name in stored.splits if name != choice.split)],
        extent=replace(local.extent, bytes_total=stored.sizes[choice.split], complete=complete, order="first rows"),
        load=_load(ref, actual, choice.split, arguments),
        findings=[item._replace(file=clean(first, limit=200)) for item in local.findings],
        stored=actual,
    )
    if not whole:
        context.warn(f"partial: only the first {HEAD_BYTES // MIB} MiB of the file were read; --full reads Parquet files whole")
    _warn_partial(len(others), context)
    return sample


@contextmanager
def _head(address: str, stored: Stored, split: str, system: Any) -> Iterator[tuple[Path, bool]]:
    """A temporary file with the head of `address`, cut at the end of a line, and whether that is the whole file."""
    lines = stored.format in ("jsonl", "csv", "text", "json") and not address.endswith(".gz")
    with tempfile.TemporaryDirectory(prefix="ml-intern-hub-") as folder, system.open(address, "rb", block_size=MIB) as stream:
        size = int(stream.size)
        if not lines and size > WHOLE_BYTES:
            message = f"{address} can only be read whole, and has {size // MIB} MiB"
            raise BadData(message, hint="download it and give its path, or give its Parquet export (…@~parquet/…)")
        data = stream.read(size if size <= (WHOLE_BYTES if not lines or stored.format == "json" else HEAD_BYTES) else HEAD_BYTES)
        path = Path(folder) / PurePosixPath(address).name
        path.write_bytes(data if len(data) == size else _whole_lines(data, address, stored.format))
        yield path, len(data) == size


def _whole_lines(data: bytes, address: str, kind: str) -> bytes:
    """`data` without its last line, which is cut off; line breaks inside the quotes of a CSV file do not end a line."""
    end = len(data)
    while (end := data.rfind(b"\n", 0, end)) >= 0:
        if kind != "csv" or data.count(b'"', 0, end) % 2 == 0:
            return data[: end + 1]
    raise BadData(f"{address} has a line longer than {HEAD_BYTES // MIB} MiB", hint="write one row per line")


def _counted(stored: Stored, split: str, local: Sample, *, whole: bool) -> Split:
    """The split with its number of rows: counted when everything was read, else estimated from the bytes read."""
    size, own = stored.sizes[split], local.splits[0]
    if whole or own.num_rows is None:
        return replace(own, split=split, num_bytes=size)
    used = local.extent.bytes_read or 1
    return Split(CONFIG, split, int((local.extent.rows_parsed or 0) * size / used), "estimated", size)


def _split(stored: Stored, name: str) -> Split:
    return Split(CONFIG, name, None, "unknown", stored.sizes[name])


def _load(ref: DatasetRef, stored: Stored, split: str, arguments: dict[str, str]) -> str:
    """The line of code that loads this split with `datasets`, which can read `hf://` addresses."""
    builder = {"jsonl": "json", "saved": "arrow"}.get(stored.format, stored.format)
    addresses = stored.splits[split]
    where = ref.address if ref.is_pattern else (addresses[0] if len(addresses) == 1 else addresses)
    more = "".join(f", {name}={quoted(value)}" for name, value in arguments.items())
    return f'dataset = load_dataset({quoted(builder)}, data_files={quoted(where)}{more}, split="train")'


def _warn_partial(others: int, context: Context) -> None:
    if others:
        context.warn(f"partial: only the first of {others + 1} files was read")


def _translated(ref: DatasetRef, err: Exception) -> ToolError:
    """The error of ours for an exception of the Hub's client."""
    name, message = type(err).__name__, clean(err, limit=200)
    if "Gated" in name or "gated" in message.lower():
        return repository.gated(ref.name)
    if "RevisionNotFound" in name or "revision" in message.lower():
        return NotFound(f"{ref.name} has no revision {clean(ref.revision, limit=60)!r}", hint=f"see {repository.page(ref.name)}")
    if "RepositoryNotFound" in name or getattr(getattr(err, "response", None), "status_code", 0) in (401, 403):
        return AccessDenied(f"{ref.name} is missing, private or gated", hint="check the spelling, or log in with `hf auth login`")
    if isinstance(err, FileNotFoundError) or "EntryNotFound" in name:
        return NotFound(f"no file {ref.address}", hint=f"the files: {repository.page(ref.name)}/tree/main")
    if "ArrowInvalid" in name:
        return BadData(f"{ref.address} is damaged or cut off: {message}", hint="upload the file again, or read another one")
    return Unavailable(f"{ref.address}: {name}: {message}", hint="ask again later, or download the file")


def stored_files(ref: DatasetRef, system: Any) -> Stored:
    """The files that the address stands for, by split, with their sizes.

    Raises:
        NotFound: no file matches. BadData: only files in unsupported formats match.
    """
    root = ref.address.removeprefix("hf://")
    if ref.is_pattern:
        listed = system.glob(root, detail=True)
    else:
        about = system.info(root)
        listed = {root: about} if about["type"] == "file" else system.find(root, detail=True)
    bytes_by_path = {str(path): int(about.get("size") or 0) for path, about in sorted(listed.items()) if about["type"] == "file"}
    if not bytes_by_path:
        raise NotFound(f"no file matches {ref.address}", hint=f"the files: {repository.page(ref.name)}/tree/main")
    known = [Path(path) for path in bytes_by_path if _ending(path)]
    if not known:
        unsafe = any(Path(path).suffix.lower() in UNSAFE for path in bytes_by_path)
        why = "is not opened: loading such files can run code" if unsafe else "has an unsupported file format"
        raise BadData(f"{ref.address} {why}", hint=f"formats: {', '.join(ENDINGS)} (also .gz for text)")
    kept = same_format(known)
    kind = ENDINGS[_ending(str(kept[0])) or ""]
    splits: dict[str, list[Any]] = {}
    one_split = len(kept) == 1 or ref.is_pattern
    for path in kept:
        inside = PurePosixPath(str(path).split("/", 3)[3])
        splits.setdefault("train" if one_split else split_of(inside), []).append(f"hf://{path}")
    order = sorted(splits, key=lambda name: (name != "train", name))
    sizes = {name: sum(bytes_by_path[address.removeprefix("hf://")] for address in splits[name]) for name in order}
    return Stored(kind, {name: splits[name] for name in order}, sizes)


def _ending(path: str) -> str | None:
    name = PurePosixPath(path)
    suffix = PurePosixPath(name.stem).suffix if name.suffix == ".gz" else name.suffix
    return suffix.lower() if suffix.lower() in ENDINGS else None
