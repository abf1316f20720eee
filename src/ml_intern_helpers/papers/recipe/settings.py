"""Settings as a paper tabulates them -> facts: a cell or a line that names a parameter, and the cell that holds its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.recipe import numbers, stages
from ml_intern_helpers.papers.recipe.choices import CHOICES
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.hyper import QUOTE, as_value
from ml_intern_helpers.papers.recipe.linking import Link, links
from ml_intern_helpers.papers.recipe.parameters import BY_NAME, PARAMETERS, Parameter
from ml_intern_helpers.papers.recipe.plain import plain

#: What a cell of a head may carry behind its name: a unit, a symbol.
_TRAIL = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\]|:|↑|↓)\s*$")
_NAMES = re.compile(r"^\W*(?:the\s+)?", re.IGNORECASE)
#: What may follow the number of a cell; "95 CI low" is no length.
_AFTER = re.compile(
    r"\W*(?:$|\d|(?:[kKMB]|x|e|steps?|epochs?|tokens?|iterations?|updates?|sequences?|samples?|prompts?|pairs?"
    r"|examples?|instances?|per"
    r"|for|with|in|on|to|and|or|of|at|then|linear|cosine|warm\w*|constant|decay\w*|million|thousand|percent"
    r"|GPUs?|questions?|quer\w+"
    r"|each|stage\w*|peak|max\w*|min\w*|initial|final|roll-?outs?|responses?|completions?|images?|words?)\b)",
    re.IGNORECASE,
)
#: The names as running text has them, where a cell's own words are no sentence (`# Epochs`, `r`, `β`).
_SPOKEN = {
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
_OWN_WORDS = ("epochs", "training_steps", "beta")


@dataclass(frozen=True)
class Setting:
    """One value in a table or a listing.

    Attributes:
        name: of the parameter or choice.
        title: the words that name it.
        value: the words that hold its value.
        context: what it holds for: heads of its column, cells before it, the row of a group above it.
        quote: the words of the row, as the paper's text has them.
        tried: whether the table compares values of this very parameter.
    """

    name: str
    title: str
    value: str
    context: str | None
    quote: str
    tried: bool = False


@dataclass(frozen=True)
class Place:
    """Where settings stand: section, label, and the titles that may tell the stage, the innermost first."""

    section: str
    label: str
    titles: tuple[str, ...]
    aside: str | None = None


@lru_cache(maxsize=4096)
def parameter_of(text: str, near: str) -> str | None:
    """The name of the parameter or choice that a cell names, and nothing else."""
    bare = _NAMES.sub("", plain(text).text.strip())
    if not bare or len(bare) > 60 or next(numbers.numbers(re.sub(r"\b[lL]2\b", "", bare)), None):
        return None
    for candidate in (bare, _TRAIL.sub("", bare), bare.replace("_", " ")):
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


def facts(setting: Setting, place: Place) -> Iterator[Fact]:
    """The values that a setting's cell holds; none when it holds something else (`tuned`, `see text`)."""
    choice = next((each for each in CHOICES if each.name == setting.name), None)
    reading = plain(setting.value).text.strip()
    if choice:
        for match in list(choice.values.finditer(reading))[:3] if len(reading) < 80 else []:
            yield _fact(setting, place, choice.canonical(match[0]), setting.value)
        return
    made = _linked(setting, reading)
    several = len(made) > 1 or setting.tried
    for link in made:
        kind = "searched" if several and link.kind == "set" else link.kind
        yield _fact(setting, place, as_value(link), link.text, kind, link.unit, link.context)


def holds_value(setting: Setting) -> bool:
    """Whether the cell holds a value of the parameter at all."""
    return next(facts(setting, Place("", "", ())), None) is not None


def _linked(setting: Setting, reading: str) -> list[Link]:
    first = next(numbers.numbers(reading), None)
    if first and not _AFTER.match(reading, first.end):
        return []
    said = f"{_sentence_name(setting.name, setting.title)}: {reading}"
    return [link for link in links(said, "LoRA temperature") if link.parameter.name == setting.name]


def _fact(
    setting: Setting,
    place: Place,
    value: object,
    written: str,
    kind: str = "set",
    unit: str | None = None,
    own: str | None = None,
) -> Fact:
    context = ", ".join(part for part in (own, setting.context, place.aside) if part) or None
    told = (setting.title, *([setting.context] if setting.context else []), *place.titles)
    return Fact(
        setting.name,
        value,  # type: ignore[arg-type]
        written,
        clean(setting.quote, limit=QUOTE),
        place.section,
        kind,  # type: ignore[arg-type]
        unit,
        context,
        place.label,
        stages.of_title(told, setting.name),
    )


def _sentence_name(name: str, title: str) -> str:
    """The name as running text would have it, with what the cell adds (`warm-up ratio`, `global batch size`)."""
    own = plain(title).text
    named = BY_NAME[name].mention.search(own)
    if name in _SPOKEN and (name.startswith("lora_") or name in _OWN_WORDS or not named):
        return _SPOKEN[name]
    return named[0] if named else {"batch_size": "batch size", "max_length": "max length"}.get(name, own)
