"""Obtains a paper's text: from arXiv's HTML, else ar5iv's, else the PDF; and explains why no source has it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import papers
from ml_intern_helpers.papers.reading.document import SOURCE_NAMES, Document, Source, restored
from ml_intern_helpers.papers.services import arxiv
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import AR5IV, ARXIV_HTML

#: A result that took longer to parse may have been cut short by a time limit, and is not stored.
_SLOW_S = 20.0


@dataclass
class Obtained:
    """A paper's text and the responses it came from; `passed_over` says why a better source was not used."""

    document: Document
    responses: list[Response] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def obtain(http: Http, paper_id: ArxivId) -> Obtained:
    """The text of a paper, from the best source that has it.

    Raises:
        NotFound: no such paper, or it was withdrawn.
        Unavailable: the paper exists, but no source has its text.
        AccessDenied: arXiv has blocked this address; no further source is asked.
    """
    if not paper_id.possible:
        raise NotFound(f"arXiv has no paper {paper_id}: there can be no such id", hint="check its digits")
    failures: list[ToolError] = []
    # ar5iv has only one version of each paper, so the PDF is tried before it when a version is requested.
    order: tuple[Source, ...] = ("arxiv-html", "ar5iv", "pdf") if paper_id.version is None else ("arxiv-html", "pdf", "ar5iv")
    for source in order:
        try:
            obtained = _read(http, source, paper_id)
        except AccessDenied:
            raise
        except ToolError as err:
            failures.append(err)
            continue
        name, version, asked_version = SOURCE_NAMES[source], obtained.document.version, paper_id.version
        obtained.passed_over = [f"{name} is used: {failures[-1].message}"] if failures else []
        if version is None:
            request_note = f": v{asked_version} was asked for" if asked_version else ""
            obtained.document.notes.append(f"{name} does not say which version it is of{request_note}")
        elif asked_version and version != asked_version:
            obtained.document.notes.append(f"v{asked_version} was asked for, and this is v{version}")
        return obtained
    raise _no_text(http, paper_id, failures)


def _read(http: Http, source: Source, paper_id: ArxivId) -> Obtained:
    """The text from one source, parsed now or, for a stored answer, by an earlier run."""
    if source == "pdf":
        response = http.get(ARXIV_HTML, f"/pdf/{paper_id}").raise_for_status(f"the PDF of {paper_id}")
    else:
        service, page_id = (ARXIV_HTML, paper_id) if source == "arxiv-html" else (AR5IV, ArxivId(paper_id.base))
        response = http.get(service, f"/html/{page_id}")
        if 300 <= response.status < 400:
            raise NotFound(f"{service.name} has no conversion of {page_id}", hint="read the PDF")
        response.raise_for_status(f"the HTML of {page_id}")
    kind = f"{source} {paper_id.base} {response.url}"
    stored = papers.stored_result(kind, response.body) if response.cached else None
    if stored:
        return Obtained(restored(stored), [response])
    started = time.monotonic()
    if source == "pdf":
        from ml_intern_helpers.papers.reading.pdf import read_pdf

        document = read_pdf(response.body, paper_id.base, response.url)
    else:
        from ml_intern_helpers.papers.reading.latexml import read_page

        document = read_page(response.body, paper_id.base, source, response.url)
    if time.monotonic() - started < _SLOW_S:
        papers.store_result(kind, response.body, asdict(document))
    return Obtained(document, [response])


def _no_text(http: Http, paper_id: ArxivId, failures: list[ToolError]) -> ToolError:
    """The error that explains why no source has the text; arXiv is asked only when all sources lack the paper."""
    reasons = "; ".join(dict.fromkeys(failure.message for failure in failures))
    if not all(isinstance(failure, (NotFound, BadData)) for failure in failures):
        service_failure = next(failure for failure in failures if not isinstance(failure, (NotFound, BadData)))
        return type(service_failure)(f"the text of arXiv:{paper_id} could not be obtained: {reasons}", hint=service_failure.hint)
    try:
        known = arxiv.details(http, [paper_id]).feed.papers
    except NotFound:
        known = ()
    except ToolError as err:
        return Unavailable(f"{reasons}; and arXiv could not be asked whether the paper exists: {err.message}", hint=err.hint)
    if not known:
        return NotFound(f"arXiv has no paper {paper_id}", hint="check the id; to look for a title: crawl_arxiv 'ti:\"…\"'")
    if known[0].withdrawn:
        earlier = f"{paper_id.base}v{max((known[0].version or 2) - 1, 1)}"
        hint = f"an earlier version may still be there: crawl_arxiv read {earlier}"
        return NotFound(f"arXiv:{paper_id} was withdrawn and has no text: {known[0].withdrawn}", hint=hint)
    return Unavailable(f"arXiv:{paper_id} exists, and none of its forms can be read: {reasons}", hint="open its PDF in a browser")
