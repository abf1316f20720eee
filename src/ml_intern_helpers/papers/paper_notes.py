"""The options of crawl_arxiv that keep and find notes: `--note`, `--notes`, `--forget`."""

from __future__ import annotations

import argparse
from typing import Any

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.ids import parse_id, require_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", nargs=2, metavar=("ID", "TEXT"), help="keep a note on this paper, for later runs; with these:")
    parser.add_argument("--quote", metavar="WORDS", help="the paper's own words the note rests on")
    parser.add_argument("--place", metavar="WHERE", help="where they stand: 'Section 4.2', 'Table 3'")
    parser.add_argument(
        "--notes", nargs="?", const="", metavar="WORDS", help="notes that hold these words, or name this id; or all"
    )
    parser.add_argument("--forget", type=int, metavar="N", help="take out note N")


def chosen(args: argparse.Namespace) -> list[bool]:
    return [args.note is not None, args.notes is not None, args.forget is not None]


def wanted(args: argparse.Namespace) -> bool:
    return any(chosen(args))


def check(args: argparse.Namespace) -> None:
    """Refuse what would otherwise be ignored in silence."""
    others = {"--category": args.category, "--since": args.since, "--until": args.until, "--sort": args.sort}
    others |= {
        "--start": args.start,
        "--full": args.full,
        "--source": args.source,
        "--section": args.section,
        "--find": args.find,
    }
    for name, given in others.items():
        if given:
            raise UsageError(f"{name} does not go with notes", hint="see `crawl_arxiv --help`")
    if args.note is None:
        check_absent(args)


def check_absent(args: argparse.Namespace) -> None:
    """Without `--note` its options mean nothing."""
    for name in ("quote", "place"):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} goes with --note ID TEXT", hint="see `crawl_arxiv --help`")


def run(args: argparse.Namespace, empty: dict[str, Any]) -> Report:
    """Keep a note, take one out, or find those that match; no request is made."""
    from ml_intern_helpers.papers.library import kept, notes

    if args.note:
        found, total = [notes.add(require_id(args.note[0]).base, args.note[1], args.quote, args.place)], 1
    elif args.forget is not None:
        found, total = [notes.remove(args.forget)], 1
    else:
        named = parse_id(args.notes)
        found, total = notes.find(named.base if named else args.notes, args.limit)
    titles = kept.titles(note.arxiv_id for note in found) if found else {}
    rows = [{**note.to_dict(), "title": titles.get(note.arxiv_id)} for note in found]
    mode = "note" if args.note else "forget" if args.forget is not None else "notes"
    asked = clean(args.notes or "") or None
    fields = {**empty, "mode": mode, "query": asked, "notes": rows, "matching": total, "returned": len(rows)}
    return Report("crawl_arxiv", fields=fields)
