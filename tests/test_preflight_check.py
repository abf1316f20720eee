"""preflight_check as a user meets it: a process, its exit codes, its output, and whatever may be handed to it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.context import read_context
from ml_intern_helpers.preflight.registry import all_rules
from support.helpers import ROOT, Outcome
from support.hub import Hub
from support.loopback import Answer
from support.training import training_python

Helper = Callable[..., Outcome]
SCHEMA = json.loads((ROOT / "docs/schemas/preflight_check.v1.json").read_text(encoding="utf-8"))
RECIPES = sorted((ROOT / "skills/ml-intern/recipes").glob("*.py"))
TRAINS = "from trl import SFTTrainer\ntrainer = SFTTrainer('m', train_dataset=rows)\ntrainer.train()\n"


def site_packages() -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([training_python(), "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]})


@pytest.mark.parametrize("mode", [(), ("--local",)], ids=["jobs", "local"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_our_recipes_pass_with_the_two_slots_to_fill(recipe: Path, mode: tuple[str, ...], helper: Helper) -> None:
    done = helper("preflight_check", str(recipe), *mode, "--json")
    answer = done.json
    jsonschema.validate(answer, SCHEMA)
    assert (done.code, answer["findings"]) == (0, [])
    assert [item["id"] for item in answer["checklist"] if item["state"] == "fill_in"] == ["reference", "dashboard"]
    assert not [item for item in answer["checklist"] if item["state"] in ("fail", "unknown")]
    assert answer["verdict"].startswith(f"PASS with 2 slots to fill: {recipe.name} (")


def test_what_a_recipe_decides_when_it_runs_is_said_so(helper: Helper) -> None:
    answer = helper("preflight_check", str(RECIPES[0].with_name("sft.py")), "--json").json
    states = {item["id"]: item for item in answer["checklist"]}
    assert states["push_to_hub"]["state"] == "set_at_run_time"
    assert states["push_to_hub"]["reason"].startswith("False by default: give --hub-id (sft.py:")
    assert states["timeout"]["evidence"].startswith('timeout = "4h" (sft.py:')
    assert answer["method"] == "SFT"
    assert "LoRA if" in answer["adapter"]


def test_text_form_has_verdict_checklist_findings_and_doubts(helper: Helper, tmp_path: Path) -> None:
    text = "from trl import SFTConfig, SFTTrainer\nconfig = SFTConfig(max_seq_length=8, **load())\n" + TRAINS.replace(
        "'m'", "'m', args=config"
    )
    done = helper("preflight_check", str(write(tmp_path, "train.py", text)), "--local")
    assert done.code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FAIL with ")
    assert "train.py (SFT; local)" in lines[0]
    assert any(line.startswith("API101 error ") and line.endswith("TypeError") for line in lines)
    assert "    fix:  write max_length=" in lines
    assert "what I could not tell:" in lines
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_text_form_says_each_thing_once(helper: Helper, tmp_path: Path) -> None:
    text = "from trl import SFTConfig, SFTTrainer\nconfig = SFTConfig(max_seq_length=8, disable_tqdm=False, evaluation_strategy='no')\n"
    done = helper(
        "preflight_check", str(write(tmp_path, "train.py", text + TRAINS.replace("'m'", "'m', args=config"))), "--local"
    )
    assert done.stdout.count("    seen: config = SFTConfig(") == 1
    assert "  [    FAIL] disable_tqdm=True: LOG101, below" in done.stdout.splitlines()
    assert done.stdout.count("disable_tqdm=False: the progress bar") == 1


def test_equal_doubts_are_counted(helper: Helper, tmp_path: Path) -> None:
    text = "from trl import SFTTrainer\n" + "SFTTrainer('m', args=config, train_dataset=rows).train()\n" * 3
    script = write(tmp_path, "train.py", text)
    doubt = "the script does not spell out the columns of its rows"
    assert f"  line 2: {doubt} (3 times)" in helper("preflight_check", str(script), "--local").stdout.splitlines()
    assert len([one for one in helper("preflight_check", str(script), "--json").json["unknowns"] if one["reason"] == doubt]) == 3


def test_a_finding_names_its_place(helper: Helper, tmp_path: Path) -> None:
    script = write(tmp_path, "train.py", TRAINS.replace("train_dataset=rows", "tokenizer=t"))
    answer = helper("preflight_check", str(script), "--json").json
    jsonschema.validate(answer, SCHEMA)
    found = next(one for one in answer["findings"] if one["code"] == "API101")
    assert (found["line"], found["column"], found["file"]) == (2, 37, str(script))
    assert found["evidence"] == "trainer = SFTTrainer('m', tokenizer=t)"


def test_a_token_is_found_and_never_printed(helper: Helper, tmp_path: Path) -> None:
    secret = "hf_" + "".join(random.Random(7).choices("abcdefghABCDEFGH0123456789", k=34))
    text = f'# /// script\n# [tool.hf-jobs]\n# env = {{ HF_TOKEN = "{secret}" }}\n# ///\nlogin("{secret}")\n{TRAINS}'
    for form in ("--json", "--text"):
        done = helper("preflight_check", str(write(tmp_path, "train.py", text)), form)
        assert "SEC101" in done.stdout
        assert secret not in done.stdout + done.stderr


def test_notebook(helper: Helper, tmp_path: Path) -> None:
    text = notebook(
        "%pip install trl trackio\n!nvidia-smi",
        "if x:\n    !ls\nfrom trl import SFTTrainer",
        "t = SFTTrainer('m', tokenizer=k)\nt.train()",
    )
    script = write(tmp_path, "train.ipynb", text)
    answer = helper("preflight_check", str(script), "--json").json
    jsonschema.validate(answer, SCHEMA)
    found = next(one for one in answer["findings"] if one["code"] == "API101")
    assert (found["file"], found["line"]) == (f"{script}[cell 3]", 1)
    assert "PKG101" not in {one["code"] for one in answer["findings"]}


def test_shell_lines_of_a_notebook_that_go_on_and_that_are_assigned(helper: Helper, tmp_path: Path) -> None:
    cells = (
        "!pip install trl \\\n    --upgrade \\\n    peft\nfiles = !ls\nx = %pwd",
        "from trl import SFTTrainer\nt = SFTTrainer('m', tokenizer=k)\nt.train()",
    )
    answer = helper("preflight_check", str(write(tmp_path, "train.ipynb", notebook(*cells))), "--json").json
    assert [(one["file"][-8:], one["line"]) for one in answer["findings"] if one["code"] == "API101"] == [("[cell 2]", 2)]


def test_cells_and_lines_that_a_magic_runs_as_python(helper: Helper, tmp_path: Path) -> None:
    cells = (
        "%%capture\nfrom trl import SFTTrainer",
        "%%bash\nt = SFTTrainer('m', shell=k)",
        "%%time\nt = SFTTrainer('m', tokenizer=k)\n%time t.train()",
    )
    answer = helper("preflight_check", str(write(tmp_path, "train.ipynb", notebook(*cells))), "--json").json
    assert answer["method"] == "SFT"
    assert [(one["line"], one["reason"][:8]) for one in answer["unknowns"]] == [(2, "[cell 3]")]
    assert [(one["file"][-8:], one["line"]) for one in answer["findings"] if one["code"] == "API101"] == [("[cell 3]", 2)]


def test_a_function_that_gets_the_trainer_hands_it_on(helper: Helper, tmp_path: Path) -> None:
    """`trainer = train_on_responses_only(trainer, …)`: the script holds a training."""
    text = "from trl import SFTTrainer\nfrom tools import wrapped\nt = SFTTrainer('m')\nt = wrapped(t, part='x')\nt.train()\n"
    assert helper("preflight_check", str(write(tmp_path, "train.py", text)), "--json").json["method"] == "SFT"


COULD_NOT_TELL = {
    "empty": ("train.py", b"", "is empty"),
    "blank": ("train.py", b"  \n\n", "is empty"),
    "binary": ("train.py", bytes(range(256)) * 20, "binary"),
    "a null byte": ("train.py", b"x = 1\n\0\n", "binary"),
    "a syntax error": ("train.py", b"x = 1\ndef f(:\n", "train.py:2:7: invalid syntax"),
    "not UTF-8": ("train.py", b"x = '\xe9'\n", "cannot be decoded"),
    "an unknown encoding": ("train.py", b"# -*- coding: klingon -*-\nx = 1\n", "unknown encoding: klingon"),
    "2 MB": ("train.py", b"x = 1\n" * 350_000, "too large"),
    "deep parentheses": ("train.py", b"(" * 50_000 + b")" * 50_000, "too many nested parentheses"),
    "deep minus": ("train.py", b"x = " + b"-" * 50_000 + b"1\n", "nested too deeply"),
    "a long sum": ("train.py", b"x = " + b"+".join([b"1"] * 20_000) + b"\n", "nested too deeply"),
    "a notebook that is none": ("train.ipynb", b"x = 1\n", "not a notebook"),
    "a notebook without code": ("train.ipynb", b'{"cells": []}', "is empty"),
    "a notebook with a syntax error": ("train.ipynb", notebook("x = 1", "y = 2\nz =").encode(), "cell 2, line 2"),
}


@pytest.mark.parametrize(("name", "data", "said"), COULD_NOT_TELL.values(), ids=COULD_NOT_TELL)
def test_what_cannot_be_read_is_never_a_pass(name: str, data: bytes, said: str, helper: Helper, tmp_path: Path) -> None:
    done = helper("preflight_check", str(write(tmp_path, name, data)), "--json")
    jsonschema.validate(done.json, SCHEMA)
    assert (done.code, done.json["status"]) == (3, "error")
    assert said in done.json["error"]["message"]
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2, "one line what, one line what next"


READABLE = {
    "a declared encoding": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + TRAINS.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + TRAINS.encode(),
    "Windows line ends": TRAINS.replace("\n", "\r\n").encode(),
    "old Mac line ends": TRAINS.replace("\n", "\r").encode(),
    "a form feed": b"x = 1\n\x0c\n" + TRAINS.encode(),
    "no newline at the end": TRAINS.rstrip().encode(),
    "identifiers of other alphabets": "größe = 1\n".encode() + TRAINS.encode(),
    "an invalid escape": b"pattern = '\\d'\n" + TRAINS.encode(),
    "values that double 80 times": ("x0 = 1\n" + "".join(f"x{i + 1} = x{i} + x{i}\n" for i in range(80)) + TRAINS).encode(),
    "dicts that double 80 times": (
        "x0 = {}\n" + "".join(f"x{i + 1} = {{**x{i}, **x{i}}}\n" for i in range(80)) + TRAINS
    ).encode(),
    "names bound to each other": ("a = b\nb = a\nd = {**d}\n" + TRAINS).encode(),
    "numbers without end": ("n = 10**10**9\nt = 'a' * 10**12\ns = 1 << 10**9\n" + TRAINS).encode(),
}


@pytest.mark.parametrize("data", READABLE.values(), ids=READABLE)
def test_what_python_reads_is_read(data: bytes, helper: Helper, tmp_path: Path) -> None:
    done = helper("preflight_check", str(write(tmp_path, "train.py", data)), "--local", "--json")
    jsonschema.validate(done.json, SCHEMA)
    assert (done.code, done.json["method"]) == (1, "SFT")
    assert done.stderr == ""


PARSED = """from trl import ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser
def main(script_args, training_args, model_args):
    trainer = SFTTrainer(model_args.model_name_or_path, args=training_args, train_dataset=rows)
    trainer.train()
