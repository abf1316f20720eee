r"""A sentence with formulas -> plain characters that patterns can read, and its numbers: `$1\times 10^{-5}$` -> `1×10^-5`.

Every character remembers where it came from, so that a value found in the plain text is quoted as the paper has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

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
    """Plain text; `origin[i]` is the place in the original of its character `i`, with one more for its end."""

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
        replaced = _replacement(match)
        pieces.append(replaced)
        origin += [match.start()] * len(replaced)
        position = match.end()
    pieces.append(original[position:])
    origin += range(position, len(original) + 1)
    return Plain("".join(pieces), tuple(origin))


def _replacement(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "macro":
        return _MACROS.get(text, " ")
    if kind == "power":
        return "^" + text.translate(_SUPERSCRIPTS)
    fixed = {"type": "", "comma": ",", "gone": "", "space": " ", "minus": "-", "times": "×"}
    return fixed.get(kind or "", text)


_WORDS = {
    "one": 1,
    "single": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "sixteen": 16,
    "twenty": 20,
    "thirty": 30,
    "fifty": 50,
}
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
    value, suffix = _value(match)
    return Number(match.start(), match.end(), value, match[0].strip(), suffix)


def _value(match: re.Match[str]) -> tuple[float, str]:
    if match["sci"]:
        return float(re.sub(r"[\s^]", "", match["sci"])), ""
    if match["times"]:
        exponent = (match["timesexp"] or match["timesminus"]).replace(" ", "")
        return float(f"{match['times']}e{exponent}"), ""
    if match["base"]:
        return float(match["base"]) ** int(match["exp"].replace(" ", "")), ""
    if match["lost"]:  # a PDF's text loses what is raised: 10-5
        return 10.0 ** -int(match["lost"][3:]), "lost"
    if match["word"]:
        return float(_WORDS[match["word"].lower()]), "word"
    suffix = (match["suffix"] or "").strip().lower().replace("percent", "%")
    value = float(match["plain"].replace(",", ""))
    return value * _FACTORS.get(suffix, 1.0), suffix[:1] if suffix != "thousand" else "k"


def canonical(value: float) -> str:
    """`1e-5`, `0.01`, `2048`: one spelling for each value."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.6e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.8g}"
