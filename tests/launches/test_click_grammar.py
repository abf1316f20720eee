"""Our reading of click's grammar against click itself, on the real commands and on thousands of random word lists."""

from __future__ import annotations

import random

import click
import pytest

from launches.real_hf import command
from ml_intern_helpers.launches.launcher_options import click_words, tables
from ml_intern_helpers.launches.words import Word

OPTIONS = tables().hf_options
COMMANDS = sorted(OPTIONS)
VALUES = ["train.py", "4h", "a=b", "--", "-1", "2e-4", "", "x y", "@daily", "-", "ünïcode", "python"]
ODD = [
    "-lr",
    "-dq",
    "-qd",
    "-eA=1",
    "-bs",
    "-zzz",
    "--nope",
    "--nope=1",
    "--timeout=",
    "--detach=1",
    "-e=A",
    "--dry-run",
    "--no-suspend",
]


def random_words(seed: int, path: str) -> list[str]:
    pick = random.Random(seed)
    pool = [*OPTIONS[path], *ODD, *VALUES, *VALUES]
    words = [pick.choice(pool) for _ in range(pick.randint(1, 9))]
    return [
        f"{word}={pick.choice(VALUES)}" if word.startswith("--") and word != "--" and pick.random() < 0.2 else word
        for word in words
    ]


def by_click(path: str, words: list[str]) -> tuple[dict[str, list[object]], list[str]] | None:
    """(values by parameter, positional words) as click's own parser has them; None when it refuses the words."""
    found = command(path)
    context = click.Context(found, ignore_unknown_options=True)
    parser = found.make_parser(context)
    values: dict[str, list[object]] = {}
    for option in {id(one): one for one in [*parser._long_opt.values(), *parser._short_opt.values()]}.values():
        option.process = lambda value, state, option=option: values.setdefault(
            "help" if "help" in (option.dest or "") else option.dest, []
        ).append(  # type: ignore[method-assign]
            value if isinstance(value, str) else None
        )
    parser._args = []
    try:
        _, rest, _ = parser.parse_args(list(words))
    except click.UsageError:
        return None
    return values, rest


@pytest.mark.parametrize("path", COMMANDS)
def test_random_words_are_sorted_as_click_sorts_them(path: str) -> None:
    refused = 0
    for seed in range(1500):
        words = random_words(seed, path)
        expected, ours = by_click(path, words), click_words([Word(word) for word in words], OPTIONS[path])
        if expected is None:
            refused += 1
            assert ours.error, words
            continue
        values: dict[str, list[object]] = {}
        for one in ours.options:
            values.setdefault(one.name, []).append(one.value.text if one.value else None)
        assert (values, [word.text for _, word in ours.positional]) == expected, words
        assert not ours.error, words
    assert 20 < refused < 1200, "the generator must make both kinds"
