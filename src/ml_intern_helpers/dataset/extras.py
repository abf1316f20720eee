"""What is asked for beside the verdicts: a comparison, text for a model card, a page. Each is imported when it is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import find_roles
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.dataset_ref import DatasetRef, parse_dataset
from ml_intern_helpers.dataset.profile.profile import profile, sketch_of_sample
from ml_intern_helpers.dataset.sample import Sample

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.checks.context import Facts
    from ml_intern_helpers.dataset.profile.compare import Side
    from ml_intern_helpers.dataset.profile.sketch import Sketch

    #: A look at a dataset, and the sketch of all its rows where these were read.
    LookAtOther = Callable[[DatasetRef], tuple[Sample, Sketch | None]]

#: Keys of the report that this module fills, with their values when nothing was asked for.
EMPTY_FIELDS: dict[str, Any] = {"profile": None, "compare": None, "card_markdown": None, "html": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--compare", metavar="OTHER", help="how another dataset differs: an id, a file, or the saved --json answer of one"
    )
    parser.add_argument("--html", metavar="FILE", help="also write the report as one self-contained page")
    parser.add_argument("--force", action="store_true", help="let --html replace a file that is no report of ours")
    parser.add_argument("--card", action="store_true", help="print Markdown on these data for a model card instead")


def other_side(name: str, method: str | None, look: LookAtOther) -> Side:
    """The dataset to compare with, from a saved answer or looked at now.

    Raises:
        BadData: a saved answer without a profile, a dataset without rows.
    """
    from ml_intern_helpers.dataset.profile.compare import Side, saved_side, side_name

    side = saved_side(name)
    if side:
        return side
    found, of_all = look(parse_dataset(name, config=None, split=None, revision=None, method=method))
    columns = describe(found.columns, found.rows, found.types)
    parts = find_roles(columns, found.rows)
    made = profile(found, columns, parts, of_all)
    if made is None:
        raise BadData(f"{found.dataset}: no complete row could be read", hint="there is nothing to compare with")
    return Side(side_name(found.dataset, found.split), "looked at now", made, of_all or sketch_of_sample(found, columns, parts))


def compared(fields: dict[str, Any], facts: Facts, other: Side, of_all: Sketch | None) -> dict[str, Any] | None:
    """The `compare` object; None when this side has no rows. `of_all` is the sketch of a full scan of this side."""
    from ml_intern_helpers.dataset.profile.compare import Side, compare, side_name

    if not fields["profile"]:
        return None
    held = of_all or sketch_of_sample(facts.sample, facts.columns, facts.roles)
    here = Side(side_name(fields["dataset"], fields["looked_at"]["split"]), "looked at now", fields["profile"], held)
    return compare(here, other)


def check(args: argparse.Namespace) -> None:
    """What can be refused before anything is read.

    Raises:
        UsageError: the page may not be written there.
    """
    if args.html is not None:
        from ml_intern_helpers.dataset.page.target import check as check_target

        check_target(args.html, force=args.force)


def fill(report: Report, args: argparse.Namespace, facts: Facts, of_all: Sketch | None, look: LookAtOther) -> None:
    """Add to `report` what `args` ask for; `look` reads the other dataset of a comparison."""
    if args.compare is not None:
        report.fields["compare"] = compared(report.fields, facts, other_side(args.compare, args.method, look), of_all)
    if args.card:
        from ml_intern_helpers.dataset.rendering.card import card_text

        report.fields["card_markdown"] = card_text(report.fields, report.findings)
    if args.html is not None:
        report.fields["html"] = _page(report, facts, args)


def _page(report: Report, facts: Facts, args: argparse.Namespace) -> dict[str, Any]:
    from ml_intern_helpers.dataset.page.build import page
    from ml_intern_helpers.dataset.page.target import check as check_target
    from ml_intern_helpers.dataset.page.target import write

    made = page(report, facts)
    path = check_target(args.html, force=args.force)  # again: looking may have taken minutes
    return {"path": clean(args.html, limit=400), "bytes": write(path, made)}
