r"""Splits a paper into sentences of plain characters and reads the numbers in them.

Formulas become plain characters (`$1\times 10^{-5}$` -> `1×10^-5`). Every character keeps its position in the original, so that
a value found in the plain text is quoted as the paper writes it. References, displayed formulas and code are left out; tables
and listings are read by `setting_tables`. The data classes are `Plain`, `Number`, `Sentence`, and `Fact`, in which all modules
of the recipe return what they find; `Claim` is in `statements`.
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
#: Macros that only change the typeface of their argument.
_TYPEFACE = (
    "text|textrm|textit|textbf|texttt|textsc|mathrm|mathbf|mathit|mathsf|mathtt|mathcal|operatorname|mbox|boldsymbol|bm"
    "|rm|bf|it|tt"
)
#: Kind of token -> its replacement; other kinds are kept.
_REPLACED = {"type": "", "comma": ",", "gone": "", "space": " ", "minus": "-", "times": "×"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_TOKEN = re.compile(
    rf"(?P<type>\\(?:{_TYPEFACE}|left|right)(?![a-zA-Z])\*?\s?)"
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
    """Plain text; `origin[i]` is the position of character `i` in the original; one more entry marks the end."""

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
#: One number; the groups tell its form. Numbers inside a word do not count (A100, v1.1, 10x, 80GB, 4-bit).
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
        suffix: `%`, `k`, `m`, `b` (`value` includes the factor, except that a percentage is not divided by 100), `word`,
            `lost` (a power whose superscript was lost) or "".
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
    elif match["lost"]:  # the text of a PDF has no superscripts: 10-5
        value, suffix = 10.0 ** -int(match["lost"][3:]), "lost"
    elif match["word"]:
        value, suffix = float(_WORDS[match["word"].lower()]), "word"
    else:
        suffix_text = (match["suffix"] or "").strip().lower().replace("percent", "%")
        value = float(match["plain"].replace(",", "")) * _FACTORS.get(suffix_text, 1.0)
        suffix = "k" if suffix_text == "thousand" else suffix_text[:1]
    return Number(match.start(), match.end(), value, match[0].strip(), suffix)


#: Titles of sections about other people's work or summaries; their statements are ranked last.
_ABOUT_OTHERS = re.compile(
    r"(?i)related work|background|preliminar|previous work|literature|introduction|conclusion|discussion|limitation"
)
_ABBREVIATION = re.compile(
    r"(?i)(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|resp|approx|w\.r\.t|Figs?|Eqs?|Tab|Secs?|App|Appx|Refs?|Alg|no|max|min|avg"
    r"|Dr|a\.k\.a|incl)|\b[A-Z])\.$"
)
_END = re.compile(r"[.!?][\"”’)\]*]*\s+(?=[\"“(\[*`$]*[A-Z0-9])|;\s+(?=\(?[ivx\d]+\))|\n+")
#: Bold words at the beginning of a paragraph are its heading.
_OPENING = re.compile(r"\*\*([^*]{3,80})\*\*")
#: A longer "sentence" is something else (a PDF's table, a list of names) and is read in pieces of this size.
LONGEST = 1500
#: Characters of the paragraph that are kept before and after the start of a sentence; a PDF's paragraph may be pages long.
_PARAGRAPH = 2000
#: Characters of a formula; a lone dollar sign further back does not open one.
_FORMULA = 400
#: Characters of a quote; a longer sentence is cut around the value.
QUOTE = 300
#: `set`: in use; `none`: stated not to be used; `quoted`: the value is uncertain, and the reader judges the quote.
Kind = Literal["set", "none", "quoted"]


@dataclass(frozen=True)
class Fact:
    """A statement of the paper.

    Attributes:
        name: the parameter (`learning_rate`) or the kind of thing (`base_model`, `dataset`, `hardware` …).
        value: a number or text; None with the kinds `none` and `quoted`.
        as_written: the value in the paper's spelling.
        unit: `steps`, `tokens`, `ratio` …, or None.
        context: what the value refers to (`per-device`, `prompt`) or what a data set was used for (`training`), or None.
        quote: the sentence, or the table's row with its heading.
        section: number and title of its section.
        label: `Table 4`, or None for running text.
        stage: the stage of training, where the paper names one: `SFT`, `DPO`, `reward model`, `evaluation` …; or None.
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
        paragraph: the text around it.
        about_others: whether its section is about other people's work or a summary.
        titles: the headings above it, the innermost first; bold words that open the paragraph count as one.
        last_stage: the last stage of training that its paragraph named before it.
    """

    text: str
    paragraph: str
    section: str
    about_others: bool
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


def _below(section: Section, about_others: bool, outer_titles: tuple[str, ...]) -> Iterator[Sentence]:
    """The sentences of a section and its parts; a part of "Related work" is about others, whatever its title."""
    about_others = about_others or bool(_ABOUT_OTHERS.search(section.title))
    titles = (section.title, *outer_titles)
    last_stage: str | None = None
    for block in section.blocks:
        text, position = prose(section, block), 0
        last_stage = last_stage if block.kind == "item" else None  # a list continues the paragraph above it
        opening = _OPENING.match(text)
        headings = (opening[1], *titles) if opening else titles
        for sentence in split(text):
            position = max(text.find(sentence, position), position)
            paragraph = text[max(position - _PARAGRAPH, 0) : position + _PARAGRAPH]
            paragraph = f"{section.title}. {paragraph}"
            result = Sentence(sentence, paragraph, section.name, about_others, block.label, headings, last_stage)
            yield result
            last_stage = stages.carried(result.reading.text) or last_stage
    for part in section.parts:
        yield from _below(part, about_others, titles)


def prose(section: Section, block: Block) -> str:
    """The running text of a block, or ""."""
    if section.kind == "references" or block.kind in ("equation", "code", "reference"):
        return ""
    return block.caption or "" if block.kind in ("table", "figure") else block.text


def split(text: str) -> Iterator[str]:
    """The sentences of a paragraph; neither `e.g.` and `Fig. 3` nor anything inside a formula ends one."""
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
    """The sentence `original`; of a long one, the part around `start:end` of its plain `reading`."""
    if len(original) <= QUOTE:
        return clean(original)
    value_start, value_end = reading.origin[start], reading.origin[min(end, len(reading.origin) - 1)]
    cut_start = max(value_start - QUOTE // 2, 0)
    cut_end = min(max(value_end + QUOTE // 3, cut_start + QUOTE), len(original))
    cut_start = original.find(" ", cut_start, value_start) + 1 if cut_start else 0
    last_space = original.rfind(" ", value_end, cut_end)
    cut_end = last_space if last_space > value_end and cut_end < len(original) else cut_end
    return "…" * (cut_start > 0) + clean(original[cut_start:cut_end]) + "…" * (cut_end < len(original))
