"""Reads a sample of a dataset on the Hub.

The dataset viewer is asked first, in at most three round trips. If it has no rows, they come from the Parquet export that the
Hub keeps, or from the repository's files, streamed by `datasets`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.columns import type_texts
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import file_system, parquet_export, repository
from ml_intern_helpers.dataset.hub.repository import KNOWN_ALIVE_S, Repository, run_side_by_side
from ml_intern_helpers.dataset.hub.viewer import (
    Pairs,
    Rows,
    ViewerError,
    parse_info,
    parse_rows,
    parse_size,
    parse_splits,
    parse_valid,
    viewer_error,
)
from ml_intern_helpers.dataset.sample import Extent, Row, Sample, Source, Split, with_every_column
from ml_intern_helpers.dataset.splits import SplitChoice, choose_split, load_line
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.services import VIEWER

HUB_NAME, VIEWER_NAME = "Hugging Face Hub", "dataset viewer"
OVERVIEW = ("splits", "size", "info", "is-valid")
WHOLE_ROWS = 20
Answers = dict[tuple[str, str], Any]


def read_hub_dataset(ref: DatasetRef, context: Context) -> Sample:
    """A sample of the dataset that `ref` names.

    Raises:
        NotFound, AccessDenied, Unavailable, BadData: no source has rows; the message says why.
    """
    answers = run_side_by_side(_first_round(ref, context))
    repo = _repository(ref, answers, context)
    error = viewer_error(answers[VIEWER_NAME, "splits"]) or _other_revision(ref, repo, answers)
    if error is None:
        sample = _through_viewer(ref, answers, context)
        if isinstance(sample, Sample):
            return replace(sample, card=repo.card if repo else None)
        error = sample
    # These errors are final: no other source can have the rows.
    if error.kind == "renamed":
        raise NotFound(
            f"{ref.name} was renamed", hint=f"run again with the new name, which its page shows: {repository.page(ref.name)}"
        )
    if error.kind == "empty":
        raise NotFound(f"{ref.name} holds no data: {error.message}", hint="there is nothing to inspect")
    if error.kind == "no_such":
        raise NotFound(f"{ref.name}: {error.message}", hint="check --config and --split")
    if error.kind == "hidden" and repo is None:
        message = f"{ref.name} is missing, private or gated: the Hub gives the same answer for all three"
        raise AccessDenied(message, hint="check the spelling, or log in with `hf auth login`")
    if not error.elsewhere:
        raise BadData(f"{ref.name}: {error.message}", hint=f"the dataset itself is broken; see {repository.page(ref.name)}")
    if repo is None:
        raise Unavailable(f"{ref.name}: {error.message}, and the Hub cannot be reached either", hint="ask again later")
    return replace(_elsewhere(ref, error, repo, context), card=repo.card)


def _elsewhere(ref: DatasetRef, error: ViewerError, repo: Repository, context: Context) -> Sample:
    """A sample from the Parquet export (which exists only for the main revision), else from the streamed files.

    Raises:
        AccessDenied: the dataset is gated. BadData: the dataset is a program. Unavailable: neither source has rows.
    """
    if context.offline:
        raise Unavailable(f"{ref.name}: offline, and no stored answer", hint="run again online")
    if error.kind == "hidden" and repo.gated:
        raise repository.gated(ref.name)
    context.warn(f"not from the dataset viewer: {error.message}")
    if not ref.revision:
        try:
            return parquet_export.read_parquet_export(ref, error, context)
        except parquet_export.NoExport:
            pass
    if error.kind == "script":
        message = f"{ref.name} is a loading script without a Parquet export; loading scripts are not run"
        raise BadData(message, hint="ask its owner to convert it (`datasets-cli convert_to_parquet`), or use a copy in Parquet")
    try:
        return read_streamed(ref, error, context)
    except (AccessDenied, NotFound, BadData):
        raise
    except Unavailable as err:
        raise Unavailable(f"{err.message}; before that, {error.message}", hint=err.hint) from err


def _first_round(ref: DatasetRef, context: Context) -> dict[tuple[str, str], Callable[[], Response]]:
    http = context.http

    def viewer(path: str, **more: str | None) -> Callable[[], Response]:
        return lambda: http.get(VIEWER, f"/{path}", {"dataset": ref.name, **more})

    calls: dict[tuple[str, str], Callable[[], Response]] = {(VIEWER_NAME, path): viewer(path) for path in OVERVIEW}
    calls[HUB_NAME, "repository"] = lambda: repository.ask(http, ref.name, ref.revision)
    if ref.config and ref.split:
        calls[VIEWER_NAME, "first-rows"] = viewer("first-rows", config=ref.config, split=ref.split)
    return calls


def _repository(ref: DatasetRef, answers: Answers, context: Context) -> Repository | None:
    """The Hub's facts about the repository; None when only the viewer answers.

    Raises:
        NotFound, AccessDenied: missing, private, renamed, disabled.
    """
    answer = answers[HUB_NAME, "repository"]
    splits = answers[VIEWER_NAME, "splits"]
    if isinstance(answer, Exception) or answer.status == 429 or answer.status >= 500:
        # Continue without the Hub's facts if the viewer's answer is enough; otherwise raise the Hub's error.
        message = answer.message if isinstance(answer, ToolError) else f"the Hub answered {getattr(answer, 'status', answer)}"
        error = viewer_error(splits)
        if error is None and not ref.revision:
            context.warn(f"no facts from the dataset card: {message}")
        elif error is None or error.kind not in ("hidden", "renamed", "no_such"):
            raise answer if isinstance(answer, ToolError) else Unavailable(f"{ref.name}: {message}", hint="ask again later")
        return None
    if not answer.ok:
        raise repository.refuse(answer, ref.name, ref.revision, context.http)
    repo = repository.parse(answer.json(), ref.name)
    if repo.name != ref.name:
        raise repository.renamed(ref.name, repo.name)
    if repo.disabled:
        raise AccessDenied(f"{ref.name} was disabled by the Hub", hint=f"its page says why: {repository.page(ref.name)}")
    return repo


def _other_revision(ref: DatasetRef, repo: Repository | None, answers: Answers) -> ViewerError | None:
    """The error that the requested revision is not the main one, which is the only one the viewer knows; else None."""
    if not ref.revision:
        return None
    known = answers[VIEWER_NAME, "splits"].headers.get("x-revision")
    if repo and known and repo.sha == known:
        return None
    return ViewerError("blocked", "the dataset viewer knows the main revision only")


def _through_viewer(ref: DatasetRef, answers: Answers, context: Context) -> Sample | ViewerError:
    """The sample, or the error that says why the viewer has no rows."""
    splits_answer: Response = answers[VIEWER_NAME, "splits"]
    try:
        pairs = parse_splits(splits_answer.json())
    except BadData as err:
        return ViewerError("away", err.message)
    if not pairs.pairs:
        message = "has no split that is ready" if pairs.pending else "lists no splits"
        return ViewerError("busy" if pairs.pending else "broken", f"the dataset viewer {message} for {ref.name}")
    choice = choose_split(pairs.pairs, ref)
    answer = answers.get((VIEWER_NAME, "first-rows")) or _ask_rows(ref, choice, context, "first-rows")
    error = viewer_error(answer)
    if error or not isinstance(answer, Response):
        return error or ViewerError("away", "no answer")
    try:
        rows = _with_uncut_cells(parse_rows(answer.json()), ref, choice, context)
    except BadData as err:
        return ViewerError("away", err.message)
    # Warn about what is missing from the viewer's answers.
    valid = answers[VIEWER_NAME, "is-valid"]
    for configs, message in ((pairs.pending, "not ready yet"), (pairs.failed, "failed")):
        if configs:
            context.warn(f"dataset viewer: {len(configs)} configs {message} ({', '.join(configs[:5])})")
    if rows.shortened:
        context.warn("dataset viewer: long texts in the sample are shortened")
    if isinstance(valid, Response) and valid.ok and not parse_valid(valid.json()).get("viewer", True):
        context.warn("dataset viewer: preview only, without its Parquet export: counts may be missing")
    return _sample(ref, choice, rows, _sizes(pairs, answers), answer)


def _ask_rows(ref: DatasetRef, choice: SplitChoice, context: Context, path: str, **more: int) -> Response | ToolError:
    """The viewer's answer to `/first-rows` or `/rows`, with a time limit."""
    params: dict[str, str | int | bool | list[str] | None] = {"dataset": ref.name, "config": choice.config}
    params |= {"split": choice.split, **more}
    key = (VIEWER_NAME, path)
    calls = {key: lambda: context.http.get(VIEWER, f"/{path}", params)}
    answer: Response | ToolError = run_side_by_side(calls, KNOWN_ALIVE_S)[key]
    return answer


