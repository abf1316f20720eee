"""What `crawl_arxiv --read` answers: the contents of a paper, one part of it, or the passages that hold some words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import sources
from ml_intern_helpers.papers.reading.choose import caption_line, captioned, choose
from ml_intern_helpers.papers.reading.document import SOURCE_NAMES, Document, Section
from ml_intern_helpers.papers.reading.obtain import Obtained, obtain
from ml_intern_helpers.papers.reading.paging import CHARACTERS, page
from ml_intern_helpers.papers.reading.passages import find

#: Lines of a table of contents; a longer one is told without its deepest levels.
LINES = 70


@dataclass(frozen=True)
class Ask:
    """One look into a paper: a part of it, words in it, or (neither) its contents.

    Attributes:
        start: characters (of a part) or passages to skip.
        limit: passages to show.
        characters: of a part, at most.
    """

    paper_id: ArxivId
    section: str | None = None
    words: str | None = None
    start: int = 0
    limit: int = 10
    characters: int = CHARACTERS


def answer(ask: Ask, context: Context) -> Report:
    """The report of one look; `reading` is its one field of its own."""
    context.progress("fetching the paper …")
    got = obtain(context.http, ask.paper_id)
    for note in [*got.passed_over, *got.document.notes]:
        context.warn(note)
    reading = described(got.document)
    if ask.words is not None:
        return report("find", got, {**reading, "find": _found(got.document, ask)})
    if ask.section is not None:
        return report("section", got, {**reading, "section": _section(got.document, ask)})
    return report("contents", got, {**reading, **_contents(got.document)})


def report(mode: str, got: Obtained, reading: dict[str, Any], **fields: Any) -> Report:
    own = {"mode": mode, "reading": reading, "sources": sources(got.responses), **fields}
    return Report("crawl_arxiv", fields=own)


def described(document: Document) -> dict[str, Any]:
    """Which text of which paper was read; the keys of every kind of look are there."""
    return {
        "arxiv_id": document.arxiv_id,
        "title": document.title,
        "version": document.version,
        "source": document.source,
        "source_name": SOURCE_NAMES[document.source],
        "url": document.url,
        "notes": document.notes,
        "characters": document.characters,
        "contents": None,
        "contents_cut": None,
        "figures": None,
        "tables": None,
        "section": None,
        "find": None,
    }


def _contents(document: Document) -> dict[str, Any]:
    every = list(enumerate(document.walk(), start=1))
    deepest = 6
    while deepest > 1 and sum(section.level <= deepest for _, section in every) > LINES:
        deepest -= 1
    shown = [(number, section) for number, section in every if section.level <= deepest][:LINES]
    figures, tables = ([caption_line(*pair) for pair in captioned(document, (kind,))] for kind in ("figure", "table"))
    rows = [_row(number, section) for number, section in shown]
    return {"contents": rows, "contents_cut": len(every) - len(shown), "figures": figures, "tables": tables}


def _row(number: int, section: Section) -> dict[str, Any]:
    return {
        "ask_for": section.number or f"#{number}",
        "number": section.number,
        "title": section.title,
        "kind": section.kind,
        "level": section.level,
        "characters": section.characters,
    }


def _section(document: Document, ask: Ask) -> dict[str, Any]:
    choice = choose(document, ask.section or "")
    text, following = page(choice.text, ask.start, ask.characters)
    return {
        "asked": ask.section,
        "name": choice.name,
        "text": text,
        "start": ask.start,
        "characters": len(choice.text),
        "next_start": following,
        "also": list(choice.also),
    }


def _found(document: Document, ask: Ask) -> dict[str, Any]:
    passages, how = find(document, ask.words or "")
    shown: list[dict[str, Any]] = []
    room = ask.characters
    for passage in passages[ask.start : ask.start + ask.limit]:
        room -= len(passage.text) + len(passage.where)
        if room < 0 and shown:
            break
        shown.append(passage.to_dict())
    following = ask.start + len(shown)
    return {
        "words": ask.words,
        "matched": how,
        "total": len(passages),
        "start": ask.start,
        "passages": shown,
        "next_start": following if shown and following < len(passages) else None,
    }
