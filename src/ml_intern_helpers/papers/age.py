"""How old a paper is, and what its citations mean at that age."""

from __future__ import annotations

from datetime import date

from ml_intern_helpers.papers.model import Paper

#: Below this age citations per year say more about the calendar than about the paper.
_YOUNGEST_YEARS = 0.5


def age_years(paper: Paper, today: date) -> float | None:
    """Years since the first version; of a year alone, since its middle; never below 0."""
    if paper.published:
        try:
            born = date.fromisoformat(paper.published)
        except ValueError:
            return None
    elif paper.year and 1900 <= paper.year <= 9000:
        born = date(paper.year, 7, 1)
    else:
        return None
    return max((today - born).days / 365.25, 0.0)


def citations_a_year(paper: Paper, today: date) -> float | None:
    """Citations per year of age, None when count or age is unknown."""
    age = age_years(paper, today)
    if age is None or paper.citation_count is None:
        return None
    return paper.citation_count / max(age, _YOUNGEST_YEARS)
