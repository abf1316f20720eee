"""Mapping code gives on plain rows what it gives with `datasets`, or the plain rows pass."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.cases import CASES, Row
from ml_intern_helpers.dataset.column_roles import find_roles
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.mapping.candidates import candidates
from ml_intern_helpers.dataset.mapping.plain import NotPlain, PlainDataset
from ml_intern_helpers.dataset.mapping.run import MappingFailed, run_with_datasets
from ml_intern_helpers.dataset.sample import with_every_column
from ml_intern_helpers.dataset.trainers.methods import READERS

FAILED = "the code stopped"


def compiled(code: str) -> Any:
    return compile(ast.parse(code), "<test>", "exec")


def plainly(code: str, rows: list[Row]) -> Any:
    """What plain rows give; None when they pass."""
    try:
        scope: dict[str, Any] = {"dataset": PlainDataset.from_list(rows)}
        exec(compiled(code), scope)
        return list(scope["dataset"])
    except NotPlain:
        return None
    except Exception:
        return FAILED


def really(code: str, rows: list[Row]) -> Any:
    try:
        return run_with_datasets(compiled(code), rows)
    except MappingFailed:
        return FAILED


def as_written(rows: Any) -> str:
    """Values, types, and the order of columns: 1, 1.0 and True are equal in Python and not here."""
    return json.dumps(rows)


def scripts() -> Iterator[tuple[str, list[Row]]]:
    """Every mapping that is ever tried on the datasets of known truth, the failing ones included."""
    seen = set()
    for case in CASES:
        rows = with_every_column(case.rows)
        parts = find_roles(describe(list(rows[0]), rows, {}), rows)
        for method in READERS:
            for script in candidates(method, parts, rows):
                key = (script.text(), json.dumps(rows))
                if key not in seen:
                    seen.add(key)
                    yield script.text(), rows


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=5,
)
PROGRAMS = [
    'dataset = dataset.filter(lambda row: row["a"])',
    'dataset = dataset.map(lambda row: {"c": row["b"], "a": [row["a"]]})',
    'dataset = dataset.map(lambda row: {"b": row["a"]}, remove_columns=["a"])',
    'dataset = dataset.rename_columns({"a": "b", "b": "a"})',
    'dataset = dataset.rename_column("a", "b")',
    'dataset = dataset.remove_columns(["a"]).map(lambda row: {"c": bool(row["b"])})',
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=3), st.sampled_from(PROGRAMS))
def test_any_rows_come_out_as_with_datasets(rows: list[Row], code: str) -> None:
    made = plainly(code, rows)
    if made is not None:
        assert as_written(made) == as_written(really(code, rows))


def test_every_candidate_gives_what_datasets_gives() -> None:
    plain, total = 0, 0
    for code, rows in scripts():
        made, total = plainly(code, rows), total + 1
        if made is not None:
            plain += 1
            assert as_written(made) == as_written(really(code, rows)), code
    assert plain > 0.6 * total, "most mappings should not need datasets"
