"""Where a sentence names hyper-parameters, and which of the names belong together (`learning rate and batch size are …`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_intern_helpers.papers.recipe.parameters import PARAMETERS, Parameter

#: What may stand between two names of one list.
_LISTED = re.compile(
    r"\s*(?:\([^()]{1,14}\))?\s*(?:,\s*(?:and\s+)?|and|&|/)\s*(?:the |a |an |our |number of |total |maximum " r"|peak )*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A parameter named at `start:end` of a plain sentence."""

    parameter: Parameter
    start: int
    end: int
    text: str


def mentions(text: str, near: str) -> list[Mention]:
    """All names in order; of names within each other the longest, of equal ones the first of the table."""
    found = [
        Mention(parameter, match.start(), match.end(), match[0])
        for parameter in PARAMETERS
        for match in parameter.mention.finditer(text)
        if applies(parameter, text, near)
    ]
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[Mention] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def applies(parameter: Parameter, text: str, near: str) -> bool:
    """Whether a parameter can be meant here at all."""
    around = text if parameter.here else f"{text}\n{near}"
    if parameter.unless and parameter.unless.search(around):
        return False
    return parameter.needs is None or bool(parameter.needs.search(around))


def groups(text: str, found: Sequence[Mention]) -> Iterator[list[Mention]]:
    """The mentions in runs that a list joins."""
    run: list[Mention] = []
    for each in found:
        if run and not _LISTED.fullmatch(text, run[-1].end, each.start):
            yield run
            run = []
        run.append(each)
    if run:
        yield run
