"""Parses a LaTeXML page (arXiv's own HTML, ar5iv) into a `Document`. Pages are untrusted: depth, spans and sizes are bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ml_intern_helpers.core.errors import NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.reading import latexml_blocks
from ml_intern_helpers.papers.reading.document import Block, Document, Section, SectionKind, Source
from ml_intern_helpers.papers.reading.latexml_blocks import DEEPEST, Element, classes, inline, skipped

#: Class of a part -> its level; its heading carries the class `ltx_title`.
_LEVELS = {
    **dict.fromkeys(("ltx_part", "ltx_chapter", "ltx_section", "ltx_appendix", "ltx_bibliography"), 1),
    **dict.fromkeys(("ltx_abstract", "ltx_acknowledgements"), 1),
    "ltx_subsection": 2,
    "ltx_subsubsection": 3,
    "ltx_paragraph": 4,
    "ltx_subparagraph": 5,
}
_KINDS: dict[str, SectionKind] = {
    "ltx_abstract": "abstract",
    "ltx_appendix": "appendix",
    "ltx_bibliography": "references",
    "ltx_acknowledgements": "other",
}
#: Text around the number in a heading's tag: "Appendix A", "§3.", "3 ".
_TAG = re.compile(r"^(?:appendix|section|chapter|part|annex|§)\s*|[\s.:]+$", re.IGNORECASE)
_WRITTEN_NUMBER = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*|[A-Z](?:\.\d{1,2})+)\.?\s+(?=\S)")
_WATERMARK = re.compile(r"arXiv:(\S+?)v(\d{1,3})\b")
_MISSING = re.compile(
    r"HTML is not available for|No HTML (?:version )?(?:for|is available)|(?:paper|article) not found" r"|failed to convert",
    re.IGNORECASE,
)
_FATAL = re.compile(r"Conversion to HTML had a Fatal error", re.IGNORECASE)
#: A page with fewer characters is not a paper.
SHORTEST = 200


@dataclass
class _Build:
    """The open sections from the outermost to the one being filled, and the links so far."""

    open: list[Section]
    links: list[str] = field(default_factory=list)


def read_page(body: bytes, arxiv_id: str, source: Source, url: str) -> Document:
    """The paper on a page.

    Raises:
        NotFound: the page is not the conversion of a paper (an error page, an abstract page, an empty shell).
    """
    root, cut = _parse(body)
    missing = None if root is None else _MISSING.search(_head(root))
    if root is None or missing or not root.xpath('//*[contains(@class, "ltx_")]'):
        quoted_error = f": it says {missing[0]!r}" if missing else ""
        raise NotFound(f"the page at {url} is not a converted paper{quoted_error}", hint="read the PDF")
    top = Section("", level=0)
    build = _Build([top])
    content = root.xpath('//article[contains(@class, "ltx_document")]') or root.xpath("//body")
    for element in content[:1]:
        _walk(element, build, 0)
    titles = root.xpath('//h1[contains(@class, "ltx_title_document")]') or root.xpath("//title")
    title = (_plain(inline(titles[0])) if titles else "") or "(no title)"
    document = Document(arxiv_id, title, source, url, version=_version(root, arxiv_id), links=build.links)
    if top.blocks and top.parts:  # text before the first heading
        document.sections = [Section("Outside any section", kind="other", blocks=top.blocks), *top.parts]
    else:
        document.sections = [Section("Text", blocks=top.blocks)] if top.blocks else top.parts
    if document.characters < SHORTEST and not top.parts:
        raise NotFound(f"the page at {url} does not contain the text of a paper", hint="read the PDF")
    document.notes = _notes(root, cut)
    return document


def _parse(body: bytes) -> tuple[Element | None, bool]:
    """The tree, and whether the parser stopped early because the page is nested too deep."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.LxmlError:
        return None, False
    return root, any("depth" in entry.message for entry in parser.error_log)


def _head(root: Element) -> str:
    """The first 3,000 characters of the page, where an error page states its error."""
    text = ""
    for piece in root.itertext():
        text += " " + piece.strip()
        if len(text) > 3000:
            break
    return clean(text)


def _plain(heading: str) -> str:
    """A heading without Markdown marks for bold and italic."""
    return re.sub(r"\*+(?=\S)|(?<=\S)\*+", "", heading)


def _version(root: Element, arxiv_id: str) -> int | None:
    """The version in arXiv's watermark or base address; ar5iv has neither."""
    marks = ["".join(each.itertext()) for each in root.xpath('//*[@id="watermark-tr"]')]
    marks += [f"arXiv:{each.strip('/').removeprefix('html/')}" for each in root.xpath("//base/@href")]
    for mark in marks:
        match = _WATERMARK.search(clean(mark))
        named = parse_id(match[1]) if match else None
        if match and named and named.base == arxiv_id:
            return int(match[2])
    return None


def _notes(root: Element, cut: bool) -> list[str]:
    notes = []
    errors = len(root.xpath('//*[contains(@class, "ltx_ERROR")]'))
    if _FATAL.search(_head(root)):
        notes.append("its conversion to HTML ended in a fatal error: the text may be cut off or damaged")
    if cut:
        notes.append("the page is nested too deeply to be read to its end")
    if errors:
        notes.append(
            f"{errors} place{'s' * (errors != 1)} of it could not be converted to HTML: macros may stand there as written"
        )
    return notes


def _walk(element: Element, build: _Build, depth: int) -> None:
    """Add the blocks of `element` to the innermost open section."""
    names = classes(element)
    if skipped(element) or names & {"ltx_authors", "ltx_title"} or element.tag in ("header", "footer"):
        return
    part = next((name for name in _LEVELS if name in names), None)
    if part:
        build.open.append(_section(element, part, build))
    blocks = None if part or depth > DEEPEST else latexml_blocks.read(element, names, build.links)
    if blocks is None:
        for child in element if depth <= DEEPEST else ():
            _walk(child, build, depth + 1)
        loose = clean(element.text or "")  # text outside any paragraph, as in hand-written and broken pages
        blocks = [Block("text", loose)] if not part and len(loose) > 1 and "ltx_break" not in names else []
    build.open[-1].blocks += blocks
    if part:
        build.open.pop()


def _section(element: Element, part: str, build: _Build) -> Section:
    """A new section below the one that is open."""
    parent = build.open[-1]
    heading = next((each for each in element if isinstance(each.tag, str) and "ltx_title" in classes(each)), None)
    number, title = _heading(heading)
    kind = _KINDS.get(part) or (parent.kind if parent.kind != "other" else "section")
    defaults: dict[SectionKind, str] = {"abstract": "Abstract", "references": "References"}
    section = Section(title or defaults.get(kind, "(no heading)"), number, kind, max(_LEVELS[part], parent.level + 1))
    parent.parts.append(section)
    return section


def _heading(heading: Element | None) -> tuple[str | None, str]:
    """Number and title; a number may stand in a tag of its own or be part of the words."""
    if heading is None:
        return None, ""
    tags = heading.xpath('./span[contains(@class, "ltx_tag")]')
    tag = inline(tags[0]) if tags else ""
    title = _plain(inline(heading).removeprefix(tag)).strip(" .:")
    number = _TAG.sub("", _TAG.sub("", tag)) or None
    written = None if number else _WRITTEN_NUMBER.match(title)
    return (written[1], title[written.end() :]) if written else (number, title)
