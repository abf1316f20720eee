"""Running text of a LaTeXML page -> Markdown on one line: each formula once, links with their address, no marks of notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.text import clean

#: An lxml element; the library ships no types.
Element = Any
#: Nothing below these is text of the paper.
SKIPPED_TAGS = frozenset(
    {"script", "style", "nav", "button", "dialog", "form", "template", "noscript", "svg", "head", "link", "meta"}
)
SKIPPED_CLASSES = frozenset(
    {"ltx_note_mark", "ltx_role_footnotemark", "ltx_note_type", "ltx_tag_note", "ltx_page_navbar", "ltx_TOC", "ltx_page_footer"}
    | {"ltx_page_header", "ltx_pagination", "infobox", "ltx_rule", "ltx_role_newpage", "package-alerts", "ltx_dates", "sr-only"}
    | {"arxiv-html-header", "ds-site-footer"}
)
#: The parser itself stops at 256; what is nested deeper than this is text without its marks.
DEEPEST = 200
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "code": "`"}
_TEX_COMMENT = re.compile(r"%\s*\n\s*")
_NOISE = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle)\b\s*")


def classes(element: Element) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def skipped(element: Element) -> bool:
    """Whether an element holds something else than the paper: scripts, menus, marks that point at a note."""
    if not isinstance(element.tag, str) or element.tag in SKIPPED_TAGS:
        return True
    return bool(classes(element) & SKIPPED_CLASSES)


def tex(math: Element) -> str:
    """The LaTeX of a `math` element, once: its annotation, else its alternative text, else its characters."""
    found = math.xpath('.//annotation[@encoding="application/x-tex"]')
    source = "".join(found[0].itertext()) if found else math.get("alttext") or "".join(math.itertext())
    return _NOISE.sub("", clean(_TEX_COMMENT.sub("", source))).strip()


def inline(element: Element, links: list[str] | None = None) -> str:
    """All text of `element`, cleaned; `links` collects the addresses it names."""
    return clean("".join(_pieces(element, [] if links is None else links, 0)))


def _pieces(element: Element, links: list[str], depth: int) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if not skipped(child) and "ltx_role_footnote" not in classes(child):
            yield from _child(child, links, depth) if depth < DEEPEST else child.itertext()
        if child.tail:
            yield child.tail


def _child(child: Element, links: list[str], depth: int) -> Iterator[str]:
    tag = child.tag
    if tag == "math":
        formula = tex(child)
        yield f"${formula}$" if formula else ""
    elif tag in ("br", "hr"):
        yield " "
    elif tag == "sup":
        yield _raised("".join(_pieces(child, links, depth + 1)))
    elif tag == "a":
        yield _link(child, "".join(_pieces(child, links, depth + 1)), links)
    else:
        yield from _marked(child, "".join(_pieces(child, links, depth + 1)))


def _raised(text: str) -> str:
    """`10<sup>-5</sup>` is a power, which the plain digits would turn into 10-5."""
    bare = clean(text).replace("−", "-")
    return f"^{{{bare}}}" if re.fullmatch(r"-?\d+", bare) else text


def _marked(child: Element, text: str) -> Iterator[str]:
    names = classes(child)
    mark = _MARKS.get(child.tag, "")
    if "ltx_font_bold" in names:
        mark = "**"
    elif "ltx_font_typewriter" in names:
        mark = "`"
    bare = text.strip()
    if not mark or not bare or mark in bare or "$" in bare:
        yield text
    else:
        yield text.replace(bare, f"{mark}{bare}{mark}", 1)
    if child.tag in ("p", "div", "li", "td", "th", "tr"):
        yield " "


def _link(child: Element, text: str, links: list[str]) -> str:
    """A link out of the paper as `text (address)`; those within it as their text."""
    address = clean(child.get("href") or "", limit=300)
    if not address.startswith(("https://", "http://")) or "ltx_ref" not in classes(child) or "arxiv.org/html/" in address:
        return text
    links.append(address)
    shown = text.strip()
    same = shown.rstrip("/") in address or "bib" in (child.get("href") or "").rpartition("#")[2]
    return address if same and "." in shown else f"{text} ({address})"
