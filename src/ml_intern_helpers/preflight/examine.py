"""Examines a script: asks every rule, honours suppressions, fills in the checklist.

Modules beside the script (`from common import build_trainer`) are examined too, because their errors end the script as well.
Only one level of imports is followed, and of a module only the parts that the script uses or that run on import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.analysis.constructions import Training
from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.script import neighbour as neighbour_script
from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.preflight.checklist import Item, filled
from ml_intern_helpers.preflight.context import ScriptContext, read_context
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.registry import Rule, rules_for

if TYPE_CHECKING:
    from ml_intern_helpers.launches.launch import Launch

#: Launch rules that apply only to scripts that train.
_ABOUT_TRAINING = frozenset({"LAUNCH101", "LAUNCH112", "LAUNCH113"})
_SEVERITIES = ("error", "warning", "info")
#: The config settings that the checklist's lines about saving, logging and tracking depend on.
_SETTINGS = (
    "push_to_hub", "hub_model_id", "save_strategy", "disable_tqdm", "logging_strategy", "logging_first_step", "report_to",
    "trackio_space_id",
)  # fmt: skip
#: The lines that code outside a config can settle; training loops and other libraries' trainers have no others.
_LINES_WITHOUT_CONFIG = frozenset({"push_to_hub", "saved", "tracking"})


class Examination(NamedTuple):
    """The result of examining a script.

    Attributes:
        context: the script as it was read.
        findings: errors first, then by line.
        checklist: the filled-in lines; empty when nothing trains.
        unknowns: (line, reason) of what could not be determined.
        suppressed: findings taken out by a comment.
        notes: messages about suppressing comments that have no effect.
        renames: finding -> the new argument name, where a renaming is the whole fix.
    """

    context: ScriptContext
    findings: list[Finding]
    checklist: list[Item]
    unknowns: list[tuple[int | None, str]]
    suppressed: list[Suppressed]
    notes: list[str]
    renames: dict[Finding, str]

    def number_of(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def settled_nothing(self) -> bool:
        """Whether no setting of the training could be read, so that a pass would mean nothing; only for scripts that train.

        Where a trainer has a config of the transformers kind, only that config counts: `trainer.save_model()`, the packages or
        a free folder do not tell how it trains. Otherwise a line of _LINES_WITHOUT_CONFIG must have been decided.
        """
        context = self.context
        tunable = [run for run in context.runs if run.tunable]
        if not tunable:
            return not any(item.id in _LINES_WITHOUT_CONFIG and item.state in ("pass", "fail") for item in self.checklist)
        settings = [context.setting(run, name) for run in tunable for name in _SETTINGS]
        return not any(setting is None or setting.value.settled for setting in settings)


def examine(source: Source, mode: str, launch: Launch | None = None, options: Options = DEFAULT_OPTIONS) -> Examination:
    """Ask every rule of `mode`; `launch` is the command line that starts the script.

    Raises:
        Unavailable: the script is too complex to analyse.
    """
    context = read_context(source, mode, launch, options)
    if options.column_source is not None:
        options.column_source(context)
    rules = rules_for(context)
    trains = context.training.kind != "none"
    suppressions = Suppressions(source)
    outcomes: dict[str, list[Outcome]] = {}
    for code, rule in rules.items():
        # For a script that does not train, only the rules that apply to every script are asked.
        if trains or (code.startswith(("API", "SEC", "LAUNCH")) and code not in _ABOUT_TRAINING):
            outcomes[code] = [suppressions.apply(code, outcome) for outcome in dict.fromkeys(rule.check(context))]
    failures = {
        _finding(context, rules[code], outcome): outcome
        for code, outcomes_of_rule in outcomes.items()
        for outcome in outcomes_of_rule
        if outcome.state == "fail"
    }
    neighbours = list(imported_neighbours(context, options))
    findings = [*failures, *(finding for neighbour in neighbours for finding in _in_neighbour(neighbour, rules))]
    return Examination(
        context if trains else _trained_in_neighbour(context, neighbours),
        sorted(findings, key=lambda finding: (_SEVERITIES.index(finding.severity), finding.line or 0, finding.code)),
        filled(context, outcomes) if trains else [],
        list(_unknowns(context, outcomes)),
        suppressions.suppressed,
        list(suppressions.notes()),
        {finding: outcome.rename for finding, outcome in failures.items() if outcome.rename},
    )


def _in_neighbour(neighbour: Neighbour, rules: dict[str, Rule]) -> Iterator[Finding]:
    """The API findings in a module beside the script, in the parts that the script makes run."""
    suppressions = Suppressions(neighbour.context.source)
    for code, rule in rules.items():
        for outcome in dict.fromkeys(rule.check(neighbour.context)) if code.startswith("API") else ():
            if neighbour.runs(outcome.line) and suppressions.apply(code, outcome).state == "fail":
                yield _finding(neighbour.context, rule, outcome)


def _trained_in_neighbour(context: ScriptContext, neighbours: list[Neighbour]) -> ScriptContext:
    """The script's context; where a module beside the script builds the trainer, `training` names that module."""
    for neighbour in neighbours:
        trainers = neighbour.context.trainers
        trainer = next((trainer for trainer in trainers if neighbour.runs(trainer.line)), None)
        if trainer is not None:
            name = neighbour.context.source.path.name
            why = f"its {trainer.role.name} is built in {name} (line {trainer.line})"
            return context._replace(training=Training("none", f"{trainer.role.method}, built in {name}", why_not=why))
    return context


