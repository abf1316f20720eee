"""Launches whose script, or whole command, only the shell knows: paid ones are asked about, others pass with a word, no others speak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guard.command_lines import HARMLESS, lines
from guard.project import JOB, Project
from support.helpers import ROOT, clean_environment

ID = "687fb701029421ae5549d998"
SUBMITTED = f"id={ID} name=train-1 url=https://huggingface.co/jobs/ada/{ID}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.write("cmd", JOB)
    found.write("Makefile", "train:\n\tpython train.py\nclean:\n\trm -rf data\n")
    found.write("prepare.py", "print('rows')\n")
    found.write("setup.sh", "pip install trl\n$PIP install peft\n")
    return found


#: Paid for certain, or perhaps: asked, whether a task is open or not.
PAID = {
    "script-in-a-variable": JOB.replace("train.py", "$SCRIPT"),
    "which-job-command": "hf jobs $WHAT",
    "which-uv-command": "hf jobs uv $WHAT train.py",
    "which-command-at-all": "hf $WHAT",
    "scripts-read-by-xargs": f"ls *.py | xargs -n1 {JOB.replace('train.py', '')}",
    "scripts-put-in-by-xargs": "ls *.py | xargs -I{} " + JOB.replace("train.py", "{}"),
    "often-by-xargs": f"seq 9 | xargs -n1 {JOB} --seed",
    "often-with-a-mark": f"seq 9 | xargs -I{{}} {JOB} --seed={{}}",
    "often-in-a-shell": f"seq 9 | xargs -I{{}} bash -c '{JOB} --seed {{}}'",
    "by-parallel": f"parallel {JOB.replace('train.py', '')} ::: a.py b.py",
    "command-of-the-image": "hf jobs run --flavor a10g-large --timeout 3h python:3.12 $CMD",
    "shell-of-the-image": 'hf jobs run --flavor a10g-large --timeout 3h python:3.12 bash -c "$CMD"',
}
#: On this machine: passes, and Claude reads why it was not checked.
LOCAL = {
    "script-in-a-variable": ("python $SCRIPT", "which script: `$SCRIPT` is set outside"),
    "module-in-a-variable": ("python -m $MODULE", "`$MODULE` is set outside"),
    "loop": ("for f in runs/*.py; do python $f; done", "`$f` changes in the loop"),
    "xargs": ("ls *.py | xargs python", "what xargs reads"),
    "xargs-with-a-mark": ("ls *.py | xargs -I F python F", "what xargs reads"),
    "distributed": ("torchrun --nproc-per-node 2 $SCRIPT", "which script"),
    "in-the-background": ("nohup accelerate launch $SCRIPT > log 2>&1 &", "which script"),
    "uv": ("uv run $SCRIPT", "which script"),
    "trl": ("trl $METHOD", "`$METHOD` is set outside"),
    "two": ("python $A; python $B", "and 1 more"),
}
#: Nothing at all is known of these.
HIDDEN = {
    "variable": "$CMD",
    "quoted": '"$CMD"',
    "array": '"${CMD[@]}"',
    "with-more-of-them": "timeout 3h $CMD $ARGS",
    "file": "$(cat cmd)",
    "file-without-cat": "$(< cmd)",
    "backticks": "`cat cmd`",
    "eval": 'eval "$CMD"',
    "eval-of-a-file": 'eval "$(cat cmd)"',
    "text-for-a-shell": 'bash -c "$CMD"',
    "behind-others": "cd . && $CMD",
    "in-a-loop": "for i in 1 2; do $CMD; done",
}
#: Looks like them, and is everyday work: not a word, also under an open task that allows money.
ORDINARY = """
$HOME/bin/pip install trl
"$VENV/bin/pip" install trl
$(which nvidia-smi) -L
eval "$(ssh-agent -s)"
eval "$(conda shell.bash hook)"
source $VENV/bin/activate
. "$HOME/.bashrc"
cd "$DIR" && ls
X=$(cat notes)
echo $X
echo "$(cat cmd)"
cat $FILE
hf download $MODEL
hf upload $REPO out
hf auth login --token $TOKEN
hf jobs logs $JOB
hf jobs cancel $JOB
hf jobs ps -q | xargs hf jobs wait
hf jobs ps -q | xargs -n1 hf jobs inspect
ls | xargs rm -f
ls *.py | xargs grep -n train
ls *.py | xargs -n1 python -m py_compile
ls *.py | xargs ruff check
find . -name '*.py' | xargs -I{} cp {} out/
parallel gzip ::: a b
for f in *.py; do wc -l $f; done
curl -LsSf https://astral.sh/uv/install.sh | sh
$CC -o x x.c
$EDITOR notes.md
test -f $FILE && echo yes
[ -z "$CMD" ] && echo none
if [ -n "$CMD" ]; then echo "$CMD"; fi
python missing.py
bash setup.sh
srun --pty bash
"""


@pytest.mark.parametrize("name", PAID)
def test_what_costs_and_cannot_be_read_is_asked(project: Project, name: str) -> None:
    project.agree()
    answer = project.ask(PAID[name])
    assert (answer.kind, project.runs()) == ("ask", []), answer.reason


@pytest.mark.parametrize("client", ["$HF", "$HOME/.local/bin/hf", "${VENV}/bin/hf"])
def test_a_client_whose_folder_is_not_known_is_the_client(project: Project, client: str) -> None:
    assert project.ask(JOB.replace("hf", client, 1)).kind == "ask", "no task, no money"
    project.agree()
    assert project.ask(JOB.replace("hf", client, 1)).kind == ""
    assert [run["where"] for run in project.runs()] == ["jobs"]


@pytest.mark.parametrize("command", [PAID["which-job-command"], PAID["which-command-at-all"]])
def test_a_job_command_that_cannot_be_read_is_asked_about_without_a_task_too(project: Project, command: str) -> None:
    assert project.ask(command).kind == "ask"


@pytest.mark.parametrize("name", LOCAL)
def test_what_runs_here_and_cannot_be_read_passes_with_a_word(project: Project, name: str) -> None:
    command, words = LOCAL[name]
    project.agree(where="local")
    answer = project.ask(command)
    assert (answer.kind, answer.context.count("\n")) == ("", 0)
    assert answer.context.startswith("ml-intern could not read what this command starts (")
    assert words in answer.context
    assert "write the path of the script" in answer.context
    [line] = project.log()
    assert (line["decision"], "could not read" in line["reason"]) == ("pass", True)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_command_that_only_the_shell_knows_may_be_a_paid_one(project: Project, name: str) -> None:
    project.agree()
    answer = project.ask(HIDDEN[name])
    assert (answer.kind, "may start a paid job" in answer.reason, "write the command out" in answer.reason) == ("ask", True, True)
    assert project.log()[-1]["codes"] == ["UNSEEN"]
    project.agree(spend_cap_usd=0)
    answer = project.ask(HIDDEN[name])
    assert (answer.kind, "could not read" in answer.context) == ("", True), "no cap, no money: explained, not held"
    project.agree(state="closed")
    assert project.ask(HIDDEN[name]) == ("", "", "", 0, ""), "outside a task it passes"


def test_outside_a_task_only_what_trains_for_certain_gets_a_word(project: Project) -> None:
    assert project.ask("python $SCRIPT") == ("", "", "", 0, "")
    assert "could not read" in project.ask("torchrun $SCRIPT").context
    assert not project.ours.exists(), "nothing of ours is made in a project that is not ours"


def test_ordinary_work_under_a_task_is_left_alone(project: Project) -> None:
    """In one process: some hundred and sixty lines."""
    project.agree()
    code = (
        "import json, sys; from ml_intern_helpers.guard import pre_tool_use\n"
        "for event in json.load(sys.stdin): print(json.dumps(pre_tool_use.answer(event)))"
    )
    commands = [*lines(ORDINARY), *lines(HARMLESS)]
    events = [json.loads(project.event(command)) for command in commands]
    environment = clean_environment(project.home, PYTHONPATH=str(ROOT / "src"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(events),
        env=environment,
        cwd=project.folder,
        capture_output=True,
        text=True,
    )
    answers: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands), done.stderr
    assert [(command, found) for command, found in zip(commands, answers, strict=True) if found is not None] == []


@pytest.mark.parametrize("command", ["$CMD", "python $SCRIPT", "bash cmd"])
def test_a_job_that_such_a_line_submits_is_put_on_file(project: Project, command: str) -> None:
    """The user said yes, or nobody had to be asked: what it costs at most nobody knows, and the next job is asked about."""
    project.agree()
    project.ask(command)
    event = {"hook_event_name": "PostToolUse", "tool_response": {"stdout": SUBMITTED, "stderr": "", "interrupted": False}}
    environment = clean_environment(project.home, CLAUDE_PLUGIN_ROOT=str(ROOT))
    call = [ROOT / "scripts/launch", "guard", "post_tool_use"]
    told = project.event(command, **event, tool_use_id=f"call-{project.calls}")
    done = subprocess.run(call, input=told, env=environment, cwd=project.folder, capture_output=True, check=True)
    assert ID in done.stdout.decode()
    [launch] = [line for line in project.runs() if line["event"] == "launch"]
    assert (launch["where"], launch["reserved_usd"]) == ("jobs", None)
    answer = project.ask(JOB)
    assert (answer.kind, "earlier run is unknown" in answer.reason) == ("ask", True)
