"""A script's arguments: our reading of its argparse declarations against argparse itself."""

from __future__ import annotations

import argparse
import contextlib
import io
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.analysis.options import GivenToScript
from ml_intern_helpers.analysis.script import walk
from ml_intern_helpers.analysis.script_arguments import ParsedArguments, parsed
from ml_intern_helpers.analysis.source import Source, source_of_text

SCRIPT = """import argparse
from pathlib import Path
cli = argparse.ArgumentParser()
cli.add_argument("--model", default="m")
cli.add_argument("--hub-id", "--hub", dest="hub_id")
cli.add_argument("-n", "--steps", type=int, default=-1)
cli.add_argument("--lr", type=float, default=2e-4)
cli.add_argument("--lora", action="store_true")
cli.add_argument("--no-eval", action="store_false", dest="evaluate")
cli.add_argument("--loss", choices=["nll", "dft"], default="nll")
{extra}
args = cli.parse_args()
"""
WORDS = [
    "--model",
    "x",
    "--hub-id",
    "--hub",
    "a/b",
    "-n",
    "5",
    "-n7",
    "--steps",
    "--steps=3",
    "--st",
    "--lr",
    "2e-4",
    "-1",
    "1.5",
]
WORDS += ["--lora", "--no-eval", "--loss", "dft", "nope", "--loss=nll", "--unknown", "--unknown=1", "--lo", "x y", "--mode"]


@cache
def source(extra: str) -> Source:
    return source_of_text("train.py", SCRIPT.format(extra=extra))


def ours(arguments: list[str], extra: str = "") -> ParsedArguments:
    return parsed(walk(source(extra), GivenToScript(tuple(arguments))))


@cache
def real_parser(extra: str) -> argparse.ArgumentParser:
    scope: dict[str, Any] = {}
    exec(SCRIPT.format(extra=extra).replace("args = cli.parse_args()", ""), scope)
    parser: argparse.ArgumentParser = scope["cli"]
    return parser


def by_argparse(arguments: list[str], extra: str = "") -> dict[str, Any] | None:
    """The attributes, None when argparse ends the script."""
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return vars(real_parser(extra).parse_args(arguments))
    except SystemExit:
        return None


DEFAULTS = by_argparse([]) or {}


@pytest.mark.parametrize(
    "extra", ["", 'cli.add_argument("--out", required=True)', 'cli.add_argument("data")'], ids=["plain", "required", "positional"]
)
def test_random_arguments_are_read_as_argparse_reads_them(extra: str) -> None:
    refused = taken = 0
    for seed in range(800):
        pick = random.Random(seed)
        arguments = [pick.choice(WORDS) for _ in range(pick.randint(0, 6))] + (
            ["--out", "o"] if "--out" in extra and pick.random() < 0.7 else []
        )
        expected, found = by_argparse(arguments, extra), ours(arguments, extra)
        refused, taken = refused + (expected is None), taken + (expected is not None)
        assert bool(found.problems) == (expected is None), (arguments, found.problems)
        if expected is not None:
            values = {name: found.values[name].value if name in found.values else DEFAULTS.get(name) for name in expected}
            assert found.complete
            assert values == expected, arguments
    assert min(refused, taken) > 50


@pytest.mark.parametrize(
    "extra",
    [
        "cli.add_subparsers()",
        "known, rest = cli.parse_known_args()",
        "for name in 'ab': cli.add_argument('--' + name)",
        "cli.add_argument(*flags)",
    ],
    ids=["subparsers", "known_args", "loop", "flags not known"],
)
def test_a_parser_that_cannot_be_followed_is_not_judged(extra: str) -> None:
    found = ours(["--unknown"], extra)
    assert (found.problems, found.complete, found.values) == ([], False, {})


def test_similar_names_are_offered() -> None:
    assert ours(["--hubid", "a/b"]).problems[0][1].startswith("did you mean --hub")


def test_without_a_launch_nothing_is_given(tmp_path: Path) -> None:
    found = parsed(walk(source_of_text("train.py", SCRIPT.format(extra=""))))
    assert (found.problems, found.complete, found.values) == ([], False, {})
