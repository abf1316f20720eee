"""Finds a part of a paper by its name (`3`, `method`, `Table 2`), and the passages that contain given words."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ml_intern_helpers.core.errors import NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, BlockKind, Document, Grid, Section
from ml_intern_helpers.papers.reading.latexml_blocks import markdown

#: Requested part -> patterns for its heading; the first one that matches any heading is used.
_ROLES: dict[str, tuple[str, ...]] = {
    "method": (
        r"\bmethod(s|ology)?\b|\bour (approach|model)\b|\bproposed\b|\bapproach\b",
        r"\balgorithms?\b|\bframework\b|\bmodel\b",
    ),
    "experiments": (r"\bexperiment(s|al)?\b", r"\bevaluations?\b|\bresults\b|\bsetup\b"),
    "results": (r"\bresults?\b", r"\bexperiments?\b|\bevaluations?\b"),
    "training": (
        r"\b(training|implementation|experimental|hyper-?parameters?)\b.*\b(details?|set-?up|settings?|recipe"
        r"|config\w*|procedure)\b",
        r"\bhyper-?parameters?\b|\btraining\b|\bimplementation\b|\bfine-tuning procedure\b|\bsetup\b",
    ),
    "introduction": (r"\bintroduction\b",),
    "conclusion": (r"\bconclusions?\b|\bdiscussion\b",),
    "related": (r"\brelated work\b|\bbackground\b",),
}
_ALIASES = {
    **dict.fromkeys(("methods", "methodology", "approach"), "method"),
    **dict.fromkeys(("experiment", "evaluation"), "experiments"),
    "result": "results",
    **dict.fromkeys(("hyperparameters", "implementation"), "training"),
    "related work": "related",
    "intro": "introduction",
    "conclusions": "conclusion",
}
_NOT_METHOD = re.compile(
    r"introduction|related|background|prelim|experiment|result|evaluation|conclu|discussion|limitation|acknowledg"
    r"|ablation|impact",
    re.I,
)
_LABEL = re.compile(r"(table|figure|fig\.?|algorithm|listing|footnote)\s+([A-Z]?\.?\d[\d.]*)", re.I)
_LISTS: dict[str, BlockKind] = {"figures": "figure", "tables": "table"}


@dataclass(frozen=True)
class Choice:
    """The part that was found: its name in the paper, its Markdown, and other parts that match the same words."""

    name: str
    text: str
    also: tuple[str, ...] = ()


def choose(document: Document, asked: str) -> Choice:
    """The part of `document` that `asked` names; `NotFound` lists the existing parts."""
    request = clean(asked).strip(" .")
    labelled = _LABEL.fullmatch(request)  # `Table 2`, `Fig. 1`
    if labelled:
        label_kind = "figure" if labelled[1].lower().startswith("fig") else labelled[1].lower()
        label = f"{label_kind} {labelled[2]}".lower().rstrip(".")
        for section, block in document.blocks():
            if (block.label or "").lower().rstrip(".") == label:
                return Choice(f"{block.label} (in {section.name})", block.text)
    kind = _LISTS.get(request.lower())
    if kind:
        caption_lines = [f"- {caption_line(section, block)}" for section, block in captioned(document, kind)]
        return Choice(f"all {request.lower()}", "\n".join(caption_lines) or f"The text has no {request.lower()} with a caption.")
    sections = _sections(document, re.sub(r"^(?:section|sec\.|appendix|§)\s*(?=\S)", "", request, flags=re.I), request.lower())
    if not sections:
        names = "; ".join(section.name for section in document.sections)
        raise NotFound(
            f"the paper has no part {request!r}; it has: {clean(names, limit=600)}",
            hint="leave --section out to see all parts; --find WORDS looks for words",
        )
    if request.lower() in ("appendix", "appendices"):
        return Choice("all appendices", "\n\n".join(section.markdown() for section in sections))
    return Choice(sections[0].name, sections[0].markdown(), tuple(section.name for section in sections[1:6]))


def _sections(document: Document, bare_request: str, request: str) -> list[Section]:
    """The matching sections, the best first."""
    all_sections = list(document.walk())
    if re.fullmatch(r"#\d{1,4}", request):
        return all_sections[int(request[1:]) - 1 : int(request[1:])]
    for key in (bare_request.lower(), request):
        numbered = [section for section in all_sections if (section.number or "").lower() == key]
        named = numbered or [section for section in all_sections if section.title.lower() == key]
        if named:
            return named
    kinds = {"appendix": "appendix", "appendices": "appendix", "references": "references", "bibliography": "references"}
    if request in (*kinds, "abstract"):
        return [section for section in document.sections if section.kind == kinds.get(request, "abstract")]
    matching = _by_role(document, all_sections, _ALIASES.get(request, request))
    if matching:
        return matching
    words = re.findall(r"[\w-]+", request)
    matching = [section for section in all_sections if words and all(word in section.title.lower() for word in words)]
    return sorted(matching, key=lambda section: section.level)


def _by_role(document: Document, all_sections: list[Section], role: str) -> list[Section]:
    """The sections whose headings match a requested role, such as `method`."""
    body = [section for section in all_sections if section.kind in ("section", "appendix")]
    for pattern in _ROLES.get(role, ()):
        matching = [section for section in body if re.search(pattern, section.title, re.I)]
        if role == "method":
            matching = [section for section in matching if not _NOT_METHOD.search(section.title) and section.level == 1]
        if matching:
            return sorted(matching, key=lambda section: section.level)
    if role != "method":
        return []
    # A method section is often named after the method: take those that share a word with the title, else the whole body.
    title = set(re.findall(r"\w+", document.title.lower()))
    body = [section for section in document.sections if section.kind == "section" and not _NOT_METHOD.search(section.title)]
    shared = [section for section in body if set(re.findall(r"\w{3,}", section.title.lower())) & title]
    return shared or body


def captioned(document: Document, kind: BlockKind) -> list[tuple[Section, Block]]:
    """The tables or figures that have a label or a caption, in reading order."""
    return [(section, block) for section, block in document.blocks() if block.kind == kind and (block.label or block.caption)]


def caption_line(section: Section, block: Block) -> str:
    """`Table 2: what it shows (in 4.1 GLUE)`."""
    head = ": ".join(part for part in (block.label, block.caption) if part)
    return f"{clean(head, limit=300)} (in {section.name})"


#: Characters around a match, and of a whole passage.
_AROUND = 160
_LONGEST = 500
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[\w$(\"*`\[])")


@dataclass(frozen=True)
class Passage:
    """A match with the text around it; `where` is its section, `label` its table or figure."""

    where: str
    text: str
    label: str | None = None


def find(document: Document, words: str) -> tuple[list[Passage], str]:
    """The passages with the whole phrase, else the paragraphs with all words; and which of the two: `phrase`, `all words`.

    Case, hyphens and line breaks are ignored, and a word also matches longer words that begin with it.
    """
    parts = re.findall(r"[^\s-]+", clean(words))
    if not parts:
        return [], "phrase"
    phrase = re.compile(r"[\s-]*".join(map(re.escape, parts)), re.IGNORECASE)
    passages = list(_hits(document, [phrase]))
    if passages or len(parts) == 1:
        return passages, "phrase"
    return list(_hits(document, [re.compile(rf"\b{re.escape(part)}", re.IGNORECASE) for part in parts])), "all words"


def _hits(document: Document, patterns: list[re.Pattern[str]]) -> Iterator[Passage]:
    for section, block in document.blocks():
        if all(pattern.search(block.text) for pattern in patterns):
            for text in _pieces(block, patterns):
                yield Passage(section.name, text, block.label)


def _pieces(block: Block, patterns: list[re.Pattern[str]]) -> Iterator[str]:
    if not block.grids:
        yield from _windows(clean(block.text), patterns[0])
        return
    if block.caption and any(pattern.search(block.caption) for pattern in patterns):
        yield clean(block.caption, limit=_LONGEST)
    for grid in block.grids:
        rows = _rows(grid, patterns)
        if rows:
            yield rows


def _rows(grid: Grid, patterns: list[re.Pattern[str]]) -> str:
    """The head of a table and its matching rows; all rows when only the head matches."""
    head, *body = grid
    matching_rows = [row for row in body if any(pattern.search(cell.text) for cell in row for pattern in patterns)]
    if not matching_rows and any(pattern.search(cell.text) for cell in head for pattern in patterns):
        matching_rows = body
    return shortened(markdown((head, *matching_rows))) if matching_rows else ""


def shortened(table: str) -> str:
    """As many whole rows of a Markdown table as a passage may hold."""
    lines = table.splitlines()
    while len("\n".join(lines)) > _LONGEST * 2 and len(lines) > 3:
        lines.pop()
    rows_left = len(table.splitlines()) - len(lines)
    return clean("\n".join(lines), limit=_LONGEST * 3, keep_newlines=True) + (f"\n… {rows_left} more rows" if rows_left else "")


def _windows(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """The text around each match, from the start of a sentence or word to the end of one; close matches share a window."""
    breaks = [0, *(match.end() for match in _BREAK.finditer(text)), len(text)]
    end = -1
    for match in pattern.finditer(text):
        if match.start() < end:
            continue
        first, last = match.span()
        start, end = breaks[bisect_right(breaks, first) - 1], breaks[min(bisect_left(breaks, last), len(breaks) - 1)]
        if first - start > _AROUND:
            start = text.find(" ", first - _AROUND, first) + 1 or first
        if end - last > _AROUND:
            space = text.rfind(" ", last, last + _AROUND)
            end = last + _AROUND if space < 0 else space
        yield "…" * (start > 0) + text[start:end].strip() + "…" * (end < len(text))
