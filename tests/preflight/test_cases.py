"""Every rule on scripts and command lines that have the fault, that only look so, and that do not tell.

`cases/CODE.cases` belongs to one rule, and only that rule is judged by it. It holds scripts between `# case: reason` lines; one
that begins with `$ ` is a command line that starts the SFT recipe as train.py. In a case

- `# expect: CODE` stands on the line of the finding, `# expect-anywhere: CODE` anywhere;
- `# unknown: text` names what the rule must give as a reason for not knowing;
- `# agreed: …` is an entry of the task file beside the script, `# file: name` an empty file (`name/`: a folder) beside it.

`# always known: reason` before the first case says why none of them "cannot be told".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.launches.find import launches_of
from ml_intern_helpers.preflight.context import read_context
from ml_intern_helpers.preflight.examine import examine
from ml_intern_helpers.preflight.launch_check import examine_launches
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.registry import all_rules
from support.agreement import write_agreement
from support.helpers import ROOT

FOLDER = Path(__file__).parent / "cases"


class Case(NamedTuple):
    """One script with what its rule must find in it."""

    code: str
    about: str
    text: str

    @property
    def expected(self) -> set[int]:
        """The lines of the findings."""
        lines = self.text.splitlines()
        return {number for number, line in enumerate(lines, start=1) if re.search(rf"expect: {self.code}\b", line)}

    @property
    def anywhere(self) -> bool:
        return f"expect-anywhere: {self.code}" in self.text

    @property
    def unknown(self) -> str:
        return next(iter(re.findall(r"# unknown: (.*)$", self.text, re.MULTILINE)), "")


def cases() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.cases")):
        for part in path.read_text(encoding="utf-8").split("# case: ")[1:]:
            about, _, text = part.partition("\n")
            yield Case(path.stem.upper(), about, text)


CASES = list(cases())


def outcomes(case: Case, folder: Path) -> list[Outcome]:
    """What the case's rule says of it; also of a script that holds no training, because a rule must not depend on that."""
    script, rule = folder / "train.py", all_rules()[case.code]
    if case.text.startswith("$ "):
        recipe = (ROOT / "skills/ml-intern/recipes/sft.py").read_text(encoding="utf-8")
        script.write_text(recipe[recipe.index("# ///\n") + 6 :], encoding="utf-8")
        command = re.sub(r"  # (?:expect|unknown).*", "", case.text.removeprefix("$ "))
        return [
            one for judged in examine_launches(launches_of(command, folder)) for one in rule.check(judged.examination.context)
        ]
    examine(read_source(script), "jobs")  # no other rule fails on it
    return list(rule.check(read_context(read_source(script), rule.modes[0])))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.about}")
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").write_text(case.text, encoding="utf-8")
    write_agreement(tmp_path, case.text)
    for name in re.findall(r"^# file: (.*)$", case.text, re.MULTILINE):
        path = tmp_path / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    monkeypatch.setenv("HF_TOKEN", "a token that this machine has")
    monkeypatch.chdir(tmp_path)
    found = outcomes(case, tmp_path)
    informs = all_rules()[case.code].severity == "info"
    failures = [one for one in found if one.state == "fail" and (one.severity != "info" or informs)]
    if case.anywhere:
        assert failures
    else:
        assert {one.line for one in failures} == case.expected
    if case.unknown:
        reasons = [one.text for one in found if one.state == "unknown"]
        assert any(case.unknown in reason for reason in reasons), reasons


@pytest.mark.parametrize("code", all_rules())
def test_a_rule_has_cases_that_fire_look_alike_and_cannot_be_told(code: str) -> None:
    """What a script does not tell is never a finding."""
    own = [case for case in CASES if case.code == code]
    assert [case for case in own if case.expected or case.anywhere]
    assert [case for case in own if not case.expected and not case.anywhere]
    always_known = (FOLDER / f"{code.lower()}.cases").read_text(encoding="utf-8").startswith("# always known: ")
    assert always_known or [case for case in own if case.unknown or "cannot be told" in case.about]


def test_cases_belong_to_rules() -> None:
    assert {case.code for case in CASES} <= set(all_rules())