if __name__ == "__main__":
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
    script_args, training_args, model_args = parser.parse_args_and_config()
    main(script_args, training_args, model_args)
"""


def test_options_of_a_trl_parser_are_settings_with_defaults(helper: Helper, tmp_path: Path) -> None:
    script = write(tmp_path, "train.py", PARSED)
    answer = helper("preflight_check", str(script), "--local", "--json").json
    jsonschema.validate(answer, SCHEMA)
    states = {item["id"]: item for item in answer["checklist"]}
    assert states["disable_tqdm"]["state"] == "set_at_run_time"
    assert "by default: give --disable_tqdm" in states["disable_tqdm"]["reason"]
    config = write(tmp_path, "c.json", '{"disable_tqdm": true, "evaluation_strategy": "no", "attn_implementation": "sdpa"}')
    done = helper("preflight_check", str(script), "--local", "--config", str(config), "--json")
    assert done.code == 1
    assert [one["code"] for one in done.json["findings"] if one["code"] in ("API101", "LOG101")] == ["API101"]
    assert {item["id"]: item["state"] for item in done.json["checklist"]}["disable_tqdm"] == "pass"


LOADS = """from datasets import load_dataset
from trl import SFTTrainer
rows = load_dataset("json", data_files="chat.jsonl", split="train")
{0}
trainer = SFTTrainer("m", train_dataset=rows)
trainer.train()
"""


@pytest.mark.slow
def test_the_real_columns_are_compared(helper: Helper, tmp_path: Path) -> None:
    data = write(tmp_path, "chat.jsonl", '{"question": "1 + 1?", "answer": "2"}\n' * 5)
    text = LOADS.replace("{0}", "rows = rows.map(lambda row: {'prompt': row['instruction'], 'completion': row['answer']})")
    script = write(tmp_path, "train.py", text.replace("chat.jsonl", str(data)))
    assert "DATA109" not in helper("preflight_check", str(script), "--local").stdout
    done = helper("preflight_check", str(script), "--local", "--dataset", str(data), "--json")
    jsonschema.validate(done.json, SCHEMA)
    found = [one for one in done.json["findings"] if one["code"] == "DATA109"]
    assert [(one["line"], "KeyError" in one["message"]) for one in found] == [(4, True)]
    assert "'instruction'" in found[0]["message"]
    assert "answer, question" in found[0]["message"]


def test_the_columns_line_has_the_inspectors_evidence(helper: Helper, tmp_path: Path) -> None:
    data = write(tmp_path, "chat.jsonl", '{"question": "1 + 1?", "answer": "2"}\n' * 5)
    script = write(tmp_path, "train.py", LOADS.replace("{0}", "").replace("chat.jsonl", str(data)))
    answer = helper("preflight_check", str(script), "--local", "--dataset", str(data), "--json").json
    item = next(one for one in answer["checklist"] if one["id"] == "columns")
    assert (item["state"], f"as inspect_dataset {data} finds them" in item["evidence"]) == ("pass", True)
    assert "DATA102" in {one["code"] for one in answer["findings"]}, "SFT reads none of these columns"


@pytest.mark.parametrize("options", [(), ("--offline",)], ids=["no network", "offline"])
def test_a_dataset_that_cannot_be_asked_stays_a_slot_with_the_reason(
    options: tuple[str, ...], helper: Helper, tmp_path: Path
) -> None:
    text = LOADS.replace("{0}", "").replace('"json", data_files="chat.jsonl"', '"me/chat"')
    script = write(tmp_path, "train.py", text)
    answer = helper("preflight_check", str(script), "--local", "--dataset", "auto", "--json", *options).json
    jsonschema.validate(answer, SCHEMA)
    item = next(one for one in answer["checklist"] if one["id"] == "columns")
    assert item["state"] == "fill_in"
    assert item["reason"].startswith("columns of me/chat: ")
    assert "no answer" not in item["reason"], "the inspector's own reason"
    assert any("columns of me/chat" in one["reason"] for one in answer["unknowns"])


MAPPED = "rows = rows.map(lambda row: {'prompt': row['KEY'], 'completion': row['answer']})"
#: Dataset -> (lines after the loading, state of the columns line, codes, what the unknowns say).
ON_THE_HUB = {
    "what is read is there": ("ada/chat", MAPPED.replace("KEY", "question"), "pass", set(), ""),
    "a column that is not": ("ada/chat", MAPPED.replace("KEY", "instruction"), "pass", {"DATA109"}, ""),
    "columns that SFT cannot use": ("ada/chat", "", "pass", {"DATA102"}, ""),
    "gated": ("ada/gated", "", "fill_in", set(), "columns of ada/gated: ada/gated is gated"),
    "no such id": ("ada/none", "", "fill_in", set(), "columns of ada/none: no dataset 'ada/none'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ON_THE_HUB)
def test_the_columns_of_the_hub(case: str, helper: Helper, tmp_path: Path, hub: Hub) -> None:
    hub.service.routes["/api/datasets"] = Answer([])
    rows = b'{"question": "1 + 1?", "answer": "2"}\n' * 5
    hub.add("dataset", "ada/chat", {"data.jsonl": rows})
    hub.add("dataset", "ada/gated", {"data.jsonl": rows}, gated="manual")
    name, lines, state, codes, said = ON_THE_HUB[case]
    text = LOADS.replace("{0}", lines).replace('"json", data_files="chat.jsonl"', f'"{name}"')
    script = write(tmp_path, "train.py", text)
    done = helper(
        "preflight_check", str(script), "--local", "--dataset", "auto", "--json", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token
    )
    assert {one["code"] for one in done.json["findings"] if one["code"].startswith("DATA")} == codes
    assert next(one for one in done.json["checklist"] if one["id"] == "columns")["state"] == state
    assert any(said in one["reason"] for one in done.json["unknowns"]) or not said


def test_without_dataset_nothing_is_asked_and_auto_opens_no_file(helper: Helper, tmp_path: Path) -> None:
    data = write(tmp_path, "chat.jsonl", '{"question": "a"}\n')
    script = write(tmp_path, "train.py", LOADS.replace("{0}", "").replace("chat.jsonl", str(data)))
    answer = helper("preflight_check", str(script), "--local", "--dataset", "auto", "--json").json
    assert any("names no Hub dataset" in one["reason"] for one in answer["unknowns"])


BAD_CONFIGS = {
    "missing": (None, "no config file"),
    "a list": (b"[1, 2]", "holds no settings"),
    "broken": (b"a: [1", "neither JSON nor YAML"),
    "binary": (b"\xff\xfe\x00", "not UTF-8"),
    "large": (b"a" * 300_000, "too large"),
    "a bomb of anchors": (
        b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
        "too large",
    ),
}


@pytest.mark.parametrize(("data", "said"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_config_that_cannot_be_read(data: bytes | None, said: str, helper: Helper, tmp_path: Path) -> None:
    script, config = write(tmp_path, "train.py", PARSED), tmp_path / "c.yaml"
    if data is not None:
        config.write_bytes(data)
    done = helper("preflight_check", str(script), "--config", str(config))
    assert (done.code, said in done.stderr) == (3, True)


def test_a_file_named_as_config_by_mistake_is_not_quoted(helper: Helper, tmp_path: Path) -> None:
    script = write(tmp_path, "train.py", PARSED)
    for name in ("c.yaml", "credentials"):
        secret = write(tmp_path, name, "key: [s3cr3tvalue\nother: }s3cr3tvalue")
        done = helper("preflight_check", str(script), "--config", str(secret))
        assert (done.code, "s3cr3tvalue" in done.stdout + done.stderr) == (3, False)


def test_a_config_that_nothing_reads_is_said_so(helper: Helper, tmp_path: Path) -> None:
    script, config = write(tmp_path, "train.py", TRAINS), write(tmp_path, "c.json", "{}")
    assert "c.json is read by nothing" in helper("preflight_check", str(script), "--config", str(config), "--json").stdout


def test_missing_file_folder_and_pipe(helper: Helper, tmp_path: Path) -> None:
    write(tmp_path, "train.py", TRAINS)
    done = helper("preflight_check", str(tmp_path / "trian.py"))
    assert (done.code, done.stderr.splitlines()[1]) == (3, f"  next: did you mean {tmp_path / 'train.py'}?")
    done = helper("preflight_check", str(tmp_path))
    assert (done.code, "is a folder" in done.stderr, "train.py" in done.stderr) == (3, True, True)
    os.mkfifo(tmp_path / "pipe.py")
    assert helper("preflight_check", str(tmp_path / "pipe.py")).code == 3
    assert helper("preflight_check", "x" * 300 + ".py").code == 3
    assert helper("preflight_check", str(tmp_path / "none/train.py")).code == 3
    inside_a_file = helper("preflight_check", str(tmp_path / "train.py/inner.py"))
    assert (inside_a_file.code, "cannot read" in inside_a_file.stderr) == (3, True)


@pytest.mark.parametrize("arguments", [(), ("--explain", "XYZ999"), ("a.py", "--lokal"), ("a.py", "b.py")])
def test_wrong_usage(arguments: tuple[str, ...], helper: Helper) -> None:
    done = helper("preflight_check", *arguments)
    assert (done.code, done.stdout) == (2, "")


@pytest.mark.training
def test_the_scripts_of_trl_itself_give_no_api_finding() -> None:
    """At their own release: the training environment's, which is the shipped one."""
    folder = site_packages() / "trl/scripts"
    scripts = [path for path in sorted(folder.glob("*.py")) if path.stat().st_size]
    assert len(scripts) > 8
    for script in scripts:
        facts = read_context(read_source(script), "jobs")
        found = [one.text for code, rule in all_rules().items() if code.startswith("API") for one in rule.check(facts)]
        assert found == [], script.name


