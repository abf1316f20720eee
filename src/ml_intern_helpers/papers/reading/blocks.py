"""One block of a LaTeXML page -> Markdown: paragraph, list, formula, table, figure, listing, reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading import tables
from ml_intern_helpers.papers.reading.document import Block, BlockKind
from ml_intern_helpers.papers.reading.inline import Element, classes, inline, skipped, tex

__all__ = ["Block", "read"]

_LABEL = re.compile(
    r"^((?:Table|Figure|Fig\.|Algorithm|Listing|Box)\s*[A-Z]{0,2}[\d.]*\d" r"|[A-Za-z ]{3,20}\s\d+)\s*[:.]*\s*", re.IGNORECASE
)
_MARK = re.compile(r"^[•◦▪∙·–-]\s*")
_KINDS: dict[str, BlockKind] = {"Table": "table", "Algorithm": "code", "Listing": "code"}


def read(element: Element, names: frozenset[str], links: list[str]) -> list[Block] | None:
    """The blocks that `element` stands for, or None when it is a mere container."""
    for applies, reader in _READERS:
        if applies(element, names):
            return list(reader(element, links))
    return None


def _paragraph(element: Element, links: list[str]) -> Iterator[Block]:
    text = inline(element, links)
    if text:
        yield Block("text", text)
    yield from _footnotes(element, links)


def _footnotes(element: Element, links: list[str]) -> Iterator[Block]:
    for note in element.xpath('.//*[contains(@class, "ltx_role_footnote")]'):
        if "ltx_role_footnote" in classes(note):
            text = inline(note, links)
            mark = clean("".join(note.xpath('.//*[contains(@class, "ltx_tag_note")]//text()')[:1]))
            if text:
                yield Block("footnote", f"Footnote {mark}: {text}".replace(" :", ":"), f"Footnote {mark}".strip())


def _equation(element: Element, links: list[str]) -> Iterator[Block]:
    """Each row of a formula once; the columns of an alignment are one formula."""
    rows = element.xpath('.//tr[contains(@class, "ltx_eqn_row")]') or [element]
    if element.tag == "math":
        rows = [element]
    for row in rows:
        cells = [row] if row.tag == "math" else row.xpath('.//*[self::math or contains(@class, "ltx_markedasmath")]')
        formula = " ".join(filter(None, (tex(cell) if cell.tag == "math" else inline(cell) for cell in cells)))
        number = "" if row.tag == "math" else clean("".join(row.xpath('.//*[contains(@class, "ltx_tag_equation")]//text()')))
        if formula:
            yield Block("equation", f"$${formula}$$" + (f" {number}" if number else ""), number or None)


def _list(element: Element, links: list[str]) -> Iterator[Block]:
    """Items, their own lists indented; a formula or table inside an item follows it."""
    for item in element:
        if not isinstance(item.tag, str) or skipped(item):
            continue
        found = list(_inside(item, links))
        words = _MARK.sub("", _item_text(item, links) or "")
        first = found.pop(0) if found and found[0].kind == "text" and not words else None
        text = words or (first.text if first else "")
        if text:
            yield Block("item", f"- {_MARK.sub('', text)}")
        for block in found:
            yield Block("item", f"  {block.text}") if block.kind == "item" else block


def _item_text(item: Element, links: list[str]) -> str | None:
    """The text of an item without paragraphs of its own (hand-made pages); None for LaTeXML's."""
    if item.xpath('.//*[self::p or self::ul or self::ol or contains(@class, "ltx_p")]'):
        return None
    return inline(item, links)


def _inside(element: Element, links: list[str]) -> Iterator[Block]:
    """The blocks below an element that is none itself."""
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if skipped(child) or "ltx_tag_item" in classes(child):
            continue
        found = read(child, classes(child), links)
        if found is None:
            stack += reversed(child)
        else:
            yield from found


def _listing(element: Element, links: list[str]) -> Iterator[Block]:
    lines = element.xpath('.//*[contains(@class, "ltx_listingline")]')
    text = "\n".join(inline(line) for line in lines) if lines else clean("".join(element.itertext()), keep_newlines=True)
    text = text.strip("\n").replace("```", "'''")
    if text.strip():
        yield Block("code", f"```\n{text}\n```")


def _table(element: Element, links: list[str]) -> Iterator[Block]:
    cells = tables.grid(element)
    text = tables.markdown(cells)
    if text:
        yield Block("table", text, grids=(cells,))


def _figure(element: Element, links: list[str]) -> Iterator[Block]:
    """A figure or table with its caption, panels and all; what it shows as a picture is named, not shown."""
    captions = element.xpath('.//figcaption | .//*[contains(@class, "ltx_caption") and not(self::figcaption)]')
    own = [each for each in captions if each.getparent() is element] or captions[-1:]
    label, caption = _caption(inline(own[0], links) if own else "")
    found = [tables.grid(each) for each in _outermost(element, tables.is_table)]
    grids = tuple(each for each in found if tables.markdown(each))
    listings = [block.text for each in _outermost(element, _is_listing) for block in _listing(each, links)]
    panels = [inline(each, links) for each in captions if each not in own]
    head = f"**{label}**" + (f": {caption}" if caption else "") if label else caption
    parts = [head, *panels, *map(tables.markdown, grids), *listings]
    if not grids and not listings:
        parts += [inline(each, links) for each in element.xpath('.//p[contains(@class, "ltx_p")]')]
    text = "\n\n".join(part for part in parts if part)
    kind: BlockKind = "table" if grids else "code" if listings else _KINDS.get((label or "").split(" ")[0], "figure")
    if text:
        yield Block(kind, text, label, caption or None, grids)


def _caption(text: str) -> tuple[str | None, str]:
    """`Table 2: What it shows` -> (`Table 2`, `What it shows`)."""
    bare = text.replace("**", "")
    match = _LABEL.match(bare)
    return (match[1].strip(), bare[match.end() :].strip()) if match else (None, bare)


def _outermost(element: Element, wanted: Callable[[Element], bool]) -> Iterator[Element]:
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if isinstance(child.tag, str):
            if wanted(child):
                yield child
            else:
                stack += reversed(child)


def _reference(element: Element, links: list[str]) -> Iterator[Block]:
    """One entry of the bibliography: its tag, then the rest on one line."""
    tags = element.xpath('./*[contains(@class, "ltx_tag_bibitem")]')
    tag = inline(tags[0]) if tags else ""
    text = inline(element, links).removeprefix(tag).strip()
    yield Block("reference", f"- {tag} {text}".replace("-  ", "- "), tag or None)


def _is_listing(element: Element) -> bool:
    return element.tag == "pre" or bool(classes(element) & {"ltx_listing", "ltx_verbatim"})


_Applies = Callable[[Element, frozenset[str]], bool]
_Reader = Callable[[Element, list[str]], Iterator[Block]]
#: The first that applies reads the element.
_READERS: tuple[tuple[_Applies, _Reader], ...] = (
    (lambda element, names: "ltx_bibitem" in names, _reference),
    (lambda element, names: element.tag == "figure" or bool(names & {"ltx_table", "ltx_figure", "ltx_float"}), _figure),
    (lambda element, names: element.tag == "math" or bool(names & {"ltx_equation", "ltx_equationgroup"}), _equation),
    (lambda element, names: tables.is_table(element), _table),
    (lambda element, names: _is_listing(element), _listing),
    (lambda element, names: element.tag in ("ul", "ol", "dl") and "ltx_biblist" not in names, _list),
    (lambda element, names: element.tag in ("p", "blockquote", "h5", "h6", "h2", "h3", "h4") or "ltx_p" in names, _paragraph),
)
