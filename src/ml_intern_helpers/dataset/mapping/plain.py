"""Implements the operations of `datasets.Dataset` that mapping code uses, on plain rows: importing `datasets` takes a second.

It is used only when the result is known to be the same. `datasets` writes rows to Arrow, which gives every struct of a column the
same keys, turns 1 beside 1.5 into 1.0, and keeps a column's old type if the new values allow it. Rows of one shape come back
unchanged; for all others `NotPlain` is raised, and the real library runs the code. `tests/dataset/test_plain.py` compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
#: The shape of a value: a name, ("list", shape of its items), or ("struct", ((key, shape), …)). "null" fits every shape.
Shape = Any

#: Number of rows that `datasets` writes at a time; the first such batch determines the types.
BATCH = 1000
_INTEGERS = range(-(2**63), 2**63)


class NotPlain(Exception):
    """The result of `datasets` for these values cannot be predicted here."""


class PlainDataset:
    """Rows of one shape, with the methods of `datasets.Dataset` under their names."""

    def __init__(self, rows: list[Row], shapes: dict[str, Shape]) -> None:
        self._rows = rows
        self._shapes = shapes

    @classmethod
    def from_list(cls, rows: list[Row]) -> PlainDataset:
        """A dataset of `rows`.

        Raises:
            NotPlain: the values of a column have different shapes.
        """
        names = list(rows[0])
        if any(list(row) != names for row in rows):
            raise NotPlain("rows with different columns")
        return cls(rows, {name: _column_shape([row[name] for row in rows]) for name in names})

    @property
    def column_names(self) -> list[str]:
        return list(self._shapes)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def filter(self, function: Callable[[Row], object]) -> PlainDataset:
        return PlainDataset([row for row in self._rows if function(dict(row))], self._shapes)

    def map(self, function: Callable[[Row], Row], remove_columns: Iterable[str] = (), **how: Any) -> PlainDataset:
        """As `Dataset.map`. Arguments about structs of several shapes (`how`) make no difference to rows of one shape."""
        gone = set(remove_columns)
        self._known(gone)
        mapped = [_merged(row, function(dict(row)), gone) for row in self._rows]
        if not mapped:
            return self
        # `datasets` keeps the order of the remaining columns and appends the new ones.
        names = [name for name in self._shapes if name in mapped[0]] + [name for name in mapped[0] if name not in self._shapes]
        after = PlainDataset.from_list([{name: row[name] for name in names} for row in mapped])
        for name in names if how.get("try_original_type", True) else ():
            _check_type_change(self._shapes.get(name), after._shapes[name])
        return after

    def select_columns(self, names: list[str]) -> PlainDataset:
        self._known(names)
        return self._with([(name, name) for name in names])

    def remove_columns(self, names: list[str]) -> PlainDataset:
        self._known(names)
        return self._with([(name, name) for name in self._shapes if name not in names])

    def rename_column(self, old: str, new: str) -> PlainDataset:
        return self.rename_columns({old: new})

    def rename_columns(self, names: Mapping[str, str]) -> PlainDataset:
        self._known(names)
        pairs = [(name, names.get(name, name)) for name in self._shapes]
        if len({new for _, new in pairs}) < len(pairs):
            raise ValueError("two columns of one name")
        return self._with(pairs)

    def _known(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in self._shapes]
        if unknown:
            raise ValueError(f"no column {unknown[0]!r}")

    def _with(self, pairs: list[tuple[str, str]]) -> PlainDataset:
        rows = [{new: row[old] for old, new in pairs} for row in self._rows]
        return PlainDataset(rows, {new: self._shapes[old] for old, new in pairs})


def _merged(row: Row, mapped: Row, gone: set[str]) -> Row:
    return {**{name: value for name, value in row.items() if name not in gone}, **mapped}


def _check_type_change(old: Shape, new: Shape) -> None:
    """Raise `NotPlain` if `datasets` might cast the new values of a column back to the column's old type."""
    if old is None or old == new:
        return
    if _type_family(old) == _type_family(new) or {_type_family(old), _type_family(new)} & {"number", "null"}:
        raise NotPlain("a column whose type changes")


def _type_family(shape: Shape) -> str:
    if isinstance(shape, tuple):
        return str(shape[0])
    return shape if shape in ("string", "null") else "number"


def _column_shape(cells: list[Any]) -> Shape:
    """The common shape of a column's cells, which the first batch must show already."""
    whole = _joined(map(shape, cells))
    if len(cells) > BATCH and _joined(map(shape, cells[:BATCH])) != whole:
        raise NotPlain("a type that the first rows do not show")
    return whole


def shape(value: Any) -> Shape:
    """The shape of one value.

    Raises:
        NotPlain: bytes, dates, decimals, structs without keys, lists that mix shapes, texts that are not Unicode.
    """
    if value is None:
        return "null"
    name = _SCALARS.get(type(value))
    if name:
        if name == "string":
            _text(value)
        elif name == "int" and value not in _INTEGERS:
            raise NotPlain("an integer of more than 64 bits")
        return name
    if type(value) is list:
        if None in value and any(isinstance(item, dict) for item in value):
            raise NotPlain("nothing among structs")
        return ("list", _joined(map(shape, value)))
    if type(value) is dict and value and all(type(key) is str for key in value):
        return ("struct", tuple((_text(key), shape(item)) for key, item in value.items()))
    raise NotPlain(type(value).__name__)


_SCALARS = {str: "string", bool: "bool", int: "int", float: "float"}


def _text(text: str) -> str:
    """`text`, if Arrow can store it as UTF-8: a lone surrogate cannot be encoded."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotPlain("text that is no Unicode") from None
    return text


def _joined(shapes: Iterable[Shape]) -> Shape:
    """The shape that all of `shapes` fit; "null" when `shapes` is empty."""
    joined: Shape = "null"
    last: Shape = None
    for item in shapes:
        if item != last:  # most rows have the same shape as the row before
            joined = _join(joined, item)
            last = item
    return joined


def _join(left: Shape, right: Shape) -> Shape:
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    if isinstance(left, tuple) and isinstance(right, tuple) and left[0] == right[0]:
        if left[0] == "list":
            return ("list", _join(left[1], right[1]))
        if [key for key, _ in left[1]] == [key for key, _ in right[1]]:
            pairs = zip(left[1], right[1], strict=True)
            return ("struct", tuple((key, _join(left_item, right_item)) for (key, left_item), (_, right_item) in pairs))
    raise NotPlain("values of several shapes")