def test_explain(helper: Helper) -> None:
    done = helper("preflight_check", "--explain", "api101")
    assert done.code == 0
    assert done.stdout.startswith("API101 (error; jobs, local): ")
    assert "Bad:" in done.stdout
    assert "Good:" in done.stdout
    jsonschema.validate(helper("preflight_check", "--explain", "LOG101", "--json").json, SCHEMA)


def test_help_has_two_examples_and_the_exit_codes(helper: Helper) -> None:
    text = helper("preflight_check", "--help").stdout
    assert text.count("preflight_check train.py") == 2
    assert "exit codes" in text


def test_hostile_text_in_a_script_stays_text(helper: Helper, tmp_path: Path) -> None:
    text = TRAINS.replace("'m', ", "'m', tokenizer='\x1b[31m\u202eevil\u2066', ")
    done = helper("preflight_check", str(write(tmp_path, "tr\x1b[2Jain.py", text)))
    assert done.code == 1
    assert not {"\x1b", "\u202e", "\u2066"} & set(done.stdout + done.stderr)


def test_only_the_standard_library_is_imported(tmp_path: Path) -> None:
    """The launcher starts it with whatever Python is there, no environment built."""
    script = write(tmp_path, "train.py", TRAINS)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from ml_intern_helpers.cli import commands as cli\n"
        "cli.main('preflight_check', [sys.argv[2], '--json'])\n"
        "tops = {name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'ml_intern_helpers', '__main__'}\n"
        "sys.exit(', '.join(sorted(name for name in tops if not name.startswith('_'))) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, ROOT / "src", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


