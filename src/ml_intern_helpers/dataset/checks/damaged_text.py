"""SET314: texts that were decoded or escaped wrongly. The model learns to write them so."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.scan import around, scan
from ml_intern_helpers.dataset.definitions.damage import DAMAGE

_FIXES = {
    DAMAGE[0].name: "read the source again as UTF-8, repair the texts (ftfy.fix_text), or drop the rows",
    DAMAGE[1].name: "the letters are gone: take the rows from their source again, or drop them",
    DAMAGE[2].name: "dataset.map with html.unescape on the column",
}


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind of damage."""
    for seen in scan(facts, DAMAGE):
        example = around(seen.text, seen.match, 30)
        yield finding(facts, "SET314", "warning", seen.pattern.name, seen.at, example=example, fix=_FIXES[seen.pattern.name])
