"""The client reads an option after the script as its own.

`hf jobs … run` reads its options anywhere on the line: `train.py --name demo` names the job, and the script gets nothing; `-lr
2e-4` is read as the label `r` and another word. `--` in front of the script ends the client's options.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py -lr 2e-4

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN -- train.py -lr 2e-4
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch

MODES = ("jobs",)

_FIX = "put the job's options first and -- before the script: hf jobs uv run [options] -- SCRIPT [arguments]"
#: Options that are certainly meant for the job, wherever they are written.
_FOR_THE_JOB = frozenset(
    {"flavor", "detach", "dry_run", "namespace", "secrets", "secrets_file", "image", "volume", "with_", "ssh"}
)


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None:
        return
    from ml_intern_helpers.analysis.script_arguments import declared_flags, own_parser
    from ml_intern_helpers.launches.words import masked

    flags = declared_flags(context.script)
    for option in context.launch.swallowed:
        cluster = not option.flag.startswith("--") and len(option.flag) > 2 and option.flag[1:3].isalpha()
        # Certain if the script declares it, or it is like `-lr`; possible if the script's own options are not known.
        sure = option.flag in flags or cluster
        unread = context.launch.target.kind not in ("file", "text")
        perhaps = option.name not in _FOR_THE_JOB and (unread or (own_parser(context.script) and not flags))
        if sure or perhaps:
            what = masked(f"{option.flag} {option.value}" if option.value is not None else option.flag, 60)
            message = f"`{what}` is written after the script, but the client reads it as its own --{option.name.rstrip('_')}"
            yield failed_launch(message, _FIX, what, None if sure else "warning")
