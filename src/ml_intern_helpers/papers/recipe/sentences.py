"""A paper as sentences, and the facts that are quoted from it.

What is no prose (references, formulas, code) is left out; tables and listings have a module of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Document, Section
from ml_intern_helpers.papers.recipe import stages
from ml_intern_helpers.papers.recipe.plain_text import Plain, plain

#: Sections that tell what others did; what stands there comes last.
_OTHERS = re.compile(
    r"related work|background|preliminar|previous work|literature|introduction|conclusion" r"|discussion|limitation",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|resp|approx|w\.r\.t|Figs?|Eqs?|Tab|Secs?|App|Appx|Refs?|Alg|no|max|min|avg"
    r"|Dr|a\.k\.a|incl)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?][\"”’)\]*]*\s+(?=[\"“(\[*`$]*[A-Z0-9])|;\s+(?=\(?[ivx\d]+\))|\n+")
#: What a paragraph opens with in bold is its heading.
_OPENING = re.compile(r"\*\*([^*]{3,80})\*\*")
#: A longer "sentence" is no sentence (a PDF's table, a list of names); it is read in pieces of this size.
LONGEST = 1500
#: Characters before a sentence and after its start that count as its paragraph; a PDF's paragraph may be pages long.
NEAR = 2000
#: A formula is no longer than this; a lone dollar sign further back opens none.
_FORMULA = 400
#: Characters of a quote; a longer sentence is cut around the value.
QUOTE = 300
#: `set`: in use; `none`: said not to be used; `quoted`: the words around it are given and the value is left to the reader.
Kind = Literal["set", "none", "quoted"]


@dataclass(frozen=True)
class Fact:
    """A statement of the paper.

    Attributes:
        name: of the parameter (`learning_rate`) or the kind of thing (`base_model`, `dataset`, `hardware` …).
        value: a number where one is meant, else text; None with the kinds `none` and `quoted`.
        as_written: the value in the paper's spelling.
        unit: `steps`, `tokens`, `ratio` …, or None.
        context: what the value counts or what a name was used for: `per-device`, `prompt`, `training`; or None.
        quote: the sentence, or the table's row with its head.
        section: number and title of where it stands.
        label: `Table 4`, or None for running text.
        stage: of training, where the paper says which: `SFT`, `DPO`, `reward model`, `evaluation` …; or None.
    """

    name: str
    value: float | int | str | None
    as_written: str
    quote: str
    section: str
    kind: Kind = "set"
    unit: str | None = None
    context: str | None = None
    label: str | None = None
    stage: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    Attributes:
        near: its paragraph.
        others: whether its section is about other people's work or a summary.
        titles: the headings above it, the innermost first; what a paragraph opens with in bold counts as one.
        said: the stage of training that the paragraph spoke of last, before this sentence.
    """

    text: str
    near: str
    section: str
    others: bool
    label: str | None = None
    titles: tuple[str, ...] = ()
    said: str | None = None

    @cached_property
    def reading(self) -> Plain:
        """The sentence in plain characters."""
        return plain(self.text)


def sentences(document: Document) -> Iterator[Sentence]:
    """All sentences of running text, captions and footnotes, in reading order."""
    for section in document.sections:
        yield from _below(section, section.kind == "abstract", ())


def _below(section: Section, others: bool, above: tuple[str, ...]) -> Iterator[Sentence]:
    """The sentences of a section and its parts; a part of "Related work" is about others whatever its own title."""
    others = others or bool(_OTHERS.search(section.title))
    titles = (section.title, *above)
    said: str | None = None
    for block in section.blocks:
        text, position = prose(section, block), 0
        said = said if block.kind == "item" else None  # a list goes on with what the paragraph above it spoke of
        opening = _OPENING.match(text)
        heads = (opening[1], *titles) if opening else titles
        for sentence in split(text):
            position = max(text.find(sentence, position), position)
            near = text[max(position - NEAR, 0) : position + NEAR]
            found = Sentence(sentence, f"{section.title}. {near}", section.name, others, block.label, heads, said)
            yield found
            said = stages.carried(found.reading.text) or said
    for part in section.parts:
        yield from _below(part, others, titles)


def prose(section: Section, block: Block) -> str:
    """The running text of a block; "" for one that has none."""
    if section.kind == "references" or block.kind in ("equation", "code", "reference"):
        return ""
    return block.caption or "" if block.kind in ("table", "figure") else block.text


def split(text: str) -> Iterator[str]:
    """The sentences of a paragraph; `e.g.` and `Fig. 3` end none, nor does anything inside a formula."""
    start = 0
    for match in _END.finditer(text):
        head = text[start : match.start() + 1]
        if _ABBREVIATION.search(head[-12:]) or (len(head) < _FORMULA and head.count("$") % 2):
            continue
        yield from _pieces(text[start : match.end()].strip())
        start = match.end()
    yield from _pieces(text[start:].strip())


def _pieces(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        cut = sentence.rfind(" ", 0, LONGEST)
        cut = cut if cut > 0 else LONGEST
        yield sentence[:cut]
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def quote(original: str, reading: Plain, start: int, end: int) -> str:
    """The sentence, or what stands around the place `start:end` of its plain reading in a long one."""
    if len(original) <= QUOTE:
        return clean(original)
    first, last = reading.origin[start], reading.origin[min(end, len(reading.origin) - 1)]
    left = max(first - QUOTE // 2, 0)
    right = min(max(last + QUOTE // 3, left + QUOTE), len(original))
    left = original.find(" ", left, first) + 1 if left else 0
    cut = original.rfind(" ", last, right)
    right = cut if cut > last and right < len(original) else right
    return "…" * (left > 0) + clean(original[left:right]) + "…" * (right < len(original))
