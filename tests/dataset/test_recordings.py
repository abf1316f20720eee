"""Every recorded or documented answer of the dataset viewer parses, or is a fault with a meaning."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.dataset.column_roles import find_roles
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.hub.viewer import parse_info, parse_rows, parse_size, parse_splits, parse_valid, viewer_error
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.services import VIEWER
from support.recordings import recording

PARSERS = {
    "splits": parse_splits,
    "size": parse_size,
    "info": parse_info,
    "first-rows": parse_rows,
    "rows": parse_rows,
    "is-valid": parse_valid,
    "search": parse_rows,
    "filter": parse_rows,
}
EXPECTED = {
    "401_ExternalUnauthenticatedError": "hidden",
    "404_ExternalAuthenticatedError": "hidden",
    "404_RenamedDatasetError": "renamed",
    "404_ResponseNotFound": "no_such",
    "429_too_many_requests": "busy",
    "500_EmptyDatasetError_with_cause": "empty",
    "500_ResponseNotReady": "busy",
    "500_StreamingRowsError_with_cause": "broken",
    "500_UnexpectedError": "busy",
    "500_text_plain": "busy",
    "501_DatasetInBlockListError": "blocked",
    "501_DatasetWithScriptNotSupportedError": "script",
    "501_DatasetWithTooManyConfigsError": "too_many_configs",
}


def response(status: int, headers: dict[str, str], body: str) -> Response:
    return Response(status, "https://x", headers, body.encode(), time.time(), False, VIEWER)


def test_every_good_answer_parses() -> None:
    folder = recording("dataset_viewer")
    parsed = 0
    for path in [
        *folder.glob("openapi_examples/*__200__*.json"),
        *folder.glob("docs_examples/*.json"),
        *folder.glob("squad_*.json"),
    ]:
        body = json.loads(path.read_text(encoding="utf-8"))
        name = _endpoint(path, body)
        if name:
            PARSERS[name](body)
            parsed += 1
            _judge(name, body)
    assert parsed >= 35


def _endpoint(path: Path, body: Any) -> str | None:
    if "__" in path.name:
        return path.name.split("__")[0] if path.name.split("__")[0] in PARSERS else None
    signs = {"splits": "splits", "size": "size", "dataset_info": "info", "rows": "rows", "preview": "is-valid"}
    return next((name for sign, name in signs.items() if isinstance(body, dict) and sign in body), None)


def _judge(name: str, body: Any) -> None:
    """Real rows of any kind go through kinds, parts and readers without a stumble."""
    if name not in ("rows", "first-rows", "search", "filter"):
        return
    rows = parse_rows(body)
    if rows.rows:
        find_roles(describe(list(rows.types), rows.rows, rows.types))
        for reader in READERS.values():
            reader(rows.rows)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_error_has_its_meaning(name: str) -> None:
    recorded = json.loads(recording(f"dataset_viewer/errors/{name}.http.json").read_text(encoding="utf-8"))["response"]
    headers = {key.lower(): value for key, value in recorded["headers"].items()}
    fault = viewer_error(response(recorded["status"], headers, recorded["body"]))
    assert fault is not None
    assert fault.kind == EXPECTED[name]
    assert "\n" not in fault.message


def test_every_documented_error_is_a_fault() -> None:
    folder = recording("dataset_viewer")
    seen = 0
    for path in folder.glob("openapi_examples/*"):
        status = int(path.name.split("__")[1]) if path.name.count("__") >= 2 else 0
        if status >= 400:
            assert viewer_error(response(status, {}, path.read_text(encoding="utf-8"))) is not None
            seen += 1
    assert seen >= 80


def test_what_the_documented_answers_say() -> None:
    body = json.loads(recording("dataset_viewer/squad_size.json").read_text(encoding="utf-8"))
    split = parse_size(body)["plain_text", "train"]
    assert (split.num_rows, split.num_rows_is, split.num_bytes) == (87_599, "exact", 14_458_314)
    rows = parse_rows(json.loads(recording("dataset_viewer/squad_rows.json").read_text(encoding="utf-8")))
    assert rows.types["answers"] == "struct<text: list<string>, answer_start: list<int32>>"
    assert rows.numbers[0] == 1


def test_cut_cells_are_not_taken_for_text() -> None:
    name = "dataset_viewer/openapi_examples/first-rows__200__truncated-cells.json"
    rows = parse_rows(json.loads(recording(name).read_text(encoding="utf-8")))
    assert rows.shortened
    assert rows.cut
