"""Recognises command lines that launch nothing, at almost no cost, because most commands of a session must not be delayed."""

from __future__ import annotations

import re

#: Words that occur in launches. Quotes and backslashes are removed first: the shell reads `pyth''on` as python.
_SIGNS = re.compile(
    r"(?<![\w.-])(?:hf|hf\.exe|huggingface-cli|accelerate|torchrun|deepspeed|trl|i?python[\d.]*t?|pypy[\d.]*|uvx?|pipx"
    r"|make|gmake|bash|sh|zsh|dash|ksh|source|eval|sbatch|launch)(?![\w.-])|\.(?:py|ipynb|sh|bash|slurm|sbatch)(?!\w)|/api/(?:scheduled-)?jobs/"
    # A command that is known only at run time: `$CMD`, `$(cat cmd)`.
    r"|(?:^|[;&|(\n]|\b(?:then|do|else|exec|nohup|time|sudo|setsid|timeout\s+\S+)\s)\s*(?:\$[{@*A-Za-z_]|\$\(\s*(?:cat\s|<)|`\s*cat\s)"
)
_QUOTES = re.compile(r"""['"\\]""")
#: Operators after which another command may follow: joins, substitutions, redirects.
_JOINS = re.compile(r"[;&|`\n<(){}]|\$\(")
_MODULES = "pytest|pip|venv|ruff|mypy|black|build|http\\.server|json\\.tool|compileall|timeit|pdb|cProfile|unittest|site|tabnanny"
#: Programs that do not execute their arguments.
_READS_ONLY = re.compile(
    r"\s*(?:grep|egrep|rg|ag|cat|bat|less|more|head|tail|ls|ll|wc|file|stat|cp|mv|rm|mkdir|touch|chmod|cd|pwd|echo|printf"
    r"|which|type|diff|git(?!\s+bisect)|gh|sed|cut|sort|tree|du|df|ps|kill|code|vim|nano|ruff|mypy|black|pytest|pip3?|npm|jq"
    rf"|i?python[\d.]*\s+(?:--version|-V|-m\s+(?:{_MODULES}))|uv\s+(?:pip|add|sync|lock|tool|venv|run\s+(?:pytest|ruff|mypy))"
    r"|hf\s+(?:auth|download|upload|repo|cache|env|version|jobs\s+(?:ps|logs|inspect|cancel|hardware|stats)))(?:\s|$)"
)


def concerns_us(command: str) -> bool:
    """Whether the line has to be checked: it may launch something, or change the agreement or a record (`own_records`)."""
    return ".ml-intern" in command or " change" in command or " agree" in command or not launches_nothing(command)


def launches_nothing(command: str) -> bool:
    """Whether the line certainly starts no training and submits no job."""
    return not _SIGNS.search(_QUOTES.sub("", command)) or only_reads(command)


def only_reads(command: str) -> bool:
    """Whether the line is a single command that does not execute its arguments: `grep "python train.py" notes`."""
    return not _JOINS.search(command) and bool(_READS_ONLY.match(command))
