r"""A sentence with formulas -> plain characters that patterns can read: `$1\times 10^{-5}$` -> `1×10^-5`.

Every character remembers where it came from, so that a value found in the plain text is quoted as the paper has it.
"""

from __future__ import annotations

import re
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