#: Modules of ours that a check of an ordinary script may load (154 do, most of them rules); each costs a third of a millisecond.
MOST_LOADED = 160
#: Slow to load (with what they load in their turn), and of no use to such an answer.
HEAVY = {
    *("asyncio", "concurrent", "dataclasses", "difflib", "email", "hashlib", "http", "inspect", "logging", "multiprocessing"),
    *("random", "shutil", "socket", "ssl", "subprocess", "tempfile", "tokenize", "traceback", "unittest", "xml", "zipfile"),
    *("importlib.metadata", "importlib.resources", "urllib.request"),
}
LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
import argparse, ast, json, pathlib, typing
argparse.ArgumentParser().add_argument("--name")
own = set(sys.modules)  # what these load by themselves differs from one Python to the next
from ml_intern_helpers.cli import commands as cli
cli.main(sys.argv[2], sys.argv[3:])
print(*sorted(set(sys.modules) - own), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("command", "most"),
    [
        pytest.param(["preflight_check", "skills/ml-intern/recipes/sft.py", "--local"], MOST_LOADED, id="local"),
        pytest.param(["preflight_check", "skills/ml-intern/recipes/sft.py", "--json"], MOST_LOADED, id="jobs"),
        pytest.param(["api_lookup", "SFTConfig"], 30, id="api_lookup"),
    ],
)
def test_an_answer_loads_little(command: list[str], most: int) -> None:
    """Most of the time of so short a process goes into imports; unlike milliseconds, they count the same on every machine."""
    run = [sys.executable, "-I", "-S", "-c", LOADED, str(ROOT / "src"), *command]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()[-1].split()
    assert HEAVY & set(loaded) == set()
    assert 10 < sum(name.startswith("ml_intern_helpers") for name in loaded) <= most


