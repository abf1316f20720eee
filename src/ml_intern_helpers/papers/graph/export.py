"""Checks and writes the files that options name, and renders BibTeX.

A path is checked before any request, and a file is written atomically. BibTeX entries hold only known values, characters that
are special to LaTeX are escaped, and every key is unique.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.model import same_title

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {character: f"\\{character}" for character in "&%$#_"}
#: BibTeX counts braces even when they are escaped: an unpaired one would swallow the rest of the file.
_SPECIAL |= {"{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
_SMALL = frozenset(["a", "an", "and", "are", "at", "for", "from", "in", "is", "of", "on", "the", "to", "via", "with"])


class NotWritten(ToolError):
    """The file could not be written."""

    code = "not-written"


def check(option: str, name: str, *, force: bool) -> Path:
    """The file that `option` names.

    Raises:
        UsageError: it is a folder or device, its folder does not exist, or it is an existing file or a link without `--force`.
    """
    shown = clean(name, limit=200)
    try:
        named = Path(name).expanduser()
        path = named.resolve()
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise UsageError(f"{option} {shown} is a folder or a device", hint="name a file")
        if not path.parent.is_dir():
            raise UsageError(
                f"{option} {shown}: there is no folder {clean(path.parent, limit=200)}", hint="create it, or name another folder"
            )
        if force:
            return path
        if path.exists() and path.stat().st_size:
            raise UsageError(f"{option} {shown}: the file already exists", hint="name another file, or add --force to replace it")
        if named.is_symlink():  # a link in a cloned repository may lead anywhere, even to a file that does not exist yet
            message = f"{option} {shown} is a link to {clean(path, limit=200)}"
            raise UsageError(message, hint="name the target file itself, or add --force to follow the link")
    except (OSError, ValueError, RuntimeError) as err:
        raise UsageError(f"{option} {shown} cannot be written: {clean(err, limit=150)}", hint="name another file") from err
    return path


def write(path: Path, text: str) -> dict[str, str | int]:
    """Write the file; returns its path and size for the report."""
    data = text.encode("utf-8")
    try:
        write_atomic(path, data)
    except OSError as err:
        message = f"{clean(path, limit=200)} was not written: {err.strerror or type(err).__name__}"
        raise NotWritten(message, hint="free some space, or name another file") from err
    return {"path": clean(path, limit=400), "size_bytes": len(data)}


def bibtex(rows: Iterable[dict[str, Any]]) -> str:
    """Entries for the paper objects of a `--json` answer; an author list that was cut ends in `and others`."""
    taken: set[str] = set()
    return "\n".join(_entry(row, _key(row, taken)) for row in rows)


def _entry(row: dict[str, Any], key: str) -> str:
    kind = "article" if row["journal_ref"] else "misc"
    authors = []
    for name in row["authors"]:  # braces protect a group's name that contains the separator `and`
        braced = re.search(r"\band\b|^others$", name, re.IGNORECASE)
        authors.append("{" + _escaped(name) + "}" if braced else _escaped(name))
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
    """A unique key such as `rafailov2023direct`; a duplicate gets a number."""
    surname = same_title(row["authors"][0]).split()[-1:] if row["authors"] else []
    words = [word for word in same_title(row["title"]).split() if word not in _SMALL]
    stem = "".join([*surname, str(row["year"] or ""), *words[:1]])
    stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9]", "", stem) or "paper"
    number, key = 1, stem
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    taken.add(key)
    return key


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)


def _plain(text: str) -> str:
    """A DOI or a category without braces, backslashes and blanks, which would break the entry."""
    return re.sub(r"[{}\\\s]", "", text)
