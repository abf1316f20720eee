"""A look at a dataset on the Hub, in at most three round trips one after another while the viewer is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.dataset.choice import Choice, choose
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import fallback, repository
from ml_intern_helpers.dataset.hub.faults import Fault, fault_of
from ml_intern_helpers.dataset.hub.load_line import load_line
from ml_intern_helpers.dataset.hub.repository import Repository
from ml_intern_helpers.dataset.hub.side_by_side import KNOWN_ALIVE_S, SideBySide
from ml_intern_helpers.dataset.hub.viewer import Pairs, Rows, parse_info, parse_rows, parse_size, parse_splits, parse_valid
from ml_intern_helpers.dataset.sample import Extent, Row, Sample, Source, Split
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.services import VIEWER

HUB_NAME, VIEWER_NAME = "Hugging Face Hub", "dataset viewer"
OVERVIEW = ("splits", "size", "info", "is-valid")
WHOLE_ROWS = 20
Answers = dict[tuple[str, str], Any]


def look(asked: DatasetRef, context: Context) -> Sample:
    """Look at the dataset `asked` names.

    Raises:
        NotFound, AccessDenied, Unavailable, BadData: no source gives rows; the message says why.
    """
    answers = SideBySide(_first_round(asked, context)).run()
    repo = _repository(asked, answers, context)
    fault = fault_of(answers[VIEWER_NAME, "splits"]) or _other_revision(asked, repo, answers)
    if fault is None:
        seen = _through_viewer(asked, answers, context)
        if isinstance(seen, Sample):
            return replace(seen, card=repo.card if repo else None)
        fault = seen
    _give_up_if_final(asked, fault, repo)
    if repo is None:
        raise Unavailable(f"{asked.name}: {fault.message}, and the Hub cannot be asked either", hint="ask again later")
    return replace(fallback.look(asked, fault, repo, context), card=repo.card)


def _first_round(asked: DatasetRef, context: Context) -> dict[tuple[str, str], Callable[[], Response]]:
    http = context.http

    def viewer(path: str, **more: str | None) -> Callable[[], Response]:
        return lambda: http.get(VIEWER, f"/{path}", {"dataset": asked.name, **more})

    calls: dict[tuple[str, str], Callable[[], Response]] = {(VIEWER_NAME, path): viewer(path) for path in OVERVIEW}
    calls[HUB_NAME, "repository"] = lambda: repository.ask(http, asked.name, asked.revision)
    if asked.config and asked.split:
        calls[VIEWER_NAME, "first-rows"] = viewer("first-rows", config=asked.config, split=asked.split)
    return calls


def _repository(asked: DatasetRef, answers: Answers, context: Context) -> Repository | None:
    """The Hub's facts; None when the Hub cannot be asked but the viewer can.

    Raises:
        NotFound, AccessDenied: missing, private, renamed, disabled.
    """
    answer = answers[HUB_NAME, "repository"]
    splits = answers[VIEWER_NAME, "splits"]
    if isinstance(answer, Exception) or answer.status == 429 or answer.status >= 500:
        _settle_without_hub(asked, answer, splits, context)
        return None
    if not answer.ok:
        raise repository.refuse(answer, asked.name, asked.revision, context.http)
    repo = repository.parse(answer.json(), asked.name)
    if repo.name != asked.name:
        raise repository.renamed(asked.name, repo.name)
    if repo.disabled:
        raise AccessDenied(f"{asked.name} was disabled by the Hub", hint=f"its page says why: {repository.page(asked.name)}")
    return repo


def _settle_without_hub(asked: DatasetRef, answer: Any, splits: Any, context: Context) -> None:
    """Go on with the viewer's word alone, where that is enough; else raise the Hub's fault."""
    told = answer.message if isinstance(answer, ToolError) else f"the Hub answered {getattr(answer, 'status', answer)}"
    fault = fault_of(splits)
    if fault is None and not asked.revision:
        context.warn(f"no card facts: {told}")
    elif fault is None or fault.kind not in ("hidden", "renamed", "no_such"):
        raise answer if isinstance(answer, ToolError) else Unavailable(f"{asked.name}: {told}", hint="ask again later")


def _other_revision(asked: DatasetRef, repo: Repository | None, answers: Answers) -> Fault | None:
    """The viewer knows the main revision only; another one is read from the files."""
    if not asked.revision:
        return None
    known = answers[VIEWER_NAME, "splits"].headers.get("x-revision")
    if repo and known and repo.sha == known:
        return None
    return Fault("blocked", "the dataset viewer knows the main revision only")


def _through_viewer(asked: DatasetRef, answers: Answers, context: Context) -> Sample | Fault:
    """The look itself, or why the viewer has no rows."""
    splits_answer: Response = answers[VIEWER_NAME, "splits"]
    try:
        pairs = parse_splits(splits_answer.json())
    except BadData as err:
        return Fault("away", err.message)
    if not pairs.pairs:
        told = "has no split that is ready" if pairs.pending else "lists no splits"
        return Fault("busy" if pairs.pending else "broken", f"the dataset viewer {told} for {asked.name}")
    choice = choose(pairs.pairs, asked)
    answer = answers.get((VIEWER_NAME, "first-rows")) or _ask_rows(asked, choice, context, "first-rows")
    fault = fault_of(answer)
    if fault or not isinstance(answer, Response):
        return fault or Fault("away", "no answer")
    try:
        rows = _whole(parse_rows(answer.json()), asked, choice, context)
    except BadData as err:
        return Fault("away", err.message)
    _tell_gaps(pairs, rows, answers[VIEWER_NAME, "is-valid"], context)
    return _look(asked, choice, rows, _sizes(pairs, answers), answer)


def _ask_rows(asked: DatasetRef, choice: Choice, context: Context, path: str, **more: int) -> Response | ToolError:
    """First rows, waited for no longer than any other call."""
    params: dict[str, str | int | bool | list[str] | None] = {"dataset": asked.name, "config": choice.config}
    params |= {"split": choice.split, **more}
    key = (VIEWER_NAME, path)
    calls = {key: lambda: context.http.get(VIEWER, f"/{path}", params)}
    answer: Response | ToolError = SideBySide(calls, KNOWN_ALIVE_S).run()[key]
    return answer


def _whole(rows: Rows, asked: DatasetRef, choice: Choice, context: Context) -> Rows:
    """The same rows with every nested cell whole: `/rows` does not cut them. Fewer, where that is what it takes."""
    if not rows.cut:
        return rows
    answer = _ask_rows(asked, choice, context, "rows", offset=0, length=WHOLE_ROWS)
    if fault_of(answer) is None and isinstance(answer, Response):
        whole = parse_rows(answer.json())
        if len(rows.rows) - len(rows.cut) < len(whole.rows) - len(whole.cut):
            return whole
    return rows


def _tell_gaps(pairs: Pairs, rows: Rows, valid: Any, context: Context) -> None:
    """Notes on what the viewer's answers leave open."""
    for configs, told in ((pairs.pending, "not ready yet"), (pairs.failed, "failed")):
        if configs:
            context.warn(f"dataset viewer: {len(configs)} configs {told} ({', '.join(configs[:5])})")
    if rows.shortened:
        context.warn("dataset viewer: long texts in the sample are shortened")
    if isinstance(valid, Response) and valid.ok and not parse_valid(valid.json()).get("viewer", True):
        context.warn("dataset viewer: preview only, without its Parquet export: counts may be missing")