def _finding(context: ScriptContext, rule: Rule, outcome: Outcome) -> Finding:
    file, (cell, line) = context.source.file(outcome.line), context.source.position(outcome.line)
    evidence = None if outcome.mask else context.source.excerpt(outcome.line)
    if outcome.at_launch and context.launch is not None:
        file, cell, line, evidence = context.launch.place, None, None, clean(outcome.seen, limit=200) or None
    fix = outcome.fix
    if fix and any((call.lineno, call.col_offset + 1) == (outcome.line, outcome.column) for call in context.script.parsed):
        # A parser builds the config, so there is no call to edit.
        fix += " (in the file of --config, or as an option: --NAME VALUE)"
    message = clean(outcome.text, limit=300)
    severity = outcome.severity or rule.severity
    return Finding(rule.code, severity, message, file, line, outcome.column, evidence, clean(fix, limit=400), cell=cell)


def _unknowns(context: ScriptContext, outcomes: dict[str, list[Outcome]]) -> Iterator[tuple[int | None, str]]:
    """Each (line, reason) once; the first names the trainers that were left out."""
    examined, built = len(context.trainers), context.training.built
    if built > examined:
        last = context.trainers[-1].line
        yield last, f"{built} trainers are built here: only the first {examined} were judged, up to line {last}"
    unknown = [outcome for of_rule in outcomes.values() for outcome in of_rule if outcome.state == "unknown"]
    yield from dict.fromkeys((outcome.line, clean(outcome.text, limit=300)) for outcome in unknown)


#: The most modules beside the script that are examined.
_MOST_NEIGHBOURS = 8
_IMPORTS_INDEXED = re.compile(rf"^\s*(?:from|import)\s+(?:{'|'.join(PACKAGES)})\b", re.MULTILINE)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Neighbour(NamedTuple):
    """A module beside the script: its context, with the script's releases, and the line spans that the script makes run."""

    context: ScriptContext
    used: tuple[tuple[int, int], ...]

    def runs(self, line: int | None) -> bool:
        return line is not None and any(first <= line <= last for first, last in self.used)


def imported_neighbours(context: ScriptContext, options: Options) -> Iterator[Neighbour]:
    """The modules beside the script that it imports and that import one of the indexed packages."""
    names = _imported_names(context)
    for module in list(names)[:_MOST_NEIGHBOURS]:
        script = neighbour_script(context.script, module)
        if script is not None and _IMPORTS_INDEXED.search(script.source.text):
            try:
                module_context = read_context(script.source, context.mode, options=options)._replace(offers=context.offers)
            except Unavailable:  # the module is too complex to analyse; the script is examined without it
                continue
            module_context.script.offers = context.offers.offers_name
            yield Neighbour(module_context, tuple(_used_spans(script.source.tree, names[module])))


