"""Parses arXiv identifiers in all common spellings: bare, as a DOI, or as the address of a paper's page."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean

# 2505.09388v2 since April 2007; hep-th/9901001 (formerly also math.GT/0309136) before.
_ID = re.compile(
    r"(?:([0-9]{4}\.[0-9]{4,5})|([a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/([0-9]{7}))(?:v([1-9][0-9]{0,3}))?", re.IGNORECASE
)
#: The rest of the stamp in a PDF's margin: `arXiv:2106.09685v2 [cs.CL] 16 Oct 2021`.
_STAMP = re.compile(r"\s*\[[\w.-]{1,20}\](?: \d{1,2} \w{3,9} \d{4})?$")
_BRACKETS = " <>()[]\"'`,.;:"
#: The longest accepted text; longer ones could slow the patterns down.
_LONGEST = 500
_PREFIX = re.compile(r"^(?:arxiv\s*:\s*|(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?10\.48550/arxiv\.)", re.IGNORECASE)
_HOSTS = re.compile(
    r"^(?:(?:www|export|browse|beta)\.)?(?:arxiv|alphaxiv)\.org$|^ar5iv(?:\.labs\.arxiv)?\.org$|^(?:huggingface\.co|hf\.co)$"
)
_PAGE = re.compile(r"^/(?:abs|pdf|html|format|src|e-print|overview|papers)/(.+?)(?:\.pdf|\.md)?/?$")


@dataclass(frozen=True)
class ArxivId:
    """One paper, or one version of it.

    Attributes:
        base: `2505.09388` or `hep-th/9901001`.
        version: 1 or more, or None for the latest.
    """

    base: str
    version: int | None = None

    def __str__(self) -> str:
        return self.base if self.version is None else f"{self.base}v{self.version}"

    @property
    def possible(self) -> bool:
        """Whether arXiv can have assigned the id; it rejects a whole request if one of its ids is impossible (1234.12345).

        The month must exist, and the number after the dot has five digits since January 2015 and had four before.
        """
        date, _, number = self.base.partition(".")
        digits = date.rpartition("/")[2]
        expected = 0 if "/" in self.base else 5 if digits >= "1501" else 4
        return 1 <= int(digits[2:4]) <= 12 and len(number) == expected


def parse_id(text: str) -> ArxivId | None:
    """The id in `text` (bare, `arXiv:…`, a DOI, an address of a paper's page), or None when it is not an id."""
    match = _ID.fullmatch(text) or _ID.fullmatch(_bare(text))
    if match is None:
        return None
    base = match[1] or f"{match[2].lower()}/{match[3]}"
    return ArxivId(base, int(match[4]) if match[4] else None)


def _bare(text: str) -> str:
    """`text` without the address, hidden characters, brackets, punctuation, stamp and file extension around the id."""
    if len(text) > _LONGEST:
        return ""
    text = _STAMP.sub("", clean(text)).strip(_BRACKETS)
    if "doi.org/" not in text.lower():
        with suppress(ValueError):
            parts = urlsplit(text if "://" in text else f"https://{text}")
            page = _PAGE.match(unquote(parts.path)) if _HOSTS.match((parts.hostname or "").lower()) else None
            if page:
                return page[1]
    return _PREFIX.sub("", text).removesuffix(".pdf")


def require_id(text: str) -> ArxivId:
    """The id in `text`; a `UsageError` that shows valid ids when there is none."""
    parsed = parse_id(text)
    if parsed is None:
        hint = "give 2505.09388, hep-th/9901001 or an arxiv.org address; to look for a title: crawl_arxiv search 'ti:\"…\"'"
        raise UsageError(f"{clean(text, limit=80)!r} is not an arXiv id", hint=hint)
    return parsed
