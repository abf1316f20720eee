"""Converts elements of a LaTeXML page to Markdown blocks: text, formulas, tables with their cells, lists, figures, references.

Each formula is written once, links keep their addresses, footnote marks are left out, and spanning cells keep their columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, BlockKind, Cell, Grid

#: An lxml element; the library ships no types.
Element = Any
#: Elements that hold no text of the paper.
SKIPPED_TAGS = frozenset(
    {"script", "style", "nav", "button", "dialog", "form", "template", "noscript", "svg", "head", "link", "meta"}
)
SKIPPED_CLASSES = frozenset(
    {"ltx_note_mark", "ltx_role_footnotemark", "ltx_note_type", "ltx_tag_note", "ltx_page_navbar", "ltx_TOC", "ltx_page_footer"}
    | {"ltx_page_header", "ltx_pagination", "infobox", "ltx_rule", "ltx_role_newpage", "package-alerts", "ltx_dates", "sr-only"}
    | {"arxiv-html-header", "ds-site-footer"}
)
#: Below this depth, text is read without marks; the parser itself stops at 256.
DEEPEST = 200
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "code": "`"}
_TEX_COMMENT = re.compile(r"%\s*\n\s*")
_NOISE = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle)\b\s*")


def classes(element: Element) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def skipped(element: Element) -> bool:
    """Whether an element is not part of the paper's text: scripts, menus, footnote marks."""
    return not isinstance(element.tag, str) or element.tag in SKIPPED_TAGS or bool(classes(element) & SKIPPED_CLASSES)


def tex(math: Element) -> str:
    """The LaTeX of a `math` element, once: its annotation, else its alternative text, else its characters."""
    annotations = math.xpath('.//annotation[@encoding="application/x-tex"]')
    source = "".join(annotations[0].itertext()) if annotations else math.get("alttext") or "".join(math.itertext())
    return _NOISE.sub("", clean(_TEX_COMMENT.sub("", source))).strip()


def inline(element: Element, links: list[str] | None = None) -> str:
    """All text of `element`, cleaned; the addresses of its links are appended to `links`."""
    return clean("".join(_pieces(element, [] if links is None else links, 0)))


def _pieces(element: Element, links: list[str], depth: int) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if not skipped(child) and "ltx_role_footnote" not in classes(child):
            if depth >= DEEPEST:
                yield from child.itertext()
            elif child.tag == "math":
                formula = tex(child)
                yield f"${formula}$" if formula else ""
            elif child.tag in ("br", "hr"):
                yield " "
            else:
                yield _marked(child, "".join(_pieces(child, links, depth + 1)), links)
        if child.tail:
            yield child.tail


def _marked(child: Element, text: str, links: list[str]) -> str:
    """The text of a child with the marks of its tag: bold, italic, code, a power, a link."""
    if child.tag == "sup":  # `10<sup>-5</sup>` is a power; without a mark it would read 10-5
        power = clean(text).replace("−", "-")
        return f"^{{{power}}}" if re.fullmatch(r"-?\d+", power) else text
    if child.tag == "a":
        return _link(child, text, links)
    names = classes(child)
    mark = _MARKS.get(child.tag, "")
    if "ltx_font_bold" in names:
        mark = "**"
    elif "ltx_font_typewriter" in names:
        mark = "`"
    bare = text.strip()
    if mark and bare and mark not in bare and "$" not in bare:
        text = text.replace(bare, f"{mark}{bare}{mark}", 1)
    return text + " " * (child.tag in ("p", "div", "li", "td", "th", "tr"))


def _link(child: Element, text: str, links: list[str]) -> str:
    """A link out of the paper as `text (address)`; a link within it as its text."""
    address = clean(child.get("href") or "", limit=300)
    if not address.startswith(("https://", "http://")) or "ltx_ref" not in classes(child) or "arxiv.org/html/" in address:
        return text
    links.append(address)
    shown = text.strip()
    same = shown.rstrip("/") in address or "bib" in (child.get("href") or "").rpartition("#")[2]
    return address if same and "." in shown else f"{text} ({address})"


#: A hostile `colspan=1000000` must not become a million cells.
WIDEST, LONGEST = 60, 400


def is_table(element: Element) -> bool:
    """Whether an element is a table of the paper, not the layout of a formula."""
    names = classes(element)
    if names & {"ltx_eqn_table", "ltx_equation", "ltx_equationgroup"}:
        return False
    return "ltx_tabular" in names or element.tag == "table"


