"""Parses a PDF into a `Document`, for papers without HTML; headings are guessed from their numbers."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterable

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Document, Section, SectionKind

MOST_PAGES = 200
#: A hostile file can take arbitrarily long: pages that are not read by then are reported as missing.
SECONDS = 40.0
_STAMP = re.compile(r"arXiv:\S+?v(\d{1,3})\s*\[")
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z](?:\.\d{1,2}){0,3})\.?\s+([A-Z][^.;!?]{2,80})$")
_APPENDIX = re.compile(r"^Appendix\s+([A-Z])\.?[:.]?\s*(.*)$")
_PLAIN: dict[str, SectionKind] = {
    "abstract": "abstract",
    "references": "references",
    "bibliography": "references",
    "acknowledgements": "other",
    "acknowledgments": "other",
}
_ENTRY = re.compile(r"^(?:\[\d{1,3}\]|\[[A-Z][\w+]{1,12}\])\s")


def read_pdf(body: bytes, arxiv_id: str, url: str) -> Document:
    """The text of a PDF, in paragraphs under the headings that could be recognised.

    Raises:
        BadData: not a PDF, encrypted, broken, or without text (scanned pages).
    """
    if not body[:1024].lstrip().startswith(b"%PDF"):
        raise BadData(f"{url} is not a PDF", hint="read it in a browser")
    pages, notes = _pages(body, url)
    lines = [line for page in pages for line in page.splitlines()]
    if sum(map(len, lines)) < 200:
        raise BadData(f"the PDF at {url} contains no text (perhaps scanned pages)", hint="read it in a browser")
    stamp = _STAMP.search(pages[0]) if pages else None
    title = next((line for line in lines if len(line) > 8 and not _STAMP.search(line)), "(no title)")
    document = Document(arxiv_id, title, "pdf", url, version=int(stamp[1]) if stamp else None)
    document.notes = [
        "read from the PDF: headings are guessed, formulas and tables are plain text, columns may run together",
        *notes,
    ]
    document.sections = _sections(lines)
    return document


def _pages(body: bytes, url: str) -> tuple[list[str], list[str]]:
    """The text of each page, cleaned, and what is missing."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every irregularity of a file and continues
    deadline, texts = time.monotonic() + SECONDS, list[str]()
    try:
        pages = pypdf.PdfReader(io.BytesIO(body)).pages
        total = len(pages)
        for number in range(min(total, MOST_PAGES)):
            if time.monotonic() > deadline:
                break
            texts.append(clean(pages[number].extract_text(), keep_newlines=True))
    except Exception as err:  # an untrusted file can raise any exception in pypdf
        if not texts:
            message = f"the PDF at {url} cannot be read ({type(err).__name__})"
            raise BadData(message, hint="read it in a browser") from err
        return texts, [f"the PDF is broken after page {len(texts)}; the rest is missing"]
    return texts, [f"only the first {len(texts)} of {total} pages were read"] if len(texts) < total else []


def _sections(lines: Iterable[str]) -> list[Section]:
    """The sections; a numbered line is a heading only where it continues the numbering."""
    sections = [Section("Text before the first heading", kind="other")]
    stack: list[Section] = []
    paragraph: list[str] = []
    last_number: tuple[int, ...] = (0,)
    for line in map(str.strip, lines):
        opened = _heading(line, last_number, in_appendix=any(section.kind in ("references", "appendix") for section in sections))
        if opened is None:
            if not line or _ENTRY.match(line):
                _flush(paragraph, (stack or sections)[-1])
            if line:
                paragraph.append(line)
                previous_length = len(paragraph[-2]) if len(paragraph) > 1 else 60
                if (
                    line.endswith((".", ":")) and len(line) < previous_length * 0.8
                ):  # a short line that ends a sentence ends the paragraph
                    _flush(paragraph, (stack or sections)[-1])
            continue
        _flush(paragraph, (stack or sections)[-1])
        section, last_number = opened
        del stack[section.level - 1 :]
        (stack[-1].parts if stack else sections).append(section)
        stack.append(section)
    _flush(paragraph, (stack or sections)[-1])
    return [section for section in sections if section.blocks or section.parts]


def _heading(line: str, last_number: tuple[int, ...], *, in_appendix: bool) -> tuple[Section, tuple[int, ...]] | None:
    """The section that `line` opens, and its number (or the last one); None for a line of text.

    A letter is an appendix's number only after the references: before them, `A Study of Policies` is a title or sentence.
    """
    unnumbered_kind = _PLAIN.get(line.rstrip(".:").lower())
    if unnumbered_kind:
        return Section(line.rstrip(".:").title(), kind=unnumbered_kind), last_number
    match = _APPENDIX.match(line) or _NUMBERED.match(line)
    if match is None or len(line.split()) > 14 or (match[1][0].isalpha() and not in_appendix and match.re is _NUMBERED):
        return None
    number = tuple(int(part) if part.isdigit() else 100 + ord(part) for part in match[1].split("."))
    if not _continues(last_number, number):
        return None
    kind: SectionKind = "appendix" if number[0] > 100 else "section"
    return Section(match[2].strip() or "Appendix", match[1], kind, len(number)), number


def _continues(last_number: tuple[int, ...], number: tuple[int, ...]) -> bool:
    """Whether `number` may follow `last`: 3 -> 3.1, 3.1 -> 3.2, 3.1.4 -> 4; `A` after any number."""
    if number == (100 + ord("A"),):
        return last_number[0] < 100
    if len(number) == len(last_number) + 1:
        return number[:-1] == last_number and number[-1] == 1
    is_sibling = len(number) <= len(last_number)
    return is_sibling and number[:-1] == last_number[: len(number) - 1] and number[-1] == last_number[len(number) - 1] + 1


def _flush(paragraph: list[str], section: Section) -> None:
    text = ""
    for line in paragraph:
        broken = text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower()
        text = text[:-1] + line if broken else f"{text} {line}".strip()
    if text:
        is_entry = section.kind == "references"
        section.blocks.append(Block("reference", f"- {text}") if is_entry else Block("text", text))
    paragraph.clear()
