"""A Hugging Face token is written on the command line.

It stays in the shell's history, in the list of processes that others can see, and in this conversation. Revoke it.

Bad:

    $ HF_TOKEN=hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234 python train.py

Good:

    $ python train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("token-on-command-line")
