"""Hyper-parameters of a whole paper: from its sentences, and from its tables with parameters in rows or columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ml_intern_helpers.papers.reading.document import Block, Cell, Document, Grid, Section
from ml_intern_helpers.papers.recipe import numbers, scopes, stages
from ml_intern_helpers.papers.recipe.choices import CHOICES, named
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.linking import Link, links
from ml_intern_helpers.papers.recipe.parameters import PARAMETERS, Parameter
from ml_intern_helpers.papers.recipe.plain import Plain, plain
from ml_intern_helpers.papers.recipe.sentences import Sentence
from ml_intern_helpers.text import clean

#: Characters of a quote; a longer sentence is cut around the value.
QUOTE = 300
#: What a cell of a head may carry behind its name: a unit, a symbol.
_TRAIL = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\]|:|↑|↓)\s*$")
_NAMES = re.compile(r"^\W*(?:the\s+)?", re.IGNORECASE)


def from_sentence(sentence: Sentence) -> Iterator[Fact]:
    """The values one sentence states."""
    reading = plain(sentence.text)
    for link in links(reading.text, plain(sentence.near).text):
        context = _context(sentence, reading.text, link)
        yield Fact(
            link.parameter.name,
            _value(link),
            _written(sentence.text, reading, link),
            quote(sentence.text, reading, link.start, link.end),
            sentence.section,
            link.kind,
            link.unit,
            context,
            sentence.label,
            _stage(sentence, reading.text, link.start, link.end, link.parameter.name, link.context),
        )
    for choice in CHOICES:
        for value, start, end, kind in named(choice, reading.text):
            said = quote(sentence.text, reading, start, end)
            stage = _stage(sentence, reading.text, start, end, choice.name, None)
            context = _both(scopes.leading(reading.text, start), scopes.aside(sentence.titles))
            yield Fact(
                choice.name, value, reading.text[start:end], said, sentence.section, kind, None, context, sentence.label, stage
            )


def _context(sentence: Sentence, text: str, link: Link) -> str | None:
    """What a value holds for: what is said right at it, else what its clause opens with; and whether it was only an ablation's."""
    own = link.context
    lead = None if own and re.search(r"\b(?:for|on|in|during|when|with)\b", own) else scopes.leading(text, link.start)
    return _both(_both(own, lead), scopes.aside(sentence.titles))


def _stage(sentence: Sentence, text: str, start: int, end: int, name: str, context: str | None) -> str | None:
    """The stage of training, from the nearest words that tell it."""
    return (
        stages.of_phrase(context, name)
        or stages.in_sentence(text, start, end, name)
        or stages.of_title(sentence.titles, name)
        or sentence.said
    )


def _value(link: Link) -> float | int | str | None:
    return _number(link.value) if isinstance(link.value, float) else link.value


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else float(numbers.canonical(value))


def _written(original: str, reading: Plain, link: Link) -> str:
    text = original[reading.origin[link.start] : reading.origin[link.end]].strip(" $")
    if text.count("{") > text.count("}") and text.startswith("{"):
        text = text[1:]
    return (text[:-1] if text.count("}") > text.count("{") and text.endswith("}") else text) or link.text