def test_rules_load_what_they_compare_with_only_where_it_is(tmp_path: Path) -> None:
    """Without an agreement or a launch nothing that reads one is loaded; with one it is."""
    write(tmp_path, "train.py", TRAINS)

    def loaded(*more: str) -> set[str]:
        run = [sys.executable, "-I", "-S", "-c", LOADED, str(ROOT / "src"), "preflight_check", *more]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
        return set(done.stderr.splitlines()[-1].split())

    agreement = {"ml_intern_helpers.runs.contract", "ml_intern_helpers.preflight.agreement"}
    launch = {"ml_intern_helpers.launches.words", "ml_intern_helpers.launches.launch"}
    assert (agreement | launch) & loaded("train.py") == set()
    assert launch <= loaded("--launch", "python train.py")
    (tmp_path / ".ml-intern").mkdir()
    write(tmp_path / ".ml-intern", "task.json", "{}")
    assert agreement <= loaded("train.py")


SECRETS = {
    "a password list": "root:*:19000:0:99999:7:::\n",
    "a hash": "root:$6$Zk3nVbQx$9aLwEr0tYu:19000:0:99999:7:::\n",
    "a token": "HF_TOKEN hf_" + "abcdefghABCDEFGH0123456789" + "abcdefgh\n",
    "a text in quotes": 'password = "correct horse\n',
    "a key in base64": "x = 1\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ AAAAB3NzaC1yc2E\n",
}
HIDDEN = ("*:19000", "Zk3nVbQx", "9aLwEr0tYu", "ABCDEFGH", "horse", "b3Blbn")