def _with_uncut_cells(rows: Rows, ref: DatasetRef, choice: SplitChoice, context: Context) -> Rows:
    """Rows whose nested cells are not cut, from `/rows`, if that gives more such rows than `/first-rows`; else `rows`."""
    if not rows.cut:
        return rows
    answer = _ask_rows(ref, choice, context, "rows", offset=0, length=WHOLE_ROWS)
    if viewer_error(answer) is None and isinstance(answer, Response):
        whole = parse_rows(answer.json())
        if len(rows.rows) - len(rows.cut) < len(whole.rows) - len(whole.cut):
            return whole
    return rows


def _sizes(pairs: Pairs, answers: Answers) -> list[Split]:
    """Every split with its size: from `/size`, else from `/info`, else unknown."""
    known: dict[tuple[str, str], Split] = {}
    for name, parse in (("info", parse_info), ("size", parse_size)):
        answer = answers[VIEWER_NAME, name]
        if viewer_error(answer) is None:
            try:
                known.update(parse(answer.json()))
            except (BadData, KeyError, AttributeError, TypeError):
                continue  # sizes are optional
    return [known.get(pair, Split(*pair)) for pair in pairs.pairs]


def _sample(ref: DatasetRef, choice: SplitChoice, rows: Rows, splits: list[Split], answer: Response) -> Sample:
    kept = [position for position in range(len(rows.rows)) if position not in rows.cut]
    sampled: list[Row] = [rows.rows[position] for position in kept]
    size = next((item for item in splits if (item.config, item.split) == (choice.config, choice.split)), None)
    if not rows.rows:
        raise NotFound(f"{ref.name} has no rows in config {choice.config!r}, split {choice.split!r}", hint="try another split")
    source = Source("viewer", f"{VIEWER_NAME} ({VIEWER.base_url})", answer.headers.get("x-revision"), answer.date, answer.cached)
    return Sample(
        dataset=ref.name,
        source=source,
        config=choice.config,
        split=choice.split,
        chosen_because=choice.because,
        rows=sampled,
        numbers=[rows.numbers[position] for position in kept],
        splits=splits,
        extent=Extent(
            rows_sampled=len(sampled),
            complete=bool(size and size.num_rows_is == "exact" and size.num_rows == len(sampled)),
            rows_dropped_cut=len(rows.cut),
        ),
        load=load_line(ref, choice),
        types=rows.types,
        shortened=rows.shortened,
    )


SAMPLE = 100
#: Builders of `datasets` that only read rows; others unpack archives or decode arrays.
PLAIN = frozenset({"json", "csv", "parquet", "arrow", "text"})


def read_streamed(ref: DatasetRef, error: ViewerError, context: Context) -> Sample:
    """A sample of the head of one split, streamed.

    Raises:
        NotFound: no such config or split. BadData: files in an unsupported format. Unavailable: `datasets` fails.
    """
    context.progress(f"streaming {ref.name} through `datasets`")
    try:
        return _stream(ref, error)
    except ToolError:
        raise
    except Exception as err:  # `datasets` and the Hub's client raise many types of exceptions
        name = type(err).__name__
        if name in ("GatedRepoError", "DatasetNotFoundError") and "gated" in str(err).lower():
            raise repository.gated(ref.name) from err
        if "scripts are no longer supported" in str(err):
            message = f"{ref.name} is a loading script; loading scripts are not run"
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
        message = f"{ref.name} consists of {clean(kind, limit=40)} files, which are not opened here"
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
