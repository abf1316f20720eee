"""The last source: `datasets` streams the repository's own files, if their format is plain data."""

from __future__ import annotations

import itertools
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.columns import type_texts
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import file_system, repository
from ml_intern_helpers.dataset.hub.viewer import ViewerError
from ml_intern_helpers.dataset.sample import Extent, Sample, Source, Split, with_every_column
from ml_intern_helpers.dataset.splits import choose_split, load_line

SAMPLE = 100
#: Builders that only read rows; others unpack archives or decode arrays.
PLAIN = frozenset({"json", "csv", "parquet", "arrow", "text"})


def read_streamed(ref: DatasetRef, error: ViewerError, context: Context) -> Sample:
    """The head of one split, streamed.

    Raises:
        NotFound: no such config or split. BadData: files of a kind that is not opened. Unavailable: `datasets` gives up.
    """
    context.progress(f"streaming {ref.name} through `datasets`")
    try:
        return _stream(ref, error)
    except ToolError:
        raise
    except Exception as err:  # whatever `datasets` and the Hub's client raise
        name = type(err).__name__
        if name in ("GatedRepoError", "DatasetNotFoundError") and "gated" in str(err).lower():
            raise repository.gated(ref.name) from err
        if "scripts are no longer supported" in str(err):
            message = f"{ref.name} is a program that makes data; programs are not run"
            raise BadData(message, hint="use a copy in Parquet") from err
        message = f"`datasets` cannot stream {ref.name}: {name}: {clean(err, limit=200)}"
        raise Unavailable(message, hint="ask again later, or download the files and give their path") from err


def _stream(ref: DatasetRef, error: ViewerError) -> Sample:
    file_system.prepare()
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    options: dict[str, Any] = {"revision": ref.revision, "token": hf_token() or False}
    configs = [ref.config] if ref.config else datasets.get_dataset_config_names(ref.name, **options)
    config = configs[0] if "default" not in configs else "default"
    builder = datasets.load_dataset_builder(ref.name, config, **options)
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in PLAIN:
        message = f"{ref.name} is made of {clean(kind, limit=40)} files, which are not opened here"
        raise BadData(message, hint="inspect a copy in Parquet or JSONL")
    names = list(builder.info.splits or datasets.get_dataset_split_names(ref.name, config, **options))
    choice = choose_split([(config, name) for name in names], ref)
    stream = builder.as_streaming_dataset(split=choice.split).decode(False)
    rows = with_every_column([dict(row) for row in itertools.islice(stream, SAMPLE)])
    if not rows:
        raise NotFound(f"{ref.name} has no rows in split {choice.split!r}", hint="there is nothing to inspect")
    others = [Split(name, "?") for name in configs if name != config]
    return Sample(
        dataset=ref.name,
        source=Source("streaming", "the repository's files, streamed by `datasets`", ref.revision, why=error.message),
        config=config,
        split=choice.split,
        chosen_because=choice.because,
        rows=rows,
        numbers=list(range(1, len(rows) + 1)),
        splits=[Split(config, name) for name in names] + others,
        extent=Extent(len(rows), complete=len(rows) < SAMPLE),
        load=load_line(ref, choice),
        types=type_texts(builder.info.features.to_dict()) if builder.info.features else {},
    )