def grid(table: Element) -> Grid:
    """The cells row by row; short rows are filled up to the longest."""
    rows: list[dict[int, Cell]] = []
    spanning_down: dict[int, tuple[int, Cell]] = {}  # column -> number of rows that a cell above still spans, and the cell
    for row in _rows(table)[:LONGEST]:
        cells_by_column = {column: cell for column, (_, cell) in spanning_down.items()}
        spanning_down = {column: (rows_left - 1, cell) for column, (rows_left, cell) in spanning_down.items() if rows_left > 1}
        column = 0
        for element in _cells(row):
            while column in cells_by_column:
                column += 1
            if column >= WIDEST:
                break
            column = _place(element, column, cells_by_column, spanning_down)
        rows.append(cells_by_column)
    width = max((max(row, default=-1) + 1 for row in rows), default=0)
    return tuple(tuple(row.get(column, Cell("")) for column in range(width)) for row in rows)


def _place(element: Element, column: int, cells_by_column: dict[int, Cell], spanning_down: dict[int, tuple[int, Cell]]) -> int:
    """Put a cell and the cells it spans at `column`; returns the column after it."""
    text = inline(element)
    bold_text = re.fullmatch(r"\*\*(.*)\*\*", text)
    heading = element.tag == "th" or "ltx_th" in classes(element)
    bold = bold_text is not None or bool(re.fullmatch(r"\$\\(?:mathbf|bm|boldsymbol)\{.*\}\$", text))
    own_cell = Cell(bold_text[1] if bold_text else text, heading, bold)
    repeated_cell = Cell(own_cell.text, own_cell.heading, own_cell.bold, repeated=True)
    width, height = min(_span(element, "colspan"), WIDEST - column), min(_span(element, "rowspan"), LONGEST)
    for offset in range(width):
        cells_by_column[column + offset] = repeated_cell if offset else own_cell
        if height > 1:
            spanning_down[column + offset] = (height - 1, repeated_cell)
    return column + width


def _span(element: Element, name: str) -> int:
    """The span of a cell, from its attribute or from a class (`ltx_colspan_3`)."""
    prefix = f"ltx_{name}_"
    marked = [each.removeprefix(prefix) for each in classes(element) if each.startswith(prefix)]
    written = element.get(name) or (marked[0] if marked else "1")
    return max(int(written), 1) if written.isascii() and written.isdecimal() and len(written) < 6 else 1


def _rows(table: Element) -> list[Element]:
    """The rows of this table, without those of tables inside its cells."""
    rows: list[Element] = []
    stack = list(reversed(table))
    while stack:
        element = stack.pop()
        if not isinstance(element.tag, str):
            continue
        if element.tag == "tr" or "ltx_tr" in classes(element):
            rows.append(element)
        elif not is_table(element):
            stack += reversed(element)
    return rows


def _cells(row: Element) -> Iterable[Element]:
    return [each for each in row if each.tag in ("td", "th") or (isinstance(each.tag, str) and "ltx_td" in classes(each))]


def markdown(cells: Grid) -> str:
    """A Markdown table; a spanning cell is written once and then left empty."""
    rows = [[_shown(cell) for cell in row] for row in cells if any(cell.text for cell in row)]
    if not rows:
        return ""
    kept = [column for column in range(len(rows[0])) if any(row[column] for row in rows)]
    lines = ["| " + " | ".join(row[column] for column in kept) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(kept), *lines[1:]])


def _shown(cell: Cell) -> str:
    text = "" if cell.repeated else cell.text.replace("|", "\\|")
    return f"**{text}**" if cell.bold and text and not text.startswith("$") else text


_LABEL = re.compile(
    r"^((?:Table|Figure|Fig\.|Algorithm|Listing|Box)\s*[A-Z]{0,2}[\d.]*\d" r"|[A-Za-z ]{3,20}\s\d+)\s*[:.]*\s*", re.IGNORECASE
)
_MARK = re.compile(r"^[•◦▪∙·–-]\s*")
_KINDS: dict[str, BlockKind] = {"Table": "table", "Algorithm": "code", "Listing": "code"}


def read(element: Element, names: frozenset[str], links: list[str]) -> list[Block] | None:
    """The blocks of an element, or None for a container."""
    for applies, reader in _READERS:
        if applies(element, names):
            return list(reader(element, links))
    return None


