"""Texts that were decoded or escaped wrongly.

The model learns to write them in this way. Read the source again as UTF-8, or repair the texts (`ftfy.fix_text`,
`html.unescape`). Rows whose letters were replaced by U+FFFD must be taken from their source again.

Bad:
    {"text": "Fish &amp; chips are &quot;good&quot;."}

Good:
    {"text": "Fish & chips are \\"good\\"."}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.patterns import Pattern
from ml_intern_helpers.dataset.checks.text_search import Search, hits, without

CODE, TOPIC = "SET314", "text"
SEVERITY: Severity = "warning"
#: The filter drops only rows with the other kinds of damage: HTML entities are better unescaped.
FILTER_DROPS_ALL = False
#: The characters that the bytes 0x80-0xBF become in Latin-1 and in Windows-1252.
_LATE = (
    "\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"
)
#: The same without signs that may follow a capital letter in correct texts: quotes, dashes, ellipses, ordinal signs.
_ODD = "\u0080-\u00a9\u00ac-\u00b6\u00b8\u00b9\u00bc-\u00bf"

#: What was misread -> an expression: quotes and dashes, Western letters and signs, emoji and BOM, Cyrillic, Chinese, Japanese.
MISREAD: dict[str, str] = {
    "punctuation": "\u00e2\u20ac[\u2122\u0153\u009d\u02dc\u201c\u201d\u00a6\u00a2\u0161\u2030\u0093\u0094\u0098\u0099]"
    "|\u00e2\u0080[\u0080-\u00bf]",
    "Western": f"[\u00c2\u00c3][{_ODD}]",
    "emoji": f"\u00f0\u0178[{_LATE}]|\u00ef\u00bb\u00bf",
    "Cyrillic": f"(?:[\u00d0\u00d1][{_LATE}]){{3}}",
    "Chinese": f"(?:[\u00e4-\u00e9][{_LATE}]{{2}}){{2}}",
    "Japanese": f"(?:\u00e3[\u0080-\u0083\u201a\u0192][{_LATE}]){{2}}",
}
_LEADS = "\u00c2\u00c3\u00d0\u00d1\u00e3\u00e4\u00e5\u00e6\u00e7\u00e8\u00e9"

DAMAGE: tuple[Pattern, ...] = (
    Pattern(
        "UTF-8 read as another encoding",
        "|".join(MISREAD.values()),
        # Some are letters of European languages, so correct texts in these are tested with the expression, too.
        ("\u00e2\u20ac", "\u00e2\u0080", "\u00f0\u0178", "\u00ef\u00bb\u00bf", *_LEADS),
        gate=f"[{_LEADS.casefold()}\u00e2\u00f0\u00ef]",
    ),
    Pattern("replacement characters (U+FFFD) where letters were lost", "\ufffd", ("\ufffd",)),
    Pattern(
        "HTML entities in plain text",
        r"&(?:amp|lt|gt|quot|apos|nbsp|#39|#x27|#34|#160|#8217|#8220|#8221|rsquo|lsquo|ldquo|rdquo|mdash|ndash|hellip);",
        ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&nbsp;", "&#", "quo;", "dash;", "&hellip;"),
        # In mark-up, code and texts about escaping, entities are correct.
        unless=r"(?i)</?[a-z!][a-z0-9-]*[\s/>]|```|`|\bhtml|\bxml|entit(?:y|ies)|\bescap|\bencod|\?[a-z_]{1,30}=[^\s]{0,200}&amp;[a-z_]{1,30}=",
    ),
)
SEARCH = Search(CODE, DAMAGE, "{}", "repair the texts (ftfy.fix_text, html.unescape), or drop the rows")
_FIXES = {
    DAMAGE[0].name: "read the source again as UTF-8, repair the texts (ftfy.fix_text), or drop the rows",
    DAMAGE[1].name: "the letters are gone: take the rows from their source again, or drop them",
    DAMAGE[2].name: "dataset.map with html.unescape on the column",
}


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind of damage."""
    for hit in hits(facts, DAMAGE):
        name = hit.pattern.name
        yield finding(facts, CODE, SEVERITY, name, hit.at, example=hit.excerpt(), fix=_FIXES[name])


def filters(facts: Facts, code: str) -> list[FilterStep]:
    misread, replaced, _ = DAMAGE
    damage = {hit.pattern for hit in hits(facts, (misread, replaced))}
    forms = [form for form in MISREAD.values() if misread in damage and any(re.search(form, text) for text in facts.joined)]
    return without(code, "DAMAGED", forms + ([replaced.regex] if replaced in damage else []))
