"""Papers as BibTeX: only what is known, what is special to LaTeX escaped, every key once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.papers.model import same_title

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {character: f"\\{character}" for character in "&%$#_"}
#: BibTeX counts braces whether escaped or not: an odd one would swallow the rest of the file.
_SPECIAL |= {"{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
_SMALL = frozenset(["a", "an", "and", "are", "at", "for", "from", "in", "is", "of", "on", "the", "to", "via", "with"])


def bibtex(rows: Iterable[dict[str, Any]]) -> str:
    """Entries for the paper objects of a `--json` answer; an author list that was cut ends in `and others`."""
    taken: set[str] = set()
    return "\n".join(_entry(row, _key(row, taken)) for row in rows)


def _entry(row: dict[str, Any], key: str) -> str:
    kind = "article" if row["journal_ref"] else "misc"
    authors = [_name(name) for name in row["authors"]]
    authors += ["others"] if row["authors_total"] > len(row["authors"]) else []
    values = {
        "title": "{" + _escaped(row["title"]) + "}",
        "author": " and ".join(authors),
        "year": str(row["year"] or ""),
        "journal": _escaped(row["journal_ref"] or ""),
        "eprint": row["arxiv_id"] or "",
        "archiveprefix": "arXiv" if row["arxiv_id"] else "",
        "primaryclass": _plain(row["primary_category"] or ""),
        "doi": _plain(row["doi"] or ""),
        "url": row["links"]["abs"] or row["links"]["source"] or "",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in values.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


def _key(row: dict[str, Any], taken: set[str]) -> str:
    """`rafailov2023direct`; a second one of the same name gets a letter."""
    surname = same_title(row["authors"][0]).split()[-1:] if row["authors"] else []
    words = [word for word in same_title(row["title"]).split() if word not in _SMALL]
    stem = _ascii("".join([*surname, str(row["year"] or ""), *words[:1]])) or "paper"
    number, key = 1, stem
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    taken.add(key)
    return key


def _name(author: str) -> str:
    """One author: the name of a group may hold the word that stands between two."""
    together = re.search(r"\band\b|^others$", author, re.IGNORECASE)
    return "{" + _escaped(author) + "}" if together else _escaped(author)


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)


def _plain(text: str) -> str:
    """A DOI or a category: a brace would end the value, a blank has no place there."""
    return re.sub(r"[{}\\\s]", "", text)


def _ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]", "", folded)
