"""Where a paper's text is had: arXiv's HTML, else ar5iv's, else the text of the PDF; and what it means when none is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import papers
from ml_intern_helpers.papers.reading.document import SOURCE_NAMES, Document, Source, restored
from ml_intern_helpers.papers.services import arxiv
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import AR5IV, ARXIV_HTML, Service

#: A reading that takes as long may have been cut short by its own limit, and is tried again.
_SLOW_S = 20.0


@dataclass
class Obtained:
    """A paper's text and the answers it took; `passed_over` says why a better source was not used."""

    document: Document
    responses: list[Response] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def obtain(http: Http, paper_id: ArxivId) -> Obtained:
    """The text of a paper, from the best source that has it.

    Raises:
        NotFound: no such paper, or it was withdrawn.
        Unavailable: there is one, and its text could not be had.
        AccessDenied: arXiv has blocked this address; no further source is asked.
    """
    if not paper_id.possible:
        raise NotFound(f"arXiv has no paper {paper_id}: there can be no such id", hint="check its digits")
    failures: list[ToolError] = []
    for source in _order(paper_id):
        try:
            found = _READERS[source](http, paper_id)
        except AccessDenied:
            raise
        except ToolError as err:
            failures.append(err)
            continue
        found.passed_over = [f"{SOURCE_NAMES[source]} is used: {failures[-1].message}"] if failures else []
        found.document.notes += _version_notes(found.document, paper_id)
        return found
    raise _nowhere(http, paper_id, failures)


def _order(paper_id: ArxivId) -> tuple[Source, ...]:
    """The best first. ar5iv has one version of each paper, so for a certain version the PDF goes before it."""
    return ("arxiv-html", "ar5iv", "pdf") if paper_id.version is None else ("arxiv-html", "pdf", "ar5iv")


def _version_notes(document: Document, asked: ArxivId) -> list[str]:
    name = SOURCE_NAMES[document.source]
    if document.version is None and asked.version:
        return [f"{name} does not say which version it is of: v{asked.version} was asked for"]
    if asked.version and document.version != asked.version:
        return [f"v{asked.version} was asked for, and this is v{document.version}"]
    return [f"{name} does not say which version it is of"] if document.version is None else []


def _arxiv_html(http: Http, paper_id: ArxivId) -> Obtained:
    return _page(http, ARXIV_HTML, paper_id, "arxiv-html")


def _ar5iv(http: Http, paper_id: ArxivId) -> Obtained:
    return _page(http, AR5IV, ArxivId(paper_id.base), "ar5iv")


def _page(http: Http, service: Service, paper_id: ArxivId, source: Source) -> Obtained:
    response = http.get(service, f"/html/{paper_id}")
    if 300 <= response.status < 400:
        raise NotFound(f"{service.name} has no conversion of {paper_id}", hint="read the PDF")
    response.raise_for_status(f"the HTML of {paper_id}")

    def read() -> Document:
        from ml_intern_helpers.papers.reading.latexml import read_page

        return read_page(response.body, paper_id.base, source, response.url)

    return Obtained(_parsed(f"{source} {paper_id.base} {response.url}", response, read), [response])


def _pdf(http: Http, paper_id: ArxivId) -> Obtained:
    response = http.get(ARXIV_HTML, f"/pdf/{paper_id}").raise_for_status(f"the PDF of {paper_id}")

    def read() -> Document:
        from ml_intern_helpers.papers.reading.pdf import read_pdf

        return read_pdf(response.body, paper_id.base, response.url)

    return Obtained(_parsed(f"pdf {paper_id.base} {response.url}", response, read), [response])


def _parsed(kind: str, response: Response, read: Callable[[], Document]) -> Document:
    """The document, read now or, when the answer was stored, by an earlier run."""
    known = papers.stored_result(kind, response.body) if response.cached else None
    if known:
        return restored(known)
    began = time.monotonic()
    document = read()
    if time.monotonic() - began < _SLOW_S:
        papers.store_result(kind, response.body, asdict(document))
    return document


_READERS: dict[Source, Callable[[Http, ArxivId], Obtained]] = {"arxiv-html": _arxiv_html, "ar5iv": _ar5iv, "pdf": _pdf}


def _nowhere(http: Http, paper_id: ArxivId, failures: list[ToolError]) -> ToolError:
    """Why no source has the text; arXiv itself is asked only when all say that there is nothing."""
    reasons = "; ".join(dict.fromkeys(failure.message for failure in failures))
    if not all(isinstance(failure, (NotFound, BadData)) for failure in failures):
        worst = next(failure for failure in failures if not isinstance(failure, (NotFound, BadData)))
        return type(worst)(f"the text of arXiv:{paper_id} could not be had: {reasons}", hint=worst.hint)
    try:
        known = arxiv.details(http, [paper_id]).feed.papers
    except NotFound:
        known = ()
    except ToolError as err:
        return Unavailable(f"{reasons}; and whether it exists could not be asked: {err.message}", hint=err.hint)
    if not known:
        return NotFound(f"arXiv has no paper {paper_id}", hint="check the id; to look for a title: crawl_arxiv 'ti:\"…\"'")
    if known[0].withdrawn:
        earlier = f"{paper_id.base}v{max((known[0].version or 2) - 1, 1)}"
        hint = f"an earlier version may still be there: crawl_arxiv read {earlier}"
        return NotFound(f"arXiv:{paper_id} was withdrawn and has no text: {known[0].withdrawn}", hint=hint)
    return Unavailable(f"arXiv:{paper_id} exists, and none of its forms can be read: {reasons}", hint="open its PDF in a browser")
