"""Words in what a citation says: the title of the paper at its other end, and the sentences around the citation."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.papers.fields import text, texts
from ml_intern_helpers.papers.model import Citation
from ml_intern_helpers.papers.semantic_scholar_rows import Direction, Edge, other_end


def holds(edge: Edge, direction: Direction, words: str) -> bool:
    """Whether each of `words` occurs in the title or the sentences, in any case and also as part of a word."""
    title = text(other_end(edge, direction).get("title"), 400) or ""
    said = " ".join([title, *texts(edge.raw.get("contexts") or [], 2000)]).casefold()
    return all(word in said for word in words.casefold().split())


def first(citation: Citation, words: str) -> Citation:
    """The same citation, the sentences with most of `words` before the others: few are shown."""
    if not words or not citation.contexts:
        return citation
    asked = words.casefold().split()
    return replace(citation, contexts=tuple(sorted(citation.contexts, key=lambda said: -_count(said, asked))))


def _count(said: str, asked: list[str]) -> int:
    return sum(word in said.casefold() for word in asked)
