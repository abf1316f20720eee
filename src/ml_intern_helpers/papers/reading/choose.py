"""Which part of a paper is meant: `3`, `3.2`, `A`, `#7`, `method`, `training details`, `references`, `Table 2`, `figures`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ml_intern_helpers.core.errors import NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, BlockKind, Document, Section

#: What people ask for -> what such sections are called. The first pattern that any heading matches counts.
_ROLES: dict[str, tuple[str, ...]] = {
    "method": (
        r"\bmethod(s|ology)?\b|\bour (approach|model)\b|\bproposed\b|\bapproach\b",
        r"\balgorithms?\b|\bframework\b|\bmodel\b",
    ),
    "experiments": (r"\bexperiment(s|al)?\b", r"\bevaluations?\b|\bresults\b|\bsetup\b"),
    "results": (r"\bresults?\b", r"\bexperiments?\b|\bevaluations?\b"),
    "training": (
        r"\b(training|implementation|experimental|hyper-?parameters?)\b.*\b(details?|set-?up|settings?|recipe"
        r"|config\w*|procedure)\b",
        r"\bhyper-?parameters?\b|\btraining\b|\bimplementation\b|\bfine-tuning procedure\b|\bsetup\b",
    ),
    "introduction": (r"\bintroduction\b",),
    "conclusion": (r"\bconclusions?\b|\bdiscussion\b",),
    "related": (r"\brelated work\b|\bbackground\b",),
}
_ALIASES = {
    "methods": "method",
    "methodology": "method",
    "approach": "method",
    "experiment": "experiments",
    "evaluation": "experiments",
    "result": "results",
    "hyperparameters": "training",
    "implementation": "training",
    "related work": "related",
    "intro": "introduction",
    "conclusions": "conclusion",
}
_NOT_METHOD = re.compile(
    r"introduction|related|background|prelim|experiment|result|evaluation|conclu|discussion|limitation|acknowledg"
    r"|ablation|impact",
    re.I,
)
_LABEL = re.compile(r"(table|figure|fig\.?|algorithm|listing|footnote)\s+([A-Z]?\.?\d[\d.]*)", re.I)
_LISTS: dict[str, BlockKind] = {"figures": "figure", "tables": "table"}


@dataclass(frozen=True)
class Choice:
    """The part that is meant.

    Attributes:
        name: what it is called in the paper.
        text: Markdown.
        also: other parts that answer to the same words.
    """

    name: str
    text: str
    also: tuple[str, ...] = ()


def choose(document: Document, asked: str) -> Choice:
    """The part of `document` that `asked` means; `NotFound` lists what there is."""
    spec = clean(asked).strip(" .")
    choice = _labelled(document, spec) or _listed(document, spec)
    if choice:
        return choice
    found = _sections(document, re.sub(r"^(?:section|sec\.|appendix|§)\s*(?=\S)", "", spec, flags=re.I), spec.lower())
    if not found:
        names = "; ".join(section.name for section in document.sections)
        raise NotFound(
            f"the paper has no part {spec!r}; it has: {clean(names, limit=600)}",
            hint="leave --section out to see all; to look for words: --find",
        )
    if spec.lower() in ("appendix", "appendices"):
        return Choice("all appendices", "\n\n".join(section.markdown() for section in found))
    return Choice(found[0].name, found[0].markdown(), tuple(section.name for section in found[1:6]))


def _sections(document: Document, bare: str, spec: str) -> list[Section]:
    """The sections that answer, the best first."""
    every = list(document.walk())
    if re.fullmatch(r"#\d{1,4}", spec):
        return every[int(spec[1:]) - 1 : int(spec[1:])]
    for key in (bare.lower(), spec):
        numbered = [section for section in every if (section.number or "").lower() == key]
        named = numbered or [section for section in every if section.title.lower() == key]
        if named:
            return named
    kinds = {"appendix": "appendix", "appendices": "appendix", "references": "references", "bibliography": "references"}
    if spec in (*kinds, "abstract"):
        return [section for section in document.sections if section.kind == kinds.get(spec, "abstract")]
    return _by_role(document, every, _ALIASES.get(spec, spec)) or _by_words(every, spec)


def _by_role(document: Document, every: list[Section], role: str) -> list[Section]:
    body = [section for section in every if section.kind in ("section", "appendix")]
    for pattern in _ROLES.get(role, ()):
        found = [section for section in body if re.search(pattern, section.title, re.I)]
        if role == "method":
            found = [section for section in found if not _NOT_METHOD.search(section.title) and section.level == 1]
        if found:
            return sorted(found, key=lambda section: section.level)
    return _named_after_paper(document) if role == "method" else []


def _named_after_paper(document: Document) -> list[Section]:
    """A method section is often called by the method's name: those that share a word with the title, else the body's first."""
    title = set(re.findall(r"\w+", document.title.lower()))
    body = [section for section in document.sections if section.kind == "section" and not _NOT_METHOD.search(section.title)]
    shared = [section for section in body if set(re.findall(r"\w{3,}", section.title.lower())) & title]
    return shared or body


def _by_words(every: list[Section], spec: str) -> list[Section]:
    words = re.findall(r"[\w-]+", spec)
    found = [section for section in every if words and all(word in section.title.lower() for word in words)]
    return sorted(found, key=lambda section: section.level)


def _labelled(document: Document, spec: str) -> Choice | None:
    """`Table 2`, `Fig. 1`."""
    match = _LABEL.fullmatch(spec)
    if match is None:
        return None
    kind = "figure" if match[1].lower().startswith("fig") else match[1].lower()
    wanted = f"{kind} {match[2]}".lower().rstrip(".")
    hits = [(section, block) for section, block in document.blocks() if (block.label or "").lower().rstrip(".") == wanted]
    return Choice(f"{hits[0][1].label} (in {hits[0][0].name})", hits[0][1].text) if hits else None


def _listed(document: Document, spec: str) -> Choice | None:
    """All captions of one kind."""
    kind = _LISTS.get(spec.lower())
    if kind is None:
        return None
    lines = [f"- {caption_line(section, block)}" for section, block in captioned(document, (kind,))]
    return Choice(f"all {spec.lower()}", "\n".join(lines) or f"The text has no {spec.lower()} with a caption.")


def captioned(document: Document, kinds: Iterable[BlockKind]) -> list[tuple[Section, Block]]:
    """The tables or figures that have a label or a caption, in reading order."""
    wanted = tuple(kinds)
    return [(section, block) for section, block in document.blocks() if block.kind in wanted and (block.label or block.caption)]


def caption_line(section: Section, block: Block) -> str:
    """`Table 2: what it shows (in 4.1 GLUE)`."""
    head = ": ".join(part for part in (block.label, block.caption) if part)
    return f"{clean(head, limit=300)} (in {section.name})"
