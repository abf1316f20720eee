"""Answers in a form of their own on stdout: SARIF, and the diff of `--fix`."""

from __future__ import annotations

from collections.abc import Callable

from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.preflight.examine import Examination


class PrintedReport(Report):
    """A report whose text form is another."""

    def __init__(self, report: Report, printed: str) -> None:
        super().__init__(report.command, report.status, report.fields, report.findings)
        self.printed = printed


def as_sarif(found: Examination, report: Report) -> Report:
    from ml_intern_helpers.preflight.rendering.sarif import sarif

    return PrintedReport(report, sarif(found))


def as_diff(found: Examination, report: Report, again: Callable[[Source], Examination], warn: Callable[[str], None]) -> Report:
    """The diff that mends what is safe to mend, tried with `again` before it is shown: it parses, and those findings are gone.

    Raises:
        UsageError: of a notebook, whose cells are no lines of the file.
        Unavailable: it would print a token, or it makes nothing better.
    """
    from ml_intern_helpers.analysis.source import source_of_text
    from ml_intern_helpers.preflight.rendering.fixing import diff, fixed_text

    source = found.facts.source
    if source.cells is not None:
        raise UsageError("--fix does not mend notebooks", hint="fix the cells by hand; the findings name them")
    if any(finding.code == "SEC101" for finding in found.findings):
        raise Unavailable("a token stands in the source: a diff would print it", hint="take it out first (SEC101)")
    text, mended = fixed_text(found)
    after = again(source_of_text(str(source.path), text)) if mended else found
    if len(after.findings) != len(found.findings) - mended:
        raise Unavailable("the mended script was not better than before: no diff", hint="fix by hand; please report the script")
    warn(f"{mended} of {len(found.findings)} findings mended; nothing was written")
    return PrintedReport(report, diff(source, text).rstrip("\n"))
