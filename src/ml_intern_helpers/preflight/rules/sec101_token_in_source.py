"""A Hugging Face token is written in the source.

The script is uploaded for a job, pushed to a repository or pasted into a chat, and whoever reads it can write to the account.
Revoke the token; removing the line does not make it secret again.

Bad:

    from huggingface_hub import login

    login(token="hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234")

Good:

    import os

    from huggingface_hub import login

    login(token=os.environ["HF_TOKEN"])
"""

import re

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes

# The whole text is searched, because a secret in a comment leaks as well.
_TOKEN = re.compile(r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,}(?![A-Za-z0-9_])")
_FIX = 'revoke it at huggingface.co/settings/tokens; read os.environ["HF_TOKEN"], and pass --secrets HF_TOKEN to the job'


def check(context: ScriptContext) -> Outcomes:
    for number, line in enumerate(context.source.lines, start=1):
        for match in _TOKEN.finditer(line) if "hf_" in line else ():
            body = match.group().removeprefix("hf_")
            if len(set(body)) >= 10 and body.lower() != body and body.upper() != body:  # not the `hf_xxxxxxxx…` of a placeholder
                message = f"a Hugging Face token ({match.group()[:5]}…) is written in the source"
                yield Outcome("fail", message, number, number, match.start() + 1, _FIX, mask=True)
