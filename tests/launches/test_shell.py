"""Words as bash makes them: each line is read by us and by the real bash, and the words must be the same."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.launches.shell import commands_of, words_of
from ml_intern_helpers.launches.words import Word

LINES = [
    "f a b",
    "f 'a b' \"c d\" e\\ f",
    "f a'b'\"c\"d",
    "f \"\" '' x",
    'f "a\\"b" "c\\$d" "e\\\\f" "g\\h"',
    "f $'a\\nb\\t' $'it\\'s'",
    "f a \\\n  b \\\n  c",
    "f a # comment 'x",
    "f a#b '#c'",
    "f 'a\nb'",
    "X=1; f $X \"$X\" '$X' ${X}",
    "X='a b'; f $X \"$X\"",
    "f --a=b --c='d e' -f=\"g\"",
    "f é ü 漢字 '🚀'",
    "f a <<'EOF'\nbody 'x\nEOF\n",
    "f 2>/dev/null a b",
    "f a 2>&1 b </dev/null",
    "A=1 B=2 f x",
    "f 'a'\\''b'",
    "f \"a'b\" 'c\"d'",
    "f {a,b}x=1",
    "f a=b c==d",
    "f x$ y",
    'f "x$"',
    "f -- -x",
    "f 'multi\\\nline'",
    'f "joined\\\nline"',
    "if true; then f a; fi",
    "{ f a; }",
    "( f a b )",
    "f a && true",
    "true || f a; f b",
]
PREAMBLE = "f() { [ $# = 0 ] || printf '%s\\0' \"$@\"; printf '\\1\\0'; }\n"


def by_bash(line: str) -> list[list[str]]:
    """The arguments of every call of `f`, as bash passes them."""
    done = subprocess.run(["bash", "--norc", "+B", "-c", PREAMBLE + line], capture_output=True, check=False, timeout=20)
    calls, current = [], []
    for part in done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        if part == "\1":
            calls.append(current)
            current = []
        else:
            current.append(part)
    return calls


def by_us(line: str) -> list[list[str]]:
    found, variables = [], {}
    for command in commands_of(line):
        for name, raw in command.assigns if not command.words else []:
            variables[name] = Word(raw.literal or "")
        words = words_of(command, variables)
        if words and words[0].text == "f":
            found.append([word.text for word in words[1:]])
    return found


@pytest.mark.parametrize("line", LINES)
def test_words_are_those_of_bash(line: str) -> None:
    expected = by_bash(line)
    if line.startswith("true ||"):
        expected = [["a"], *expected]  # we do not know which side of || runs: both count
    assert by_us(line) == expected


def test_random_quoting_is_read_as_bash_reads_it(tmp_path: Path) -> None:
    pieces = [
        "a",
        "b c",
        "'x y'",
        '"p q"',
        "\\ ",
        "\\'",
        '\\"',
        "'\"'",
        '"\'"',
        " ",
        "  ",
        "=",
        "-",
        "#",
        "$'\\n'",
        "\\\n",
        '"\\\\"',
        "é",
        "''",
    ]
    lines = []
    for seed in range(400):
        pick = random.Random(seed)
        lines.append("f " + "".join(pick.choice(pieces) for _ in range(pick.randint(1, 12))))
    lines = [line for line in lines if not line.endswith("\\\n")]
    expected = by_bash("\n".join(lines))
    assert len(expected) == len(lines)
    for line, words in zip(lines, expected, strict=True):
        assert by_us(line) == [words], line


@pytest.mark.parametrize("line", ["python 'a", 'python "a', "python $(a", "python `a", "python ${a", "python $'a"])
def test_what_is_never_closed_is_said(line: str) -> None:
    with pytest.raises(BadData, match="never closed"):
        list(commands_of(line))


@pytest.mark.parametrize("line", ["f $UNSET", 'f "${A:-b}"', "f $(date)", "f `date`", "f $((1+1))", "f a$B", "f $1", 'f "$@"'])
def test_what_only_the_shell_knows_is_unknown_with_the_reason(line: str) -> None:
    words = words_of(next(commands_of(line)), {})
    assert words[-1].unknown.startswith("`")