@pytest.mark.parametrize("name", ["shadow", "notes.txt", "key.pem", "a.env"])
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_file_of_another_kind_is_not_read(name: str, text: str, helper: Helper, tmp_path: Path) -> None:
    done = helper("preflight_check", str(write(tmp_path, name, text)), "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "bad-data")
    assert "is not a Python script" in done.json["error"]["message"]
    assert not [part for part in HIDDEN if part in done.stdout + done.stderr]


@pytest.mark.parametrize("text", list(SECRETS.values())[1:], ids=list(SECRETS)[1:])
def test_a_line_that_does_not_parse_is_quoted_without_secrets(text: str, helper: Helper, tmp_path: Path) -> None:
    done = helper("preflight_check", str(write(tmp_path, "train.py", text)), "--json")
    assert done.code == 3
    assert "syntax error at" in done.json["error"]["message"]
    assert not [part for part in HIDDEN if part in done.stdout + done.stderr]


def test_a_line_that_does_not_parse_is_quoted(helper: Helper, tmp_path: Path) -> None:
    text = "config = SFTConfig(per_device_train_batch_size=8, output_dir='out' lr=3)\n" + "x" * 10
    said = helper("preflight_check", str(write(tmp_path, "train.py", text)), "--json").json["error"]["message"]
    assert "in `config = SFTConfig(per_device_train_batch_size=8, output_dir='…' lr=3)`" in said
    said = helper("preflight_check", str(write(tmp_path, "train.py", f"x = = {'y + ' * 80}1\n")), "--json").json["error"][
        "message"
    ]
    assert len(said.partition(" in `")[2]) <= 81


def test_nothing_behind_a_link_to_another_kind_is_quoted(helper: Helper, tmp_path: Path) -> None:
    link = tmp_path / "train.py"
    link.symlink_to(write(tmp_path, "notes", "short words\n"))
    said = helper("preflight_check", str(link), "--json").json["error"]["message"]
    assert "train.py:1:" in said
    assert "short" not in said


def test_what_the_header_says_stays_on_its_line(helper: Helper, tmp_path: Path) -> None:
    jobs = (
        'flavor = "a\\u202e\\nPASS"',
        'timeout = "1\\u009bh"',
        'labels = { "k\\u001b[2J" = "v\\nw" }',
        'volumes = ["a\\u2066:\\n/b"]',
        'env = ["A=verysecret"]',
        f"python = 0x{'f' * 6000}",
        f"image = {'[' * 40}{']' * 40}",
    )
    text = "# /// script\n# [tool.hf-jobs]\n" + "".join(f"# {line}\n" for line in jobs) + f"# ///\n{TRAINS}"
    done = helper("preflight_check", str(write(tmp_path, "train.py", text)), "--json")
    jsonschema.validate(done.json, SCHEMA)
    assert done.code == 1
    shown = done.json["header"]["hf_jobs"]
    assert {key: shown[key] for key in ("flavor", "labels", "volumes", "env", "python")} == {
        "flavor": "a PASS",
        "labels": {"k": "v w"},
        "volumes": ["a: /b"],
        "env": [],
        "python": "…",
    }
    assert not {"\x1b", "\x9b", "\u202e", "\u2066"} & set(done.stdout)
    assert "verysecret" not in done.stdout


HUGE = {
    "a setting": f"X = 0x{'f' * 6000}\nconfig = SFTConfig(push_to_hub=X, max_steps=X, logging_steps=-X, report_to=[X])\n",
    "in a text": f"X = 0x{'f' * 6000}\nconfig = SFTConfig(output_dir=f'{{X}}', run_name=str(X), push_to_hub=0x{'f' * 6000})\n",
    "in a dict": f"config = SFTConfig(**{{'push_to_hub': 0x{'f' * 6000}, 'seed': {{0x{'f' * 6000}: 1}}}})\n",
    "in the header": f"# /// script\n# x = {'9' * 5000}\n# ///\nconfig = SFTConfig()\n",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_number_too_long_to_print_is_no_bug_of_ours(text: str, helper: Helper, tmp_path: Path) -> None:
    text += "from trl import SFTConfig, SFTTrainer\ntrainer = SFTTrainer('m', args=config)\ntrainer.train()\n"
    done = helper("preflight_check", str(write(tmp_path, "train.py", text)), "--json")
    jsonschema.validate(done.json, SCHEMA)
    assert done.code == 1
    assert "Traceback" not in done.stderr


def many(count: int, line: str) -> str:
    return "from trl import SFTConfig, SFTTrainer\n" + "".join(line.replace("{i}", str(i)) + "\n" for i in range(count))


MANY = {
    "never started": many(4000, "x=SFTTrainer(model='m',args=SFTConfig(output_dir='o{i}'))"),
    "started": many(4000, "x{i}=SFTTrainer('m',args=SFTConfig())\nx{i}.train()"),
    "of Lightning": "import lightning as L\n" + many(7000, "L.Trainer(max_epochs={i})"),
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY)
def test_many_trainers_take_no_more_than_each_its_share(text: str, tmp_path: Path) -> None:
    """Processor time, so that a busy machine changes nothing; asked pairwise these took 20 s and more."""
    code = (
        "import sys, time\n"
        "from ml_intern_helpers.cli import commands as cli\n"
        "from ml_intern_helpers.core import cpu_limit\n"
        "cpu_limit.MOST_CPU_S = 60\n"
        "cli.main('preflight_check', [sys.argv[1], '--json'])\n"
        "sys.exit(0 if time.process_time() < 3 else f'{time.process_time():.1f} s')\n"
    )
    path = write(tmp_path, "train.py", text)
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT / "src")}
    )
    assert done.returncode == 0, done.stderr[-300:]


