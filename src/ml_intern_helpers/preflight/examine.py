"""A script examined: rules asked, suppressions honoured, checklist filled in, verdict reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.analysis.training import Training
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.built_beside import Near, built_beside
from ml_intern_helpers.preflight.checklist import Answers, Item, filled
from ml_intern_helpers.preflight.facts import Facts, facts_of
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.registry import Rule, rules_for
from ml_intern_helpers.preflight.settled import settled_nothing
from ml_intern_helpers.preflight.suppress import Suppression, suppressions

if TYPE_CHECKING:
    from ml_intern_helpers.launches.launch import Launch


class Suppressed(NamedTuple):
    """A finding that a comment answers for."""

    code: str
    line: int | None
    reason: str


class Examination(NamedTuple):
    """What was found.

    Attributes:
        facts: the script as it was read.
        findings: errors first, then by line.
        checklist: the filled-in lines; empty when nothing trains.
        unknowns: (line, sentence) that could not be told.
        suppressed: findings taken out by a comment.
        notes: comments that suppress nothing, or lack a reason.
        renames: finding -> the argument to write instead, where the fix is no more than that.
    """

    facts: Facts
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
        """No setting of the training was read; only meaningful where something trains."""
        return settled_nothing(self.facts, self.checklist)


def examine(source: Source, mode: str, launch: Launch | None = None, about: Options = DEFAULT_OPTIONS) -> Examination:
    """Ask every rule of `mode`; `launch` is the command line that starts it, `about` what the caller knows besides.

    Raises:
        Unavailable: the script is too intricate to follow.
    """
    facts = facts_of(source, mode, launch, about)
    if about.look is not None:
        about.look(facts)
    rules = rules_for(facts)
    training = facts.training.kind != "none"
    asked = rules if training else _without_training(rules)
    answers = {code: list(dict.fromkeys(rule.check(facts))) for code, rule in asked.items()}
    comments = suppressions(source)
    used: set[Suppression] = set()
    suppressed: list[Suppressed] = []
    for code, outcomes in answers.items():
        answers[code] = [_honoured(code, outcome, comments, used, suppressed) for outcome in outcomes]
    told = {_finding(facts, rules[code], one): one for code, found in answers.items() for one in found if one.state == "fail"}
    near = list(built_beside(facts, about))
    beside = [finding for one in near for finding in _beside(one, rules)]
    if not training:
        facts = _trained_beside(facts, near)
    return Examination(
        facts,
        sorted([*told, *beside], key=lambda one: (("error", "warning", "info").index(one.severity), one.line or 0, one.code)),
        filled(facts, answers) if training else [],
        [*_unjudged(facts), *_unknowns(answers)],
        suppressed,
        _notes(facts, comments, used),
        {finding: outcome.rename for finding, outcome in told.items() if outcome.rename},
    )


#: Launch rules that a script without training cannot offend.
_ABOUT_TRAINING = frozenset({"LAUNCH101", "LAUNCH112", "LAUNCH113"})


def _without_training(rules: dict[str, Rule]) -> dict[str, Rule]:
    """Where nothing trains only what is wrong in any script counts."""
    asked = {code: rule for code, rule in rules.items() if code.startswith(("API", "SEC", "LAUNCH"))}
    return {code: rule for code, rule in asked.items() if code not in _ABOUT_TRAINING}


def _beside(near: Near, rules: dict[str, Rule]) -> Iterator[Finding]:
    """What a neighbour gets wrong about the libraries, where the script makes it run."""
    comments = suppressions(near.facts.source)
    for code, rule in rules.items():
        for one in dict.fromkeys(rule.check(near.facts)) if code.startswith("API") else ():
            if one.state == "fail" and near.runs(one.line) and _honoured(code, one, comments, set(), []).state == "fail":
                yield _finding(near.facts, rule, one)


def _trained_beside(facts: Facts, near: list[Near]) -> Facts:
    """A script whose trainer a neighbour builds says so."""
    for one in near:
        made = next((trainer for trainer in one.facts.trainers if one.runs(trainer.line)), None)
        if made is not None:
            name = one.facts.source.path.name
            why = f"its {made.role.name} is built in {name} (line {made.line})"
            return facts._replace(training=Training("none", f"{made.role.method}, built in {name}", why_not=why))
    return facts


def _honoured(
    code: str, outcome: Outcome, comments: list[Suppression], used: set[Suppression], suppressed: list[Suppressed]
) -> Outcome:
    if outcome.state != "fail":
        return outcome
    for comment in comments:
        if comment.covers(code, outcome.line, outcome.first_line, outcome.last_line):
            used.add(comment)
            if comment.reason:
                suppressed.append(Suppressed(code, outcome.line, comment.reason))
                return outcome._replace(
                    state="pass", text=f"suppressed at line {comment.line}: {comment.reason}", fix="", line=None
                )
    return outcome


def _finding(facts: Facts, rule: Rule, outcome: Outcome) -> Finding:
    file, line = facts.source.where(outcome.line)
    seen = None if outcome.mask else facts.source.excerpt(outcome.line)
    if outcome.at_launch and facts.launch is not None:
        file, line, seen = facts.launch.place, None, clean(outcome.seen, limit=200) or None
    return Finding(
        rule.CODE,
        outcome.severity or rule.SEVERITY,
        clean(outcome.text, limit=300),
        file,
        line,
        outcome.column,
        seen,
        clean(outcome.fix + _for_parsed(facts, outcome), limit=400),
    )


def _for_parsed(facts: Facts, outcome: Outcome) -> str:
    """Where to write a setting whose config is no call: the command line fills it."""
    parsed = any((one.lineno, one.col_offset + 1) == (outcome.line, outcome.column) for one in facts.script.parsed)
    return " (in the file of --config, or as an option: --NAME VALUE)" if parsed and outcome.fix else ""


def _unjudged(facts: Facts) -> list[tuple[int | None, str]]:
    judged, built = len(facts.trainers), facts.training.built
    if built <= judged:
        return []
    last = facts.trainers[-1].line
    return [(last, f"{built} trainers are built here: only the first {judged} were judged, up to line {last}")]


def _unknowns(answers: Answers) -> list[tuple[int | None, str]]:
    found = [
        (one.line, clean(one.text, limit=300)) for outcomes in answers.values() for one in outcomes if one.state == "unknown"
    ]
    return list(dict.fromkeys(found))


def _notes(facts: Facts, comments: list[Suppression], used: set[Suppression]) -> list[str]:
    found = []
    for comment in comments:
        codes = clean(",".join(sorted(comment.codes)), limit=60)
        if not comment.reason:
            found.append(
                f"{facts.source.place(comment.line)}: ignore[{codes}] is not honoured: it needs a reason behind the bracket"
            )
        elif comment not in used:
            found.append(f"{facts.source.place(comment.line)}: ignore[{codes}] suppresses nothing in this mode")
    return found