def _sizes(pairs: Pairs, answers: Answers) -> list[Split]:
    """Every split with its size: from `/size`, else from `/info`, else unknown."""
    known: dict[tuple[str, str], Split] = {}
    for name, parse in (("info", parse_info), ("size", parse_size)):
        answer = answers[VIEWER_NAME, name]
        if fault_of(answer) is None:
            try:
                known.update(parse(answer.json()))
            except (BadData, KeyError, AttributeError, TypeError):
                continue  # sizes are an extra; the rows decide
    return [known.get(pair, Split(*pair)) for pair in pairs.pairs]


def _look(asked: DatasetRef, choice: Choice, rows: Rows, splits: list[Split], answer: Response) -> Sample:
    kept = [position for position in range(len(rows.rows)) if position not in rows.cut]
    sampled: list[Row] = [rows.rows[position] for position in kept]
    size = next((item for item in splits if (item.config, item.split) == (choice.config, choice.split)), None)
    if not rows.rows:
        raise NotFound(f"{asked.name} has no rows in config {choice.config!r}, split {choice.split!r}", hint="try another split")
    source = Source("viewer", f"{VIEWER_NAME} ({VIEWER.base_url})", answer.headers.get("x-revision"), answer.date, answer.cached)
    return Sample(
        dataset=asked.name,
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
        load=load_line(asked, choice),
        types=rows.types,
        shortened=rows.shortened,
    )


def _give_up_if_final(asked: DatasetRef, fault: Fault, repo: Repository | None) -> None:
    """Raise when no other source can do better than the viewer."""
    if fault.kind == "renamed":
        raise NotFound(f"{asked.name} was renamed", hint=f"its page leads to the new name: {repository.page(asked.name)}")
    if fault.kind == "empty":
        raise NotFound(f"{asked.name} holds no data: {fault.message}", hint="there is nothing to inspect")
    if fault.kind == "no_such":
        raise NotFound(f"{asked.name}: {fault.message}", hint="check --config and --split")
    if fault.kind == "hidden" and repo is None:
        told = f"{asked.name} is missing, private or gated: without access these look alike"
        raise AccessDenied(told, hint="check the spelling, or log in with `hf auth login`")
    if not fault.elsewhere:
        raise BadData(f"{asked.name}: {fault.message}", hint=f"the dataset itself is broken; see {repository.page(asked.name)}")
