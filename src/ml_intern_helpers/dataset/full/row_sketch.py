"""The sketch of every row's words, with the very hashes that a sample's profile has: so a whole dataset can be compared."""

from __future__ import annotations

from collections.abc import Iterable

from ml_intern_helpers.dataset.full.columns import Played
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.profile.sketch import HASH_BYTES, MOST_HELD, Sketch
from ml_intern_helpers.dataset.profile.words import SPACES

_DIGITS = 2 * HASH_BYTES
#: Of the sample's hashes, so many must be found again among those of all rows: the engine's small letters are not Python's in a
#: few alphabets (`İ`, a Greek word's last letter), which is far below a sketch's own error.
_FOUND = 0.99


def said(columns: list[Played], names: Iterable[str]) -> str:
    """SQL of the hash of what a row says in the columns `names`, as `profile.sketch.row_hash` makes it of `words.normal`; null
    where one of them was not read."""
    by_name = {item.column: item for item in columns}
    wanted = list(names)
    if not wanted or not set(wanted) <= set(by_name):
        return "NULL::VARCHAR"
    words = f"lower(concat({', '.join(_words(by_name[name]) for name in wanted)}))"
    for sign in SPACES:
        words = f"replace({words}, chr({ord(sign)}), '')"
    return f"left(md5({words}), {_DIGITS})"


def _words(item: Played) -> str:
    """What a cell says, without who says it."""
    if not item.chat:
        return item.value
    return f"array_to_string(list_transform({item.value}, lambda x: concat(x.what, x.calls)), '')"


def sketch_of(engine: Engine, table: str, sample: Iterable[int]) -> Sketch | None:
    """The sketch of the hashes in the column `said` of `table`.

    None when the rows of the `sample` are not among them: where turns hold blocks or calls, the engine and Python write them
    down in other words, and a comparison with hashes made by Python would find nothing.
    """
    engine.run(f"CREATE TEMP TABLE {table}_said AS SELECT said FROM {table} WHERE said IS NOT NULL GROUP BY said")
    distinct = engine.rows(f"SELECT count(*) FROM {table}_said")[0][0]
    known = {f"{item:0{_DIGITS}x}" for item in sample}
    listed = ", ".join(f"'{item}'" for item in known)
    met = engine.rows(f"SELECT count(*) FROM {table}_said WHERE said IN ({listed})")[0][0] if known else 0
    if not distinct or met < _FOUND * len(known):
        return None
    smallest = engine.rows(f"SELECT said FROM {table}_said ORDER BY said LIMIT {MOST_HELD}")
    return Sketch(tuple(int(text, 16) for (text,) in smallest), distinct)
