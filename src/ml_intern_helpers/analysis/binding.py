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
    given, keywords = made.given.positional, made.given.entries.items
    places = [argument.name for argument in made.signature.arguments if not argument.keyword_only]
    for name, node in made.given.twice:
        yield Misfit("twice", f"{name} is given twice", node)
    if not made.whole:
        return
    for name in places[: len(given)] if not made.given.starred else ():
        if name in keywords and is_sure(keywords[name]):
            yield Misfit("twice", f"{name} is given by position and by keyword", keywords[name].node)
    if len(given) > len(places) and not made.signature.variadic:
        by_keyword = [argument.name for argument in made.signature.arguments if argument.keyword_only]
        rest = f"; {', '.join(by_keyword[:3])}{'…' if len(by_keyword) > 3 else ''} must be given by keyword" if by_keyword else ""
        most = f"{len(places)} positional argument{'' if len(places) == 1 else 's'}"
        yield Misfit("too many", f"takes {most}, {len(given)} are given{rest}", given[len(places)])
    if made.given.starred or made.given.entries.open or any(unknown_keywords(made)):
        return  # a keyword that is not known is likely the one that is missing
    bound = {*places[: len(given)], *keywords, *made.given.earlier}
    missing = [argument.name for argument in made.signature.arguments if argument.default is None and argument.name not in bound]
    if missing:
        yield Misfit("missing", f"{', '.join(missing)} must be given", made.call)
