"""Every rule on scripts that have the fault, scripts that only look so, and scripts that do not tell.

`cases/*.cases` hold scripts between `# case: reason` lines. `# expect: CODE` stands on the line of the finding,
`# expect-anywhere: CODE` anywhere, `# unknown: text` names what must be said under "what I could not tell", and
`# agreed: …` is an entry of the task file beside the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.context import read_context
from ml_intern_helpers.preflight.registry import all_rules
from support.agreement import write_agreement

FOLDER = Path(__file__).parent / "cases"


class Case(NamedTuple):
    """One script with what must be found in it."""

    about: str
    text: str
    expected: set[tuple[str, int]]
    anywhere: set[str]
    unknown: str


def cases() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.cases")):
        for part in path.read_text(encoding="utf-8").split("# case: ")[1:]:
            about, _, text = part.partition("\n")
            lines = text.splitlines()
            expected = {
                (code.strip(), number)
                for number, line in enumerate(lines, start=1)
                for found in re.findall(r"expect: ([A-Z0-9]+(?:, [A-Z0-9]+)*)", line)
                for code in found.split(",")
            }
            anywhere = set(re.findall(r"expect-anywhere: ([A-Z0-9]+)", text))
            unknown = next(iter(re.findall(r"^# unknown: (.*)$", text, re.MULTILINE)), "")
            yield Case(f"{path.stem}: {about}", text, expected, anywhere, unknown)


CASES = list(cases())


def examined(path: Path, mode: str) -> tuple[set[tuple[str, int | None]], list[str]]:
    """Findings and unknowns, also of scripts that hold no training: a rule must not depend on it."""
    facts = read_context(read_source(path), mode)
    outcomes = [(code, one) for code, rule in all_rules().items() if mode in rule.modes for one in rule.check(facts)]
    informing = {code for code, rule in all_rules().items() if rule.severity == "info"}
    told = [(code, one) for code, one in outcomes if one.state == "fail" and (one.severity != "info" or code in informing)]
    findings = {(code, one.line) for code, one in told}
    return findings, [one.text for _, one in outcomes if one.state == "unknown"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "train.py"
    script.write_text(case.text, encoding="utf-8")
    write_agreement(tmp_path, case.text)
    monkeypatch.chdir(tmp_path)
    findings, unknowns = examined(script, "jobs")
    judged = judged_codes(case)
    assert judged, "a case that judges nothing proves nothing"
    assert {found for found in findings if found[0] in judged and found[0] not in case.anywhere} == case.expected
    assert case.anywhere <= {code for code, _ in findings}
    if case.unknown:
        assert any(case.unknown in text for text in unknowns), unknowns


def judged_codes(case: Case) -> set[str]:
    """A case judges the codes it names, by its file (`api101`), its title (`DATA105: …`), or its expectations."""
    named = {case.about.split(":")[0].upper()} | set(re.findall(r"\b([A-Z]{2,6}[0-9]{3})\b", case.about))
    named |= {code for code, _ in case.expected} | case.anywhere
    if "LAUNCH:" in case.about:
        named |= {"LAUNCH102", "LAUNCH103", "LAUNCH104"}
    return named & set(all_rules())


def test_each_rule_has_a_case_that_fires_and_one_that_looks_alike() -> None:
    checklist = {code for code in all_rules() if code.startswith(("SAVE", "LOG", "LAUNCH101", "PKG103"))}  # test_checklist's
    checklist |= {code for code in all_rules() if code > "LAUNCH104" and code.startswith("LAUNCH")}  # launch/test_rules' cases
    fired = {code for case in CASES for code, _ in case.expected} | {code for case in CASES for code in case.anywhere}
    silent = {code for case in CASES if not case.expected and not case.anywhere for code in judged_codes(case)}
    assert fired >= set(all_rules()) - checklist
    assert silent >= set(all_rules()) - checklist


def test_each_rule_has_a_case_that_cannot_be_told() -> None:
    """Quiet, "unknown" or "set at run time": what a script does not tell is never a finding."""
    elsewhere = {
        code for code in all_rules() if code.startswith(("LOG", "SAVE10", "LAUNCH", "PKG103", "SCOPE109"))
    }  # test_checklist, launch/; a task file is there or not
    elsewhere -= {"SAVE105", "SAVE106", "SAVE107", "SAVE109"}
    doubtful = {code for case in CASES if case.unknown or "cannot be told" in case.about for code in judged_codes(case)}
    assert doubtful >= set(all_rules()) - elsewhere
