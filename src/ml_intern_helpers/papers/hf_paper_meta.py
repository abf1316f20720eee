"""hf_paper_meta: what the Hub has around a paper: code, models, datasets, Spaces, collections; and its citation counts."""

from __future__ import annotations

import argparse
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.human import meta as render_human
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.meta import PARTS, Meta
from ml_intern_helpers.papers.meta_gather import gather
from ml_intern_helpers.papers.meta_text import render
from ml_intern_helpers.papers.model import Limits
from ml_intern_helpers.papers.sources import sources

__all__ = ["EMPTY_FIELDS", "EPILOG", "SUMMARY", "add_arguments", "render", "render_human", "run"]

SUMMARY = "Show what the Hugging Face Hub has around a paper: code, models, datasets, Spaces, collections."
EPILOG = """\
examples:
  hf_paper_meta 2505.09388
  hf_paper_meta https://arxiv.org/abs/2305.18290 2106.09685 --limit 20 --json
  hf_paper_meta 2305.18290 --kind models --kind datasets
ids: 2505.09388, arXiv:…, an arxiv.org or huggingface.co/papers address; a version is dropped (the Hub keeps one page)
A part that could not be had is null in --json and "could not tell" in text, never an empty list."""

MAX_IDS = 20
MAX_LIMIT = 100
EMPTY_FIELDS: dict[str, Any] = {"papers": None, "found": None, "not_found": None, "sources": []}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="+", help="arXiv id or address, up to 20")
    parser.add_argument("--kind", action="append", choices=PARTS, default=[], help="only this part (repeatable; default: all)")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="of each kind, 1 to 100 (default 5)")
    parser.add_argument("--full", action="store_true", help="whole abstract, all authors")


def run(args: argparse.Namespace, context: Context) -> Report:
    """Ask for everything side by side, then say what was found and what could not be had."""
    if not 1 <= args.limit <= MAX_LIMIT:
        raise UsageError(f"--limit {args.limit} is not between 1 and {MAX_LIMIT}", hint="see `hf_paper_meta --help`")
    ids = list(dict.fromkeys(require_id(text).base for text in args.id))
    if len(ids) > MAX_IDS:
        raise UsageError(f"{len(ids)} ids, at most {MAX_IDS} at once", hint="split the list")
    context.progress("asking the Hub …")
    found, notes = gather(context.http, ids, args.limit, [part for part in PARTS if part in args.kind] or PARTS)
    if not any(meta.responses for meta in found) and found[0].errors:
        raise found[0].errors[0]
    missing = [meta.arxiv_id for meta in found if meta.exists is False]
    if len(missing) == len(found):
        raise NotFound(f"neither the Hub nor arXiv has a paper {', '.join(missing)}", hint="check the id: crawl_arxiv finds it")
    for meta in found:
        notes += [f"{meta.arxiv_id}: {note}" for note in meta.told() if meta.exists is not False]
    for note in notes:
        context.warn(note)
    return _report(found, missing, Limits(None, None) if args.full else Limits(abstract=1500, authors=10))


def _report(found: list[Meta], missing: list[str], limits: Limits) -> Report:
    answered = {id(response): response for meta in found for response in meta.responses}
    fields = {
        "papers": [meta.to_dict(limits) for meta in found],
        "found": len(found) - len(missing),
        "not_found": missing,
        "sources": sources(answered.values()),
    }
    complete = not missing and not any(meta.failed for meta in found)
    return Report("hf_paper_meta", "ok" if complete else "unknown", fields=fields)
