"""Every file, command, agent and option a text names exists; every file is named; nothing is said that the client would mangle."""

from __future__ import annotations

import functools
import importlib
import json
import re
import tempfile
from pathlib import Path

import jsonschema
import pytest

from knowledge.documents import AGENTS, ALL, COMMANDS, ENTRIES, REFERENCES, SKILL, SKILL_MD, blocks, body, frontmatter, label
from ml_intern_helpers.cli import commands
from support.helpers import ROOT, run_helper

NAMES = {frontmatter(path)["name"] for path in ENTRIES}


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_plugin_paths_exist(path: Path) -> None:
    """`NAME.sh` stands for any helper."""
    for found in re.findall(r"\$\{CLAUDE_PLUGIN_ROOT\}/([\w./{},-]+)", body(path)):
        for name in _braces(found.replace("NAME.sh", "detect_compute.sh").rstrip(".")):
            assert (ROOT / name).exists(), f"{path.name} names {name}"


def _braces(text: str) -> list[str]:
    """`a/{b,c}.py` -> both."""
    found = re.search(r"\{([^}]*)\}", text)
    return [text.replace(found[0], part) for part in found[1].split(",")] if found else [text]


@pytest.mark.parametrize("path", ALL, ids=label)
def test_files_of_the_skill_exist(path: Path) -> None:
    """recipes/…, references/… and the references that name each other as `workflow.md`."""
    text = body(path)
    for found in re.findall(r"(?<![\w/}])((?:recipes|references)/[\w{},-]+\.(?:py|md))", text):
        assert all((SKILL / name).is_file() for name in _braces(found)), found
    for name in re.findall(r"(?<![\w/.-])([a-z-]+\.md)\b", text):
        assert (SKILL / "references" / name).is_file() or name in ("plan.md",), f"{path.name} names {name}"


@pytest.mark.parametrize("path", ALL, ids=label)
def test_named_commands_and_agents_exist(path: Path) -> None:
    text = body(path)
    named = re.findall(r"/(ml-[a-z-]+)\b(?![/.])", text.replace("skills/ml-intern", "")) + re.findall(
        r"ml-intern:([a-z-]+)", text
    )
    assert set(named) <= NAMES, set(named) - NAMES


@pytest.mark.parametrize("path", ALL, ids=label)
def test_agents_are_called_by_their_full_name(path: Path) -> None:
    """The client refuses the bare name of a plugin's agent."""
    for name in (frontmatter(agent)["name"] for agent in AGENTS):
        assert not re.search(rf"(?<![\w:/-]){name}(?!\.md)", body(path)) or path.stem == name, f"{path.name}: {name}"


@pytest.mark.parametrize("reference", REFERENCES, ids=label)
def test_no_orphans(reference: Path) -> None:
    """SKILL.md routes to each reference by name and trigger."""
    routing = SKILL_MD.read_text(encoding="utf-8").partition("## Read when")[2]
    assert re.search(rf"(?<![\w-]){reference.stem}: \w", routing)


@pytest.mark.parametrize("helper", sorted(commands.COMMANDS))
def test_each_helper_is_taught(helper: str) -> None:
    assert f"`{helper}" in SKILL_MD.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ALL, ids=label)
def test_helpers_take_the_options_named(path: Path) -> None:
    """Each `helper … --option` in backticks or a table, against the helper's own parser."""
    for helper, rest in re.findall(rf'`[^`\n]*?\b({"|".join(commands.COMMANDS)})(?:\.sh"?)?( [^`\n]*)?`', body(path)):
        options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", rest))
        assert options <= _options(helper), f"{path.name}: {helper} {options - _options(helper)}"


@functools.cache
def _options(helper: str) -> set[str]:
    home = Path(tempfile.mkdtemp())
    subcommands = getattr(importlib.import_module(commands.COMMANDS[helper]), "SUBCOMMANDS", {})
    usage = "".join(run_helper(helper, *name.split(), "--help", home=home).stdout for name in ("", *subcommands))
    assert "--json" in usage, "the helper's own help must be there"
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", usage))


@pytest.mark.parametrize("path", ALL, ids=label)
def test_references_need_no_expansion(path: Path) -> None:
    """The client expands variables in skill, command and agent bodies only; and `$1` there is the SECOND argument."""
    text = body(path)
    if path in REFERENCES:
        assert "${" not in text
        return
    assert not re.search(r"(?<!\\)\$\d", text)
    assert set(re.findall(r"\$\{?(\w+)\}?", text)) <= {"CLAUDE_PLUGIN_ROOT", "ARGUMENTS"}
    assert not re.search(r"(?m)(^|\s)!`", text), "a failing `!` line ends the command before the model sees it"


@pytest.mark.parametrize("path", COMMANDS, ids=label)
def test_arguments_are_fenced_in(path: Path) -> None:
    text = body(path)
    assert text.count("$ARGUMENTS") == 1
    assert "<request>\n$ARGUMENTS\n</request>" in text


@pytest.mark.parametrize("path", [*COMMANDS, *AGENTS, SKILL_MD], ids=label)
def test_strangers_text_is_called_data(path: Path) -> None:
    assert re.search(r"\bdata\b.*(never|not|no) |strangers' text", body(path))


@pytest.mark.parametrize("path", ENTRIES, ids=label)
def test_paths_are_quoted_where_they_are_run(path: Path) -> None:
    """Plugins live under folders with spaces."""
    for found in re.findall(r'`([^`\n]*\$\{CLAUDE_PLUGIN_ROOT\}/[^`\n]*(?:\.sh|launch")[^`\n]*)`', body(path)):
        assert re.search(r'"\$\{CLAUDE_PLUGIN_ROOT\}[^"]*"', found), found


def test_the_task_template_is_the_contract() -> None:
    schema = json.loads((ROOT / "docs/schemas/task.v1.json").read_text(encoding="utf-8"))
    template = next(block.text for block in blocks(SKILL / "references/workflow.md", "json") if "ml-intern/task/v1" in block.text)
    jsonschema.Draft202012Validator(schema).validate(json.loads(template))
    for missing in schema["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in json.loads(template).items() if k != missing}, schema)


@pytest.mark.parametrize("path", ALL, ids=label)
def test_json_blocks_parse(path: Path) -> None:
    """One object, or one per line."""
    for block in blocks(path, "json"):
        try:
            json.loads(block.text)
        except ValueError:
            assert all(isinstance(json.loads(line), dict) for line in block.text.splitlines()), block.where


def test_headless_rules_name_what_would_hang() -> None:
    text = (SKILL / "references/headless-mode.md").read_text(encoding="utf-8")
    for word in ("AskUserQuestion", "ScheduleWakeup", "run_in_background: false", "CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS=0"):
        assert word in text


@pytest.mark.parametrize("slot", [
    "reference implementation", "columns confirmed", "push_to_hub=True", "hub_model_id", "disable_tqdm=True", 'logging_strategy="steps"', "logging_first_step=True",
    "timeout", "Trackio", "dashboard URL", "every non-default package",
])  # fmt: skip
def test_the_checklist_has_its_slots(slot: str) -> None:
    checklist = next(block.text for block in blocks(SKILL_MD) if "[ ]" in block.text)
    assert slot in checklist


@pytest.mark.parametrize("key", [
    "method", "adapter", "base model", "datasets", "max_length", "effective batch", "tracking", "hub id", "visibility", "where", "account", "spend cap", "deadline",
])  # fmt: skip
def test_the_contract_is_named_in_the_skill(key: str) -> None:
    agreed = SKILL_MD.read_text(encoding="utf-8").partition("**Agree**")[2].partition("**Research**")[0]
    assert key in agreed