def _imported_names(context: ScriptContext) -> dict[str, set[str] | None]:
    """Module -> the names that the script uses of it; None for all."""
    used_names: dict[str, set[str] | None] = {}
    for item in context.imports:
        if item.name == "*":
            used_names[item.module] = None
        elif used_names.get(item.module, set()) is not None:
            # After `import common`, every attribute in the script may belong to the module.
            attributes = {node.attr for node in context.script.places if isinstance(node, ast.Attribute)}
            used_names[item.module] = (used_names.get(item.module) or set()) | ({item.name} if item.name else attributes)
    return used_names


def _used_spans(tree: ast.Module, wanted: set[str] | None) -> Iterator[tuple[int, int]]:
    """The line spans of the top-level statements that run: no unused definitions, and no block under a `__name__` test."""
    definitions = {node.name: node for node in tree.body if isinstance(node, _Definition)}
    main_blocks = [node for node in tree.body if isinstance(node, ast.If) and "__name__" in _names(node.test)]
    statements = [node for node in tree.body if not isinstance(node, _Definition) and node not in main_blocks]
    queue = [*statements, *(node for name, node in definitions.items() if wanted is None or name in wanted)]
    seen: set[ast.stmt] = set()
    while queue:
        node = queue.pop()
        if node not in seen:
            seen.add(node)
            yield node.lineno, node.end_lineno or node.lineno
            queue += [definitions[name] for name in _names(node) if name in definitions]


def _names(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


_COMMENT = re.compile(r"#\s*preflight:\s*ignore\[([^\]]*)\]\s*(.*)")


class Suppressed(NamedTuple):
    """A finding that a comment suppresses."""

    code: str
    line: int | None
    reason: str


class Comment(NamedTuple):
    """One comment: its codes, reason and line, and whether it is alone on its line (then it also covers the line below)."""

    codes: frozenset[str]
    reason: str
    line: int
    alone: bool

    def covers(self, code: str, outcome: Outcome) -> bool:
        """Whether it is on the finding's line, in the call around it or directly above either, or the finding has no line."""
        line = outcome.line
        if code not in self.codes or line is None:
            return code in self.codes
        first = outcome.first_line or line
        above = self.alone and self.line in (line - 1, first - 1)
        return self.line == line or first <= self.line <= (outcome.last_line or line) or above


class Suppressions:
    """The suppressing comments of one script, and the findings they have suppressed.

    Attributes:
        suppressed: the findings suppressed so far.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        # Tokenizing is slow, so it is done only where there may be such a comment.
        self._comments = list(_comments(source)) if "preflight:" in source.text else []
        self._used: set[Comment] = set()
        self.suppressed: list[Suppressed] = []

    def apply(self, code: str, outcome: Outcome) -> Outcome:
        """The outcome; a failure becomes a pass where a comment with a reason suppresses it."""
        for comment in self._comments if outcome.state == "fail" else ():
            if comment.covers(code, outcome):
                self._used.add(comment)
                if comment.reason:
                    self.suppressed.append(Suppressed(code, outcome.line, comment.reason))
                    text = f"suppressed at line {comment.line}: {comment.reason}"
                    return outcome._replace(state="pass", text=text, fix="", line=None)
        return outcome

    def notes(self) -> Iterator[str]:
        """A message for each comment that lacks a reason or suppressed nothing."""
        for comment in self._comments:
            codes = clean(",".join(sorted(comment.codes)), limit=60)
            if not comment.reason:
                why = "has no effect: it needs a reason after the bracket"
            elif comment not in self._used:
                why = "suppresses nothing in this mode"
            else:
                continue
            yield f"{self._source.place(comment.line)}: ignore[{codes}] {why}"


def _comments(source: Source) -> Iterator[Comment]:
    """The suppressing comments, including those without a reason; strings that look like one are ignored."""
    import io
    import tokenize

    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
            if match:
                line, column = token.start
                codes = frozenset(code.strip() for code in match.group(1).split(","))
                alone = not source.lines[line - 1][:column].strip()
                yield Comment(codes, clean(match.group(2), limit=200), line, alone)
    except (tokenize.TokenError, SyntaxError):
        pass  # the source has parsed before; the comments found so far are kept
