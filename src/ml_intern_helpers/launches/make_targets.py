"""Reads what `make TARGET` runs from a plain Makefile: rules, recipes and simple variables, without functions or includes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.launches.launcher_options import leading_options
from ml_intern_helpers.launches.place import MAKE, Place, text_of_file
from ml_intern_helpers.launches.words import Word

_OPTIONS = dict.fromkeys(["-C", "--directory", "-f", "--file", "--makefile", "-j", "--jobs", "-I", "-o", "-W", "-l"], True)
_OPTIONS |= dict.fromkeys(["-k", "-s", "-B", "-i", "-w", "-e", "-r", "-R", "--silent", "--always-make", "--keep-going"], False)
_DRY = ("-n", "--dry-run", "--just-print", "-q", "--question", "-h", "--help", "-v", "--version", "-p")
_VARIABLE = re.compile(r"(?:export\s+|override\s+)?([A-Za-z_]\w*)\s*(\?|:{0,3}|\+)=\s*(.*)")
_RULE = re.compile(r"([^\s#=:][^#=:]*?)\s*::?(?!=)\s*([^#;=]*)(?:;(.*))?")
_USE = re.compile(r"\$(?:\(([A-Za-z_]\w*)\)|\{([A-Za-z_]\w*)\}|(\$))")
_NAMES = ("GNUmakefile", "makefile", "Makefile")
#: Limits for the targets visited, the rounds of expansion and the expanded text; they also stop circular definitions.
_MOST_TARGETS, _MOST_ROUNDS, _LONGEST = 60, 8, 32_768


class Recipes(NamedTuple):
    """The shell lines in the order in which make runs them when no target is up to date, and the folder they run in."""

    text: str
    folder: Path


class Rule(NamedTuple):
    """The prerequisites of a target and the shell lines of its recipe."""

    needs: list[str]
    lines: list[str]


def recipes(words: list[Word], place: Place) -> Recipes | None:
    """The recipes that `make` runs for these words; None when it runs nothing or its Makefile cannot be read."""
    options = leading_options(words, {**_OPTIONS, **dict.fromkeys(_DRY, False)}, clusters=True)
    directory = options.value("-C", "--directory")
    folder = place.cwd if directory is None else None if directory.unknown else place.resolved(directory.text)
    if folder is None or options.has(*_DRY):
        return None
    file = options.value("-f", "--file", "--makefile")
    names = [file.text] if file is not None else list(_NAMES)
    text = next((text for name in names if (text := text_of_file(folder / name, MAKE)) is not None), None)
    if text is None:
        return None
    variables = {pair[0]: pair[1].text for word in options.rest if (pair := word.before("="))}
    goals = [word.text for word in options.rest if "=" not in word.text]
    return Recipes("\n".join(_walked(text, goals, variables)), folder)


def _walked(text: str, goals: list[str], overrides: dict[str, str]) -> list[str]:
    variables, rules = _read(text)
    variables |= overrides
    lines: list[str] = []
    done: set[str] = set()

    def visit(goal: str) -> None:
        rule = rules.get(goal) or rules.get("%")
        if goal in done or rule is None or len(done) > _MOST_TARGETS:
            return
        done.add(goal)
        for need in rule.needs:
            visit(need)
        lines.extend(_expanded(line, variables, goal) for line in rule.lines)

    for goal in goals or [name for name in rules if not name.startswith(".")][:1]:
        visit(goal)
    return lines


def _read(text: str) -> tuple[dict[str, str], dict[str, Rule]]:
    """The variables and rules of a Makefile; other lines are skipped."""
    variables: dict[str, str] = {}
    rules: dict[str, Rule] = {}
    current: list[Rule] = []
    for line in re.sub(r"\\\n[ \t]*", " ", text).splitlines():
        if line.startswith("\t"):
            for rule in current:
                rule.lines.append(line.strip().lstrip("@-+ "))
        elif assigned := _VARIABLE.match(line.strip()):
            name, how, value = assigned.groups()
            before = variables.get(name, "")
            variables[name] = before if how == "?" and before else f"{before} {value}".strip() if how == "+" else value
        elif rule_line := _RULE.match(line):
            names, needs, first = rule_line.groups()
            current = [rules.setdefault(name, Rule([], [])) for name in _expanded(names, variables).split()]
            for rule in current:
                rule.needs.extend(_expanded(needs, variables).replace("|", " ").split())
                rule.lines.extend([first.strip().lstrip("@-+ ")] if first else [])
    return variables, rules


def _expanded(text: str, variables: dict[str, str], goal: str = "") -> str:
    """The text with variables replaced; an undefined one becomes the shell variable `$NAME`, which has no known value either."""
    text = text.replace("$@", goal)
    for _ in range(_MOST_ROUNDS):
        changed = _USE.sub(lambda use: "$$" if use[3] else variables.get(use[1] or use[2], f"$${use[1] or use[2]}"), text)
        if changed == text or len(changed) > _LONGEST:
            break
        text = changed
    return text.replace("$$", "$")
