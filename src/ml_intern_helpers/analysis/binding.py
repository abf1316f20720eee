"""Whether Python can bind a call's arguments to a signature: what it would raise a TypeError for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.api_calls import ApiCall, is_sure
from ml_intern_helpers.analysis.values import Setting


class Unknown(NamedTuple):
    """A keyword that the signature does not name: wrong, or doubtful where it takes `**kwargs`."""

    name: str
    setting: Setting


class Misfit(NamedTuple):
    """A call that cannot be bound whatever its keywords are called."""

    kind: Literal["too many", "missing", "twice"]
    text: str
    node: ast.AST


def unknown_keywords(made: ApiCall) -> Iterator[Unknown]:
    """Keywords that are none of the signature's names."""
    names = made.signature.names if made.given.entries.items else frozenset()
    for name, setting in made.given.entries.items.items():
        if name not in names and name not in made.extra:
            yield Unknown(name, setting)


def misfits(made: ApiCall) -> Iterator[Misfit]:
    """What is wrong with the number of arguments."""
    yield from _given_twice(made)
    if made.whole:
        yield from _too_many(made)
        yield from _missing(made)


def _places(made: ApiCall) -> list[str]:
    return [argument.name for argument in made.signature.arguments if not argument.keyword_only]


def _too_many(made: ApiCall) -> Iterator[Misfit]:
    given = made.given.positional
    places = _places(made) if given else []
    if len(given) > len(places) and not made.signature.variadic:
        most = f"{len(places)} positional argument{'' if len(places) == 1 else 's'}"
        behind = f"; {_keyword_only(made)} must be given by keyword" if _keyword_only(made) else ""
        yield Misfit("too many", f"takes {most}, {len(given)} are given{behind}", given[len(places)])


def _keyword_only(made: ApiCall) -> str:
    names = [argument.name for argument in made.signature.arguments if argument.keyword_only]
    return ", ".join(names[:3]) + ("…" if len(names) > 3 else "")


def _given_twice(made: ApiCall) -> Iterator[Misfit]:
    for name, node in made.given.twice:
        yield Misfit("twice", f"{name} is given twice", node)
    if made.given.starred or not made.whole or not (made.given.positional and made.given.entries.items):
        return
    for name in _places(made)[: len(made.given.positional)]:
        setting = made.given.entries.items.get(name)
        if setting is not None and is_sure(setting):
            yield Misfit("twice", f"{name} is given by position and by keyword", setting.node)


def _missing(made: ApiCall) -> Iterator[Misfit]:
    if made.given.starred or made.given.entries.open or any(unknown_keywords(made)):
        return  # a keyword that is not known is likely the one that is missing
    needed = [argument.name for argument in made.signature.arguments if argument.default is None]
    given = {*_places(made)[: len(made.given.positional)], *made.given.entries.items, *made.given.earlier} if needed else set()
    lacking = [name for name in needed if name not in given]
    if lacking:
        yield Misfit("missing", f"{', '.join(lacking)} must be given", made.call)