def quote(original: str, reading: Plain, start: int, end: int) -> str:
    """The sentence, or what stands around the value in a long one."""
    if len(original) <= QUOTE:
        return clean(original)
    first, last = reading.origin[start], reading.origin[min(end, len(reading.origin) - 1)]
    left = max(first - QUOTE // 2, 0)
    right = min(max(last + QUOTE // 3, left + QUOTE), len(original))
    left = original.find(" ", left, first) + 1 if left else 0
    cut = original.rfind(" ", last, right)
    right = cut if cut > last and right < len(original) else right
    return "…" * (left > 0) + clean(original[left:right]) + "…" * (right < len(original))


def from_table(section: Section, block: Block) -> Iterator[Fact]:
    """The values of a table, where a row or a column is headed by a parameter's name."""
    near = plain(
        f"{section.title} {block.caption or ''} {' '.join(cell.text for grid in block.grids for row in grid for cell in row)}"[
            :6000
        ]
    ).text
    for grid in block.grids:
        found = list(_by_rows(grid, near)) or list(_by_columns(grid, near))
        for parameter, cell, context, quoted in found:
            yield from _cell_facts(parameter, cell, context, quoted, section, block)


_Found = tuple[str, Cell, str | None, str]


def _by_rows(grid: Grid, near: str) -> Iterator[_Found]:
    """`Learning rate | 1e-5 | 5e-6` below `| SFT | DPO`; a row may hold several such pairs side by side."""
    named = any(_parameter(cell.text, near) for cell in grid[0])
    head = ["" if named else cell.text for cell in grid[0]]
    for number, row in enumerate(grid):
        name: str | None = None
        label = ""
        for column, cell in enumerate(row):
            parameter = None if cell.repeated and name else _parameter(cell.text, near)
            if parameter:
                name, label = parameter, cell.text
            elif name and cell.text and not (cell.repeated and column and row[column - 1].text == cell.text):
                above = (
                    head[column] if number and not re.search(r"^\W*$|value|setting|^config", head[column], re.IGNORECASE) else ""
                )
                context = None if not above or _parameter(above, near) else above
                yield name, cell, context, f"{label} | {cell.text}" + (f" ({above})" if context else "")


def _by_columns(grid: Grid, near: str) -> Iterator[_Found]:
    """`Model | LR | Batch size` above `7B | 1e-5 | 128`."""
    head = next((row for row in grid[:3] if any(_parameter(cell.text, near) for cell in row)), None)
    if head is None:
        return
    names = [_parameter(cell.text, near) for cell in head]
    for row in grid[grid.index(head) + 1 :]:
        label = next((cell.text for cell, name in zip(row, names, strict=True) if not name and cell.text), None)
        for name, title, cell in zip(names, head, row, strict=True):
            if name and cell.text:
                yield name, cell, label, f"{title.text} | {cell.text}" + (f" ({label})" if label else "")


@lru_cache(maxsize=4096)
def _parameter(text: str, near: str) -> str | None:
    """The name of the parameter or choice that a cell names, and nothing else."""
    bare = _NAMES.sub("", plain(text).text.strip())
    if not bare or len(bare) > 60 or next(numbers.numbers(re.sub(r"\b[lL]2\b", "", bare)), None):
        return None
    for candidate in (bare, _TRAIL.sub("", bare)):
        for parameter in PARAMETERS:
            if parameter.reported and _names(parameter, candidate.strip(), near):
                return parameter.name
        for choice in CHOICES:
            if choice.cell.fullmatch(candidate.strip()):
                return choice.name
    return None


def _names(parameter: Parameter, text: str, near: str) -> bool:
    if not (parameter.mention.fullmatch(text) or (parameter.cell and parameter.cell.fullmatch(text))):
        return False
    if parameter.unless and parameter.unless.search(near if parameter.here else text):
        return False
    return parameter.needs is None or bool(parameter.needs.search(near))


def _cell_facts(name: str, cell: Cell, context: str | None, quoted: str, section: Section, block: Block) -> Iterator[Fact]:
    label = block.label or "table"
    reading = plain(cell.text).text.strip()
    said = clean(quoted, limit=QUOTE)
    choice = next((each for each in CHOICES if each.name == name), None)
    if choice:
        values = list(choice.values.finditer(reading))[:3] if len(reading) < 80 else []
        for match in values:
            yield Fact(name, choice.canonical(match[0]), cell.text, said, section.name, context=context, label=label)
        return
    title = quoted.partition(" | ")[0]
    made = [
        link for link in links(f"{_sentence_name(name, title)}: {reading}", "LoRA temperature") if link.parameter.name == name
    ]
    several = len(made) > 1
    for link in made:
        kind = "searched" if several and link.kind == "set" else link.kind
        yield Fact(name, _value(link), link.text, said, section.name, kind, link.unit, _both(link.context, context), label)


def _both(first: str | None, second: str | None) -> str | None:
    return ", ".join(part for part in (first, second) if part) or None


def _sentence_name(name: str, title: str) -> str:
    """The name as running text would have it, with what the cell adds (`warm-up ratio`, `global batch size`)."""
    plain_names = {
        "learning_rate": "learning rate",
        "epochs": "number of epochs",
        "training_steps": "training steps",
        "lora_rank": "LoRA rank",
        "lora_alpha": "LoRA alpha",
        "lora_dropout": "LoRA dropout",
        "weight_decay": "weight decay",
        "num_generations": "group size",
        "kl_coefficient": "KL coefficient",
        "temperature": "temperature",
        "beta": "β",
    }
    own = plain(title).text
    parameter = next(each for each in PARAMETERS if each.name == name)
    named = parameter.mention.search(own)
    own_words = name.startswith("lora_") or name in ("epochs", "training_steps", "beta")
    if name in plain_names and (own_words or not named):
        return plain_names[name]
    return named[0] if named else {"batch_size": "batch size", "max_length": "max length"}.get(name, own)


def from_tables(document: Document) -> Iterator[Fact]:
    for section, block in document.blocks():
        if block.grids and section.kind != "references":
            yield from from_table(section, block)