def _paragraph(element: Element, links: list[str]) -> Iterator[Block]:
    """The text of a paragraph, then its footnotes."""
    text = inline(element, links)
    if text:
        yield Block("text", text)
    for note in element.xpath('.//*[contains(@class, "ltx_role_footnote")]'):
        if "ltx_role_footnote" in classes(note):
            text = inline(note, links)
            if text:
                mark = clean("".join(note.xpath('.//*[contains(@class, "ltx_tag_note")]//text()')[:1]))
                yield Block("footnote", f"Footnote {mark}: {text}".replace(" :", ":"), f"Footnote {mark}".strip())


def _equation(element: Element, links: list[str]) -> Iterator[Block]:
    """Each row of a formula once; the columns of an alignment are joined into one formula."""
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
    """The items of a list, with inner lists indented; a formula or table inside an item follows it."""
    for item in element:
        if not isinstance(item.tag, str) or skipped(item):
            continue
        blocks = list(_inside(item, links))
        # Only a hand-written page has items without paragraphs.
        has_blocks = item.xpath('.//*[self::p or self::ul or self::ol or contains(@class, "ltx_p")]')
        bare_text = "" if has_blocks else _MARK.sub("", inline(item, links))
        first = blocks.pop(0) if blocks and blocks[0].kind == "text" and not bare_text else None
        text = bare_text or (first.text if first else "")
        if text:
            yield Block("item", f"- {_MARK.sub('', text)}")
        for block in blocks:
            yield Block("item", f"  {block.text}") if block.kind == "item" else block


def _inside(element: Element, links: list[str]) -> Iterator[Block]:
    """The blocks below a container."""
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if skipped(child) or "ltx_tag_item" in classes(child):
            continue
        blocks = read(child, classes(child), links)
        if blocks is None:
            stack += reversed(child)
        else:
            yield from blocks


def _listing(element: Element, links: list[str]) -> Iterator[Block]:
    lines = element.xpath('.//*[contains(@class, "ltx_listingline")]')
    text = "\n".join(inline(line) for line in lines) if lines else clean("".join(element.itertext()), keep_newlines=True)
    text = text.strip("\n").replace("```", "'''")
    if text.strip():
        yield Block("code", f"```\n{text}\n```")


def _table(element: Element, links: list[str]) -> Iterator[Block]:
    cells = grid(element)
    text = markdown(cells)
    if text:
        yield Block("table", text, grids=(cells,))


def _figure(element: Element, links: list[str]) -> Iterator[Block]:
    """A figure or table with its caption and panels; pictures are left out."""
    captions = element.xpath('.//figcaption | .//*[contains(@class, "ltx_caption") and not(self::figcaption)]')
    own_captions = [each for each in captions if each.getparent() is element] or captions[-1:]
    caption = (inline(own_captions[0], links) if own_captions else "").replace("**", "")
    match = _LABEL.match(caption)  # `Table 2: What it shows`
    label, caption = (match[1].strip(), caption[match.end() :].strip()) if match else (None, caption)
    all_grids = [grid(each) for each in _outermost(element, is_table)]
    grids = tuple(each for each in all_grids if markdown(each))
    listings = [block.text for each in _outermost(element, _is_listing) for block in _listing(each, links)]
    panels = [inline(each, links) for each in captions if each not in own_captions]
    head = f"**{label}**" + (f": {caption}" if caption else "") if label else caption
    parts = [head, *panels, *map(markdown, grids), *listings]
    if not grids and not listings:
        parts += [inline(each, links) for each in element.xpath('.//p[contains(@class, "ltx_p")]')]
    text = "\n\n".join(part for part in parts if part)
    kind: BlockKind = "table" if grids else "code" if listings else _KINDS.get((label or "").split(" ")[0], "figure")
    if text:
        yield Block(kind, text, label, caption or None, grids)


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
#: The first reader that applies is used.
_READERS: tuple[tuple[_Applies, _Reader], ...] = (
    (lambda element, names: "ltx_bibitem" in names, _reference),
    (lambda element, names: element.tag == "figure" or bool(names & {"ltx_table", "ltx_figure", "ltx_float"}), _figure),
    (lambda element, names: element.tag == "math" or bool(names & {"ltx_equation", "ltx_equationgroup"}), _equation),
    (lambda element, names: is_table(element), _table),
    (lambda element, names: _is_listing(element), _listing),
    (lambda element, names: element.tag in ("ul", "ol", "dl") and "ltx_biblist" not in names, _list),
    (lambda element, names: element.tag in ("p", "blockquote", "h5", "h6", "h2", "h3", "h4") or "ltx_p" in names, _paragraph),
)
