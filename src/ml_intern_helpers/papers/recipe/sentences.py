r"""The text of a paper as patterns read it: sentences, their plain characters and numbers, and the facts quoted from them.

Formulas become plain characters (`$1\times 10^{-5}$` -> `1×10^-5`). Every character keeps its position in the original, so that
a value found in the plain text is quoted as the paper writes it. References, formulas of their own and code are left out; tables
and listings have a module of their own.
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

_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "eta": "η", "lambda": "λ", "tau": "τ", "epsilon": "ε", "varepsilon": "ε"}
_MACROS = {
    **_GREEK,
    **dict.fromkeys(("times", "cdot", "ast"), "×"),
    **dict.fromkeys(("approx", "sim", "simeq"), "≈"),
    **dict.fromkeys(("leq", "le", "leqslant"), "≤"),
    **dict.fromkeys(("in", "quad", "qquad"), " "),
    **dict.fromkeys(("to", "rightarrow"), " to "),
    **dict.fromkeys(("ldots", "dots", "cdots"), "..."),
    "percent": "%",
    "lbrace": "{",
    "rbrace": "}",
}
#: Macros that only set their argument in another type.
_TYPE = (
    "text|textrm|textit|textbf|texttt|textsc|mathrm|mathbf|mathit|mathsf|mathtt|mathcal|operatorname|mbox|boldsymbol|bm"
    "|rm|bf|it|tt"
)
#: Kind of token -> what replaces it; any other kind stays.
_REPLACED = {"type": "", "comma": ",", "gone": "", "space": " ", "minus": "-", "times": "×"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_TOKEN = re.compile(
    rf"(?P<type>\\(?:{_TYPE}|left|right)(?![a-zA-Z])\*?\s?)"
    r"|\\(?P<macro>[a-zA-Z]+) ?"
    r"|(?P<comma>\{,\})"
    r"|\\(?P<escaped>[%#&_$])"
    r"|\\(?P<set>[{}])"
    r"|(?P<gone>\\!|[{}$`]|\*\*|[\u2061-\u2064])"
    r"|(?P<space>\\[,;: ]|~|[\u00a0\u2009\u202f])"
    r"|(?P<minus>[−–‐‑⁃﹣－])"
    r"|(?P<power>[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<times>[×✕✖⨯∗⋅·]|(?<=\d)\s?\*\s?(?=10\b))"
)


@dataclass(frozen=True)
class Plain:
    """Plain text; `origin[i]` is the position of its character `i` in the original, with one more for the end."""

    text: str
    origin: tuple[int, ...]


def plain(original: str) -> Plain:
    """The plain reading of a sentence or a cell."""
    pieces: list[str] = []
    origin: list[int] = []
    position = 0
    for match in _TOKEN.finditer(original):
        pieces.append(original[position : match.start()])
        origin += range(position, match.start())
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "macro":
            replaced = _MACROS.get(text, " ")
        elif kind == "power":
            replaced = "^" + text.translate(_SUPERSCRIPTS)
        else:
            replaced = _REPLACED.get(kind, text)
        pieces.append(replaced)
        origin += [match.start()] * len(replaced)
        position = match.end()
    pieces.append(original[position:])
    origin += range(position, len(original) + 1)
    return Plain("".join(pieces), tuple(origin))


_WORDS = {"one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_WORDS |= {"ten": 10, "twelve": 12, "sixteen": 16, "twenty": 20, "thirty": 30, "fifty": 50}
_FACTORS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "billion": 1e9}
#: One number; the groups tell its form. It starts no word (A100, v1.1) and ends before none (10x, 80GB, 4-bit).
PATTERN = (
    r"(?<![\w.^])(?<!\d-)(?:"
    r"(?P<sci>\d+(?:\.\d+)?\s?[eE]\s?\^?\s?-\s?\d{1,2}|\d+(?:\.\d+)?[eE]\^?\+?\d{1,2})"
    r"|(?P<times>\d+(?:\.\d+)?)\s*[×x]\s*10\s?(?:\^\s?(?P<timesexp>[-+]?\s?\d{1,2})|(?P<timesminus>-\s?\d{1,2}))"
    r"|(?P<base>10|2)\s?\^\s?(?P<exp>[-+]?\s?\d{1,2})"
    r"|(?P<lost>10-\d)(?=[\s,;.)\]}]|$)"
    r"|(?P<plain>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<suffix>\s?(?:%|percent\b)|\s?[kKMB](?![\w])"
    r"|\s(?:thousand|million|billion)\b)?"
    rf"|(?P<word>\b(?i:{'|'.join(_WORDS)})\b)"
    r")(?!\w|\.\d|,\d{3}|-?[a-zA-Z]|\^)"
)
_NUMBER = re.compile(PATTERN)


@dataclass(frozen=True)
class Number:
    """A number in a text.

    Attributes:
        suffix: `%`, `k`, `m`, `b` (its factor is in `value`; a percentage is not divided), `word`, `lost` or "".
    """

    start: int
    end: int
    value: float
    text: str
    suffix: str = ""


def numbers(text: str) -> Iterator[Number]:
    """All numbers of a plain text."""
    for match in _NUMBER.finditer(text):
        yield _number(match)


def at(text: str, position: int) -> Number | None:
    """The number that starts exactly at `position`, or None."""
    match = _NUMBER.match(text, position)
    return _number(match) if match else None


def _number(match: re.Match[str]) -> Number:
    suffix = ""
    if match["sci"]:
        value = float(re.sub(r"[\s^]", "", match["sci"]))
    elif match["times"]:
        exponent = (match["timesexp"] or match["timesminus"]).replace(" ", "")
        value = float(f"{match['times']}e{exponent}")
    elif match["base"]:
        value = float(match["base"]) ** int(match["exp"].replace(" ", ""))
    elif match["lost"]:  # the text of a PDF loses superscripts: 10-5
        value, suffix = 10.0 ** -int(match["lost"][3:]), "lost"
    elif match["word"]:
        value, suffix = float(_WORDS[match["word"].lower()]), "word"
    else:
        named = (match["suffix"] or "").strip().lower().replace("percent", "%")
        value = float(match["plain"].replace(",", "")) * _FACTORS.get(named, 1.0)
        suffix = "k" if named == "thousand" else named[:1]
    return Number(match.start(), match.end(), value, match[0].strip(), suffix)


#: Sections about other people's work or summaries; what they state is ranked last.
_OTHERS = re.compile(
    r"(?i)related work|background|preliminar|previous work|literature|introduction|conclusion" r"|discussion|limitation"
)
_ABBREVIATION = re.compile(
    r"(?i)(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|resp|approx|w\.r\.t|Figs?|Eqs?|Tab|Secs?|App|Appx|Refs?|Alg|no|max|min|avg"
    r"|Dr|a\.k\.a|incl)|\b[A-Z])\.$"
)
_END = re.compile(r"[.!?][\"”’)\]*]*\s+(?=[\"“(\[*`$]*[A-Z0-9])|;\s+(?=\(?[ivx\d]+\))|\n+")
#: Bold words at the beginning of a paragraph are its heading.
_OPENING = re.compile(r"\*\*([^*]{3,80})\*\*")
#: A longer "sentence" is no sentence (a PDF's table, a list of names); it is read in pieces of this size.
LONGEST = 1500
#: Characters before a sentence and after its start that count as its paragraph; a PDF's paragraph may be pages long.
NEAR = 2000
#: A formula is no longer than this; a lone dollar sign further back opens none.
_FORMULA = 400
#: Characters of a quote; a longer sentence is cut around the value.
QUOTE = 300
#: `set`: in use; `none`: stated not to be used; `quoted`: only the quote is given, and the reader judges the value.
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
        last_stage: the stage of training that the paragraph named last, before this sentence.
    """

    text: str
    near: str
    section: str
    others: bool
    label: str | None = None
    titles: tuple[str, ...] = ()
    last_stage: str | None = None

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
    last_stage: str | None = None
    for block in section.blocks:
        text, position = prose(section, block), 0
        last_stage = last_stage if block.kind == "item" else None  # a list goes on with what the paragraph above it spoke of
        opening = _OPENING.match(text)
        heads = (opening[1], *titles) if opening else titles
        for sentence in split(text):
            position = max(text.find(sentence, position), position)
            near = text[max(position - NEAR, 0) : position + NEAR]
            found = Sentence(sentence, f"{section.title}. {near}", section.name, others, block.label, heads, last_stage)
            yield found
            last_stage = stages.carried(found.reading.text) or last_stage
    for part in section.parts:
        yield from _below(part, others, titles)


def prose(section: Section, block: Block) -> str:
    """The running text of a block, or ""."""
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
    """The sentence; of a long one, the part around `start:end` of its plain text."""
    if len(original) <= QUOTE:
        return clean(original)
    first, last = reading.origin[start], reading.origin[min(end, len(reading.origin) - 1)]
    left = max(first - QUOTE // 2, 0)
    right = min(max(last + QUOTE // 3, left + QUOTE), len(original))
    left = original.find(" ", left, first) + 1 if left else 0
    cut = original.rfind(" ", last, right)
    right = cut if cut > last and right < len(original) else right
    return "…" * (left > 0) + clean(original[left:right]) + "…" * (right < len(original))