def test_trainers_beyond_the_limit_are_said_not_to_be_judged(helper: Helper, tmp_path: Path) -> None:
    script = write(tmp_path, "train.py", many(60, "x{i}=SFTTrainer('m')\nx{i}.train()"))
    answer = helper("preflight_check", str(script), "--local", "--json").json
    said = "60 trainers are built here: only the first 50 were judged, up to line 100"
    assert answer["unknowns"][0] == {"line": 100, "reason": said}
    assert "first 50 of 60 trainers" in answer["verdict"]
    assert said in helper("preflight_check", str(script), "--local").stdout
    fifty = helper("preflight_check", str(write(tmp_path, "fifty.py", many(50, "x{i}=SFTTrainer('m')\nx{i}.train()"))), "--json")
    assert "trainers" not in fifty.json["verdict"]


def test_a_check_that_would_not_end_is_given_up(tmp_path: Path) -> None:
    """The last resort, for the superlinear step nobody knows yet: here a rule that never returns."""
    code = (
        "import sys\n"
        "from ml_intern_helpers.cli import commands as cli\n"
        "from ml_intern_helpers.preflight import examine, registry\n"
        "def check(context):\n"
        "    while True: pass\n"
        "endless = registry.Rule('LOG106', 'warning', ('jobs',), 'A rule without an end.', check)\n"
        "examine.rules_for = lambda context: {'LOG106': endless}\n"
        "sys.exit(cli.main('preflight_check', [sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, write(tmp_path, "train.py", TRAINS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "train.py is too large to judge: given up after 1.4 s" in done.stderr
    assert len(done.stderr.splitlines()) == 2
