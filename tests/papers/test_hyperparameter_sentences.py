"""Every hyper-parameter in twenty and more spellings: the right value, or no value and the sentence quoted."""

from __future__ import annotations

import re
import time
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import pytest

from support.pages import page, para, section
from support.recipes import recipe_of, recipe_of_sentence

TABLE = (Path(__file__).parent / "hyperparameter_sentences.txt").read_text("utf-8")
#: Units that a row of the table writes; the others (tokens of a length) go without saying.
UNITS = {"warmup": ("steps", "ratio", "epochs"), "batch_size": ("tokens", "prompts")}
#: A longer "sentence" is read in pieces of this size.
LONGEST = 1500


def rows() -> list[tuple[str, str, str]]:
    found, name = [], ""
    for line in TABLE.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            sentence, _, expected = line.partition(" => ")
            found.append((name, sentence, expected))
    return found


ROWS = rows()


def number(value: object) -> object:
    """`1e-3` and `0.001` are one value."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value


def as_written(name: str, item: dict[str, Any]) -> tuple[object, ...]:
    """A value as the table writes it: with its unit and what it counts, where the table has them."""
    if item["kind"] == "none":
        return ("none",)
    named = item["context"] if name in ("batch_size", "max_length") and re.fullmatch(r"[\w-]+", item["context"] or "") else None
    return number(item["value"]), *filter(None, (item["unit"] if item["unit"] in UNITS.get(name, ()) else None, named))


def in_table(expected: str) -> tuple[object, ...]:
    value, *words = expected.split(" ")
    return (number(value), *words) if isinstance(number(value), float) else (expected,)


@pytest.mark.parametrize(("name", "sentence", "expected"), ROWS, ids=[f"{name}: {sentence}" for name, sentence, _ in ROWS])
def test_a_value_or_a_quote(name: str, sentence: str, expected: str) -> None:
    """A wrong value is a failure; `quote:` rows are left to the reader, and the sentence is there to be read."""
    found = recipe_of_sentence(escape(sentence))["hyperparameters"][name]
    given = [as_written(name, item) for item in found["items"]]
    if expected.startswith("quote: "):
        assert (given, found["state"], found["value"]) == ([], "quoted", None)
        assert found["quotes"][0]["quote"] == sentence.strip()
    elif expected == "?":
        assert given == []
    else:
        assert given == [in_table(each) for each in expected.split(", ")]
        assert found["state"] == "stated"


def test_twenty_sentences_for_each_parameter() -> None:
    counts = Counter(name for name, _, _ in ROWS)
    assert counts.keys() == set(recipe_of_sentence("Nothing.")["hyperparameters"])
    assert min(counts.values()) >= 20, counts
    silent = Counter(name for name, _, expected in ROWS if expected == "?")
    assert min(silent[name] for name in counts) >= 2
    given = sum(expected != "?" and not expected.startswith("quote: ") for _, _, expected in ROWS)
    assert given >= 290, "the plain sentences give their value"


def test_every_value_stands_in_its_quote() -> None:
    """Long sentences are cut for the quote, never so that the value is lost."""
    for name, sentence, expected in ROWS[::4]:
        long = "This is said first, at some length. " * 20 + sentence.rstrip(".") + ", which very many more words follow" * 12
        found = recipe_of_sentence(escape(long))["hyperparameters"][name]
        for each in [*found["items"], *found["quotes"]] if expected != "?" else ():
            assert len(each["quote"]) < 420
            assert each["as_written"] in each["quote"], (sentence, each["quote"])


REPEATED = [
    *(
        "train ",
        "train_",
        "η ",
        "β, ",
        "(",
        "(a) ",
        "max_",
        "number of ",
        "linear ",
        "learning rate, ",
        "KL penalty ",
        "per device ",
        "A",
        "Aa ",
        "1,",
        "1.",
        "10^",
        "$",
        "{",
        "a ",
        "response_",
        "8 A100 ",
        "Qwen-",
        "Llama 3 ",
        "a/",
        "we use ",
        ", ",
        "0.1 ",
        "1e-5, ",
        "set ",
        "set to ",
        "warm up ",
        "cosine ",
        "- ",
        "\\text{",
        "accuracy ",
        "12.3% on ",
        "from 1 to 2 ",
        "no ",
        "LoRA r=8 ",
        "took ",
        "for each question, we sample ",
        "For a, ",
        "for A and B, ",
        "for stage 1 and 2 ",
        "steps for a and 3 ",
        "SFT and DPO, ",
        "clip the gradients ",
    ),
]


@pytest.mark.parametrize("words", REPEATED)
@pytest.mark.parametrize("head", ["", "The learning rate ", "We warm up the batch size "], ids=["alone", "rate", "size"])
def test_no_sentence_takes_for_ever(words: str, head: str) -> None:
    """Patterns with choices in loops once took minutes on `train train train …`."""
    sentence = head + (words * LONGEST)[:LONGEST] + " 0.5 hats!"
    started = time.process_time()
    recipe_of(page(section("4", "Setup", para(escape(sentence)))))
    assert time.process_time() - started < 5
