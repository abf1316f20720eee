"""The guard allows one plain call of a read-only helper; every trick to slip in more gets no opinion."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ml_intern_helpers.guard import own_helpers
from ml_intern_helpers.guard.own_helpers import plain_words
from ml_intern_helpers.guard.pre_tool_use import answer as before_tool
from support.helpers import ROOT

PATH = f"{ROOT}/skills/ml-intern/scripts/detect_compute.sh"
#: As a shell line has to write them: a checkout may lie under a path with a space.
SCRIPT = shlex.quote(PATH)
AUDIT = shlex.quote(PATH.replace("detect_compute", "inspect_dataset"))
CRAWL = AUDIT.replace("inspect_dataset", "crawl_arxiv")


def allowed(command: str, cwd: Path = ROOT / "tests", **more: object) -> bool:
    return own_helpers.is_plain_call({"command": command, **more}, str(cwd))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(SCRIPT, id="bare"),
        pytest.param(f'"{PATH}" --human', id="double-quoted-path"),
        pytest.param(f"'{PATH}' --json", id="single-quoted-path"),
        pytest.param(f'"{ROOT}"/skills/ml-intern/scripts/detect_compute.sh', id="root-quoted-alone"),
        pytest.param(f"  {SCRIPT}  --human ", id="spaces-around"),
        pytest.param(f"{AUDIT} HuggingFaceH4/ultrachat_200k --method sft", id="hub-id"),
        pytest.param(f"{AUDIT} data/train.jsonl --rows=5", id="file-of-the-project"),
        pytest.param(f"{AUDIT} /data/sets/train.jsonl", id="file-elsewhere"),
        pytest.param(f"{AUDIT} 'data/*.jsonl'", id="pattern-in-the-project"),
        pytest.param(f"{AUDIT} '/data/**/*.parquet'", id="pattern-elsewhere"),
        pytest.param(f"{AUDIT} {shlex.quote(str(ROOT))}/examples/chat.jsonl", id="file-of-the-plugin"),
        pytest.param(f"{AUDIT} 'my project/.ml-intern/x.jsonl' '/a b/.c d'/../train.jsonl", id="spaces-in-a-path"),
        pytest.param(f"{AUDIT} .ml-intern/sample.jsonl ../other/x.jsonl ./y.jsonl", id="dots-that-hide-nothing"),
        pytest.param(CRAWL + " 'DPO; is it > PPO? $5 `x` \\ !'", id="hostile-but-quoted"),
        pytest.param(CRAWL + ' "Schrödinger bridges & flows (2026)"', id="words-in-quotes"),
        *(
            pytest.param(f"{CRAWL} {words}", id=f"papers-{words.split()[0]}")
            for words in (
                "search preference optimization --since 2025",
                "graph 2305.18290 --hops 2",
                "read 2305.18290 --section method",
                "recipe 2305.18290",
                "notes beta",
                "notes add 2305.18290 'beta is 0.1' --quote 'beta = 0.1'",
            )
        ),
        pytest.param(AUDIT.replace("inspect_dataset", "hf_paper_meta") + " 2305.18290v3", id="paper"),
        pytest.param(AUDIT.replace("inspect_dataset", "preflight_check") + " train.py --local", id="preflight"),
    ],
)
def test_a_plain_call_is_allowed(command: str) -> None:
    assert allowed(command)


TASK = AUDIT.replace("inspect_dataset", "task")
BUDGET = AUDIT.replace("inspect_dataset", "budget")


@pytest.mark.parametrize("command", [TASK, f"{TASK} show --json", f"{BUDGET} --flavor a10g-large --for 4h"])
def test_what_was_agreed_and_spent_may_be_looked_at(command: str) -> None:
    assert allowed(command)


@pytest.mark.parametrize(
    "words",
    [
        "graph 2305.18290 --save graph.json",
        "graph 2305.18290 --html=graph.html",
        "--graph 2305.18290 --save graph.json",
        "search lora --bibtex papers.bib",
        "notes forget 3",
        "notes --json forget 3",
        "--json notes forget 3",
        "--forget 3",
    ],
)
def test_files_and_notes_of_the_user_are_changed_only_where_the_user_sees_it(words: str) -> None:
    assert not allowed(f"{CRAWL} {words}")


@pytest.mark.parametrize(
    "command",
    [
        f"{TASK} agree --method sft",
        f'{TASK} "agree"',
        f"{TASK} --json change --reason x --max-length 1",
        f"{TASK} close",
        f"{TASK} show --reason close",
        f"{BUDGET} --apply-hub",
        f"{BUDGET} --apply-release=run-1 --reason x",
    ],
)
def test_what_was_agreed_is_written_only_where_the_user_sees_it(command: str) -> None:
    assert not allowed(command)


TRICKS = {
    "chained-semicolon": "{s}; rm -rf x",
    "chained-and": "{s} && rm -rf x",
    "chained-or": "{s} || rm -rf x",
    "background": "{s} & rm -rf x",
    "trailing-ampersand": "{s} &",
    "piped": "{s} | sh",
    "pipe-both": "{s} |& sh",
    "redirected-out": "{s} > out",
    "redirected-glued": "{s}>out",
    "redirected-err": "{s} 2>&1",
    "redirected-in": "{s} < /etc/passwd",
    "heredoc": "{s} <<EOF",
    "here-string": "{s} <<< x",
    "process-substitution": "{s} <(rm x)",
    "command-substitution": "{s} $(rm x)",
    "backticks": "{s} `rm x`",
    "substitution-in-double-quotes": '{s} "$(rm x)"',
    "backticks-in-double-quotes": '{s} "`rm x`"',
    "variable": "{s} $HOME",
    "variable-in-quotes": '{s} "$HF_TOKEN"',
    "ansi-c-quotes": "{s} $'\\n'rm",
    "locale-quotes": '{s} $"x"',
    "arithmetic": "{s} $((1))",
    "newline": "{s}\nrm -rf x",
    "trailing-newline": "{s}\n",
    "newline-in-quotes": "{s} 'a\nb'",
    "carriage-return": "{s}\rrm x",
    "nul": "{s}\0rm",
    "tab": "{s}\t--human",
    "vertical-tab": "{s}\x0brm",
    "escape": "{s} \x1b[2J",
    "bidi": "{s} 'a\u202eb'",
    "no-break-space": "{s}\u00a0rm",
    "line-separator": "{s}\u2028rm",
    "lone-surrogate": "{s} '\ud800'",
    "environment-prefix": "PATH=/tmp {s}",
    "env-program": "env PATH=/tmp {s}",
    "interpreter": "bash {s}",
    "sourced": ". {s}",
    "exec": "exec {s}",
    "sudo": "sudo {s}",
    "time": "time {s}",
    "negated": "! {s}",
    "subshell": "({s})",
    "group": "{{ {s}; }}",
    "glob-star": "{s} *",
    "glob-question": "{s} ?",
    "glob-set": "{s} [a]",
    "braces": "{s} {{a,b}}",
    "tilde": "{s} ~",
    "tilde-user": "{s} ~root/x",
    "zsh-equals": "{s} =ls",
    "history": '{s} "!!"',
    "comment": "{s} # hidden",
    "backslash": "{s} \\; rm",
    "backslash-in-double-quotes": '{s} "\\$x"',
    "line-continuation": "{s} \\\nrm",
    "backslash-in-path": "{s}\\ x",
    "unbalanced-single": "{s} 'x",
    "unbalanced-double": '{s} "x',
    "quote-closes-early": "{s} 'a'; rm 'b'",
    "other-script-appended": "{s}x",
    "script-then-slash": "{s}/",
    "dotdot": "{root}/skills/ml-intern/scripts/../../../scripts/launch --env helpers -c 1",
    "dotdot-back-to-it": "{root}/skills/../skills/ml-intern/scripts/detect_compute.sh",
    "dot-component": "{root}/./skills/ml-intern/scripts/detect_compute.sh",
    "double-slash": "{root}//skills/ml-intern/scripts/detect_compute.sh",
    "relative": "skills/ml-intern/scripts/detect_compute.sh",
    "launch-itself": "{root}/scripts/launch detect_compute",
    "launch-with-python": "{root}/scripts/launch --env helpers -c 'import os'",
    "unlisted-script": "{root}/skills/ml-intern/scripts/install.sh",
    "recipe": "{root}/skills/ml-intern/recipes/sft.py",
    "bare-name": "detect_compute",
    "other-plugin": "/elsewhere/skills/ml-intern/scripts/detect_compute.sh",
    "empty": "",
    "spaces": "   ",
    "empty-quotes": "''",
    "too-long": "{s} " + "x" * 9000,
}
SECRETS = {
    "ssh-key": "{a} /home/ada/.ssh/id_ed25519",
    "token-file": "{a} /home/ada/.cache/huggingface/token",
    "dotenv": "{a} .env",
    "dotenv-below": "{a} ./config/.env",
    "dotdot-into-hidden": "{a} ../../.aws/credentials",
    "hidden-glob-in-quotes": "{a} '/home/ada/.aws/*'",
    "quoted-tilde": "{a} '~/.netrc'",
    "process-environment": "{a} /proc/self/environ",
    "process-by-dotdot": "{a} ../../../../../../../../proc/self/environ",
    "process-by-pattern": "{a} '/pro[c]/self/environ'",
    "process-by-double-slash": "{a} //proc/self/environ",
    "anything-at-the-top": "{a} '/*/self/environ'",
    "device": "{a} /dev/stdin",
    "behind-an-option": "{a} --file=/home/ada/.ssh/id_ed25519",
    "file-url": "{a} file:///home/ada/.netrc",
}


@pytest.mark.parametrize("command", [pytest.param(text, id=name) for name, text in {**TRICKS, **SECRETS}.items()])
def test_a_trick_gets_no_opinion(command: str) -> None:
    assert not allowed(command.format(s=SCRIPT, a=AUDIT, root=ROOT))


def test_notes_are_read_without_a_prompt_and_removed_with_one() -> None:
    papers = AUDIT.replace("inspect_dataset", "crawl_arxiv")
    assert allowed(f"{papers} notes DPO")
    assert not allowed(f"{papers} notes forget 3")
    assert not allowed(f"{papers} notes --json forget 3")


def test_switched_off_sandbox_is_the_users_to_judge() -> None:
    assert allowed(SCRIPT, description="x", timeout=5, run_in_background=True)
    assert not allowed(SCRIPT, dangerouslyDisableSandbox=True)


@pytest.mark.parametrize("command", [None, 5, ["ls"], {}], ids=str)
def test_command_of_another_type_gets_no_opinion(command: object) -> None:
    assert not own_helpers.is_plain_call({"command": command}, "/")


def test_link_in_the_project_to_a_secret_gets_no_opinion(tmp_path: Path) -> None:
    (tmp_path / "home/.ssh").mkdir(parents=True)
    (tmp_path / "home/.ssh/key").write_text("k")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/rows.jsonl").symlink_to(tmp_path / "home/.ssh/key")
    (tmp_path / "project/plain.jsonl").write_text("{}")
    assert allowed(f"{AUDIT} plain.jsonl", tmp_path / "project")
    assert not allowed(f"{AUDIT} rows.jsonl", tmp_path / "project")


@pytest.mark.parametrize(
    "path", ["kag/../kaggle.json", "'ka[g]/../kaggle.json'", "'*/../kaggle.json'", "kag/../../.kaggle/x.csv"]
)
def test_the_way_back_out_of_a_link_is_the_one_the_kernel_goes(tmp_path: Path, path: str) -> None:
    """Tidied up as text, `kag/../kaggle.json` lies in the project; opened, it lies in the home."""
    (tmp_path / ".kaggle/sets").mkdir(parents=True)
    (tmp_path / ".kaggle/kaggle.json").write_text('{"key": "k"}')
    (tmp_path / "project/data").mkdir(parents=True)
    (tmp_path / "project/kag").symlink_to(tmp_path / ".kaggle/sets")
    assert allowed(f"{AUDIT} data/../rows.json", tmp_path / "project")
    assert not allowed(f"{AUDIT} {path}", tmp_path / "project")


def test_preflight_is_for_scripts(tmp_path: Path) -> None:
    """It quotes the line it stumbles over: of a password file as well."""
    (tmp_path / "train.py").write_text("")
    (tmp_path / "nb.ipynb").write_text("{}")
    (tmp_path / "passwords").write_text("root:secret")
    (tmp_path / "link.py").symlink_to(tmp_path / "passwords")
    preflight = AUDIT.replace("inspect_dataset", "preflight_check")
    for words in ("train.py --local", "nb.ipynb --json", f"{tmp_path}/train.py", "not-there.py", "--explain API101"):
        assert allowed(f"{preflight} {words}", tmp_path), words
    for words in ("passwords", "./passwords --local", f"{tmp_path}/passwords", "link.py", "-- passwords", "/etc/passwd"):
        assert not allowed(f"{preflight} {words}", tmp_path), words
    assert allowed(f"{AUDIT} passwords", tmp_path), "any file may hold rows"


def test_the_words_behind_launch_are_paths_too(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "passwords").write_text("root:secret")
    (tmp_path / ".env").write_text("KEY=secret")
    preflight = AUDIT.replace("inspect_dataset", "preflight_check")
    for line in (
        "hf jobs uv run --timeout 4h train.py --hub-id me/demo",
        "accelerate launch train.py",
        "MAX_STEPS=20 python train.py",
    ):
        assert allowed(f"{preflight} --launch '{line}'", tmp_path), line
    for line in (
        "python < passwords",
        "cat ./passwords | python -",
        "python </etc/passwd",
        "trl sft --config=passwords",
        "cd / && python a.py",
    ):
        assert not allowed(f"{preflight} --launch '{line}'", tmp_path), line
    for line in (
        "hf jobs uv run --env-file .env train.py",
        "python ~/x.py",
        'bash -c "python .ssh/x.py"',
        "cd .. && python x.py",
    ):
        assert not allowed(f"{preflight} --launch '{line}'", tmp_path), line


def test_project_under_a_hidden_folder_is_not_hidden_itself(tmp_path: Path) -> None:
    project = tmp_path / ".worktrees/a"
    project.mkdir(parents=True)
    assert allowed(f"{AUDIT} {project}/data.jsonl", project)
    assert not allowed(f"{AUDIT} {tmp_path}/.worktrees/b/data.jsonl", project)


def install(folder: Path) -> Path:
    """A copy of what the guard needs, at `folder`; returns the path of the copied helper script."""
    scripts = folder / "skills/ml-intern/scripts"
    scripts.mkdir(parents=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    script = scripts / "detect_compute.sh"
    script.write_text("#!/bin/sh\n")
    return script


def ask(folder: Path, command: str, **environment: str) -> str:
    """What the guard of the copy at `folder` prints for a Bash event."""
    import sys

    event = {"tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(folder)}
    program = [sys.executable, "-I", "-S", "-B", str(folder / "src/ml_intern_helpers/__main__.py"), "guard", "pre_tool_use"]
    done = subprocess.run(program, input=json.dumps(event), env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_plugin_path_with_a_space_must_be_quoted(tmp_path: Path) -> None:
    script = install(tmp_path / "a b" / "plug in")
    assert '"allow"' in ask(tmp_path / "a b/plug in", f'"{script}" --human')
    assert ask(tmp_path / "a b/plug in", f"{script} --human") == ""


def test_script_that_links_elsewhere_is_not_ours(tmp_path: Path) -> None:
    script = install(tmp_path / "plugin")
    assert '"allow"' in ask(tmp_path / "plugin", str(script))
    script.unlink()
    (tmp_path / "evil.sh").write_text("#!/bin/sh\n")
    script.symlink_to(tmp_path / "evil.sh")
    assert ask(tmp_path / "plugin", str(script)) == ""


def test_link_to_our_script_is_not_our_script(tmp_path: Path) -> None:
    """The wrapper finds the launcher beside the name it was called by: a link elsewhere would start another launcher."""
    script = install(tmp_path / "plugin")
    (tmp_path / "elsewhere/skills/ml-intern/scripts").mkdir(parents=True)
    link = tmp_path / "elsewhere/skills/ml-intern/scripts/detect_compute.sh"
    link.symlink_to(script)
    assert ask(tmp_path / "plugin", str(link)) == ""
    assert ask(tmp_path / "plugin", str(link), CLAUDE_PLUGIN_ROOT=str(tmp_path / "elsewhere")) == ""


def test_root_as_the_client_spells_it_counts_when_it_is_the_same_folder(tmp_path: Path) -> None:
    install(tmp_path / "plugin")
    (tmp_path / "link").symlink_to(tmp_path / "plugin")
    command = f"{tmp_path}/link/skills/ml-intern/scripts/detect_compute.sh"
    assert ask(tmp_path / "plugin", command) == ""
    assert '"allow"' in ask(tmp_path / "plugin", command, CLAUDE_PLUGIN_ROOT=f"{tmp_path}/link/")


def test_helper_that_is_missing_is_not_allowed(tmp_path: Path) -> None:
    script = install(tmp_path / "plugin")
    script.unlink()
    assert ask(tmp_path / "plugin", str(script)) == ""


def test_option_declared_as_writing_gets_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(own_helpers.READ_ONLY_HELPERS, "inspect_dataset", frozenset({"--html"}))
    assert allowed(f"{AUDIT} x/y")
    assert not allowed(f"{AUDIT} x/y --html page.html")
    assert not allowed(f"{AUDIT} x/y --html=page.html")


@pytest.mark.parametrize("shell", [shell for shell in ("bash", "zsh", "sh") if shutil.which(shell)])
def test_words_are_what_the_shell_makes_of_them(shell: str) -> None:
    """The reader against the real shells: for each line it accepts, the shell sees the same words."""
    lines = [
        "a b  c",
        "'a b'c\"d e\"",
        "x='y z' k=v",
        "'' \"\" e",
        "a%b @x +y :z a=b,c ./d -e",
        "'$x `y` \\n ! # * ; | & < > ( ) { } [ ] ~ ^ ?'",
        '"# * ; | & < > ( ) { } [ ] ~ ^ ? \' é"',
        "--opt=1.5e-4 2305.18290v3 org/name",
    ]
    for line in lines:
        done = subprocess.run([shell, "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True)
        assert done.stdout.split("\0")[:-1] == plain_words(line), line


def test_event_of_another_tool_gets_no_opinion() -> None:
    assert before_tool({"tool_name": "Bash", "tool_input": {"command": SCRIPT}, "cwd": "/"})
    assert before_tool({"tool_name": "Write", "tool_input": {"command": SCRIPT}, "cwd": "/"}) is None
    assert before_tool({"tool_name": "Bash", "tool_input": SCRIPT}) is None
