"""Reads commands that start paid jobs: `hf jobs run`, `hf jobs uv run` and their scheduled forms.

Options are read as the client of the stored release reads them. Other paid commands do not show on the command line what they
run: a rerun of a job, a schedule, a sandbox, a request without the client. Only the Hub knows their program, hardware and
duration, so their launch has an unknown target.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ml_intern_helpers.launches.launch import Launch, Problem, Setting, SwallowedOption, Target
from ml_intern_helpers.launches.launcher_options import ClickOption, ClickWords, click_words, tables
from ml_intern_helpers.launches.place import VARIABLES, Place, text_of_file
from ml_intern_helpers.launches.targets import exists, missing_file, script_target
from ml_intern_helpers.launches.words import Word, closest, masked, program, texts

DEFAULT_IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
DEFAULT_FLAVOR = "cpu-basic"
#: The folder into which the client mounts the files that it uploads.
_ARTIFACTS = "/data"
#: Suffixes of arguments that the client takes for files: it refuses the command when such a file does not exist.
_SHIPPED = (".py", ".sh", ".yaml", ".yml", ".toml")
_TEXT_SETTINGS = (
    *("flavor", "timeout", "image", "python", "namespace", "name"),
    *("network_group", "resource_group_id", "attempts", "env_file", "secrets_file"),
)
_NO_IMAGE = frozenset({"python", "python3", "uv", "accelerate", "torchrun", "bash", "sh", "trl", "deepspeed"})
_Positional = dict[str, list[tuple[int, Word]]]


def launch_of_hf(words: list[Word], shown: str, place: Place) -> Launch | None:
    """The launch by `hf WORDS…`; None when it starts nothing or only prints its help."""
    names = texts(words[:5])
    if names[1:2] == ["jobs"]:
        for length in (3, 2, 1):
            command = " ".join(names[2 : 2 + length])
            if command in tables().hf_options:
                launch = _submission(command, words[2 + length :], shown, place)
                if launch is not None and (name := program(words[0])) != "hf":
                    launch.problems.append(
                        Problem("unknown-option", f"{name} is no longer part of huggingface_hub", "use hf", name)
                    )
                return launch
    return _unseen_command(words[1:], shown, place)


def _submission(command: str, words: list[Word], text: str, place: Place) -> Launch | None:
    """The launch by `hf jobs COMMAND WORDS`; None when it only prints its help."""
    parsed = click_words(words, tables().hf_options[command])
    if parsed.flag("help"):
        return None
    open_ = next((word.unknown for word in words if word.splits), "")
    launch = Launch(text, f"hf jobs {command}", "jobs", Target("unknown"), cwd=place.cwd, open=open_)
    launch.dry = parsed.flag("dry_run")
    positional = _positional(command, parsed, launch)
    _read_settings(parsed, launch)
    read_variables(parsed, launch, place)
    launch.volumes = [masked(word.text) for word in parsed.values("volume")]
    launch.packages = parsed.values("with_")
    _add_problems(command, parsed, launch, positional, place)
    start = next((slot_words[0][0] for name in ("script", "image") if (slot_words := positional.get(name))), None)
    for option in parsed.options:
        # The client reads options after the script as its own, even those meant for the script.
        if start is not None and option.position > start:
            launch.swallowed.append(SwallowedOption(option.flag, option.name, option.value.text if option.value else None))
    if launch.dry:
        launch.notes.append("--dry-run: nothing is submitted")
    elif "schedule" not in launch.settings and "scheduled" not in launch.launcher:
        follow = "returns at once with the job's ID: `hf jobs wait ID`, `hf jobs logs -f ID`"
        launch.notes.append(follow if "detach" in launch.settings else "waits until the job has ended; -d returns at once")
    if "expose" in launch.settings:
        launch.notes.append(f"port {launch.settings['expose'].value} can be reached with a token that may read the namespace")
    if command.endswith("uv run"):
        _read_script(parsed, launch, place, positional)
    else:
        _read_image(parsed, launch, positional)
    return launch


def _positional(command: str, parsed: ClickWords, launch: Launch) -> _Positional:
    """The positional words, grouped by the command's arguments."""
    remaining = list(parsed.positional)
    by_argument: _Positional = {}
    arguments = tables().hf_arguments[command]
    for argument in arguments:
        name = argument.rstrip("?").removesuffix("...")
        count = len(remaining) if "..." in argument else 1
        by_argument[name], remaining = remaining[:count], remaining[count:]
        if not by_argument[name] and not argument.endswith("?") and not launch.open and not parsed.error:
            message = f"{name.upper()} is missing: the client refuses the command"
            fix = f"hf jobs {command} [options] {' '.join(argument.rstrip('?').upper() for argument in arguments)}"
            launch.problems.append(Problem("refused-command", message, fix, launch.text))
    return by_argument


def _read_settings(parsed: ClickWords, launch: Launch) -> None:
    for name in _TEXT_SETTINGS:
        option = parsed.last(name)
        if option is not None and option.value is not None:
            launch.settings[name] = _setting(option.flag, option.value)
    for name in ("detach", "ssh", "suspend", "concurrency"):
        if parsed.last(name) is not None:
            launch.settings[name] = Setting("yes" if parsed.flag(name) else "no", f"--{name}")
    for name in ("expose", "expose_public", "network_alias", "label"):
        values = parsed.values(name)
        if values:
            launch.settings[name] = Setting(" ".join(masked(value.text) for value in values), f"--{name.replace('_', '-')}")


def _setting(flag: str, value: Word) -> Setting:
    return Setting(None, value.unknown) if value.unknown else Setting(value.text, f"{flag} {masked(value.text, 60)}")


def _read_script(parsed: ClickWords, launch: Launch, place: Place, positional: _Positional) -> None:
    launch.installs, launch.reads_header, launch.block, launch.default_image = "uv", True, True, DEFAULT_IMAGE
    launch.args = [word for _, word in positional["script_args"]]
    if not positional["script"] or positional["script"][0] in parsed.unknown:
        # An unknown option took the script's position: the script that was probably meant is still checked.
        launch.target = Target("unknown", reason="the command names no script")
        for at, word in enumerate(launch.args):
            if word.text.endswith(".py") and not word.unknown and exists(word.text, place):
                launch.target, _ = script_target(word, place)
                launch.args = launch.args[at + 1 :]
                break
        return
    word = positional["script"][0][1]
    looks_like_file = Path(word.text).suffix in _SHIPPED or "/" in word.text
    if word.unknown or looks_like_file or exists(word.text, place):
        launch.target, problems = script_target(word, place)
        launch.problems += problems
    else:
        launch.target = Target("command", reason=f"`{masked(word.text)}` is a program, not a script")
        launch.reads_header = launch.block = False
        launch.args = [word, *launch.args]
    for word in launch.args:
        name = word.text
        if word.unknown or not name.endswith(_SHIPPED) or name.startswith(("http://", "https://")):
            continue
        path = place.resolved(name)
        if path is not None and path.suffix and not exists(name, place) and not place.file_creator:
            problem = missing_file(name, path)
            message = f"{problem.message}: the client refuses an argument with the suffix of a file that does not exist"
            launch.problems.append(problem._replace(message=message))
    _read_schedule(launch, positional)


def _read_image(parsed: ClickWords, launch: Launch, positional: _Positional) -> None:
    launch.installs = "image"
    launch.args = [word for _, word in positional["command"]]
    _read_schedule(launch, positional)
    if not positional["image"] or positional["image"][0] in parsed.unknown:
        launch.target = Target("unknown", reason="the command names no image")
        return
    image = positional["image"][0][1]
    launch.settings["image"] = Setting(None if image.unknown else image.text, image.unknown or f"IMAGE {masked(image.text, 80)}")
    launch.target = Target("command", reason="the command starts no script that can be read")
    if not image.unknown and (image.text in _NO_IMAGE or Path(image.text).suffix in (".py", ".ipynb", ".sh")):
        message = f"the image is missing: the client takes {masked(image.text, 40)} as the image"
        fix = "hf jobs run [options] IMAGE COMMAND; for a script of your own: hf jobs uv run [options] SCRIPT"
        launch.problems.append(Problem("refused-command", message, fix, launch.text))


def _read_schedule(launch: Launch, positional: _Positional) -> None:
    if positional.get("schedule"):
        launch.settings["schedule"] = _setting("schedule", positional["schedule"][0][1])


def _add_problems(command: str, parsed: ClickWords, launch: Launch, positional: _Positional, place: Place) -> None:
    """Add the errors of click and the client, and the unknown options that the client reads as positional words."""
    messages = [parsed.error] if parsed.error else []
    messages += [message for option in parsed.options if (message := _bad_value(option, command))]
    messages += [message for option in parsed.all("volume") if (message := _bad_volume(option, launch, place))]
    messages += _contradictions(parsed, command)
    for message in messages:
        fix = f"see `hf jobs {command} --help`"
        launch.problems.append(Problem("refused-command", f"{message}: the client refuses the command", fix))
    for name in ("env_file", "secrets_file"):
        file = launch.settings.get(name)
        path = place.resolved(file.value) if file and file.value and file.value != "-" else None
        if file and file.value and path is not None and not exists(file.value, place) and not place.file_creator:
            launch.problems.append(missing_file(file.value, path)._replace(kind="refused-command"))
    for position, word in parsed.unknown:
        for slot, words in positional.items():
            if words[:1] == [(position, word)] and slot not in ("script_args", "command"):
                launch.problems.append(_unknown_option(command, word, slot))


def _bad_value(option: ClickOption, command: str) -> str:
    kind = tables().hf_options[command].get(option.flag, ("", "text"))[1]
    if option.value is None or option.value.unknown:
        return ""
    text = option.value.text
    shown = f"{option.flag} {masked(text, 40)}"
    if kind.startswith("choice ") and text not in kind.partition(" ")[2].split("|"):
        return f"{shown} is not one of {kind.partition(' ')[2]}"
    if kind not in ("int", "ints"):
        return ""
    try:
        accepted = int(text) >= 1 or option.name != "attempts"
    except ValueError:
        accepted = False
    return "" if accepted else f"{shown} is not a valid number"


def _bad_volume(option: ClickOption, launch: Launch, place: Place) -> str:
    """The error of a mount: no mount point, a missing folder, or the mount point that the client itself uses; "" if none."""
    if option.value is None or option.value.unknown:
        return ""
    source, mark, mount = option.value.text.removesuffix(":ro").removesuffix(":rw").rpartition(":/")
    shown = f"{option.flag} {masked(option.value.text, 80)}"
    if not mark or not source:
        return f"{shown} is not SOURCE:/MOUNT"
    folder = place.resolved(source) if not source.startswith("hf://") and not place.file_creator else None
    try:
        is_there = folder is None or folder.is_dir()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        return f"{shown}: there is no folder {masked(source, 60)}"
    if f"/{mount}".rstrip("/") == _ARTIFACTS and launch.launcher.endswith("uv run"):
        return f"{shown}: {_ARTIFACTS} is the folder into which the client puts the script"
    return ""


def _contradictions(parsed: ClickWords, command: str) -> Iterator[str]:
    """Errors for options that exclude or need each other. (`uv run` may read `--network-group` from the script's block.)"""
    if parsed.last("name") and any(label.text.partition("=")[0] == "name" for label in parsed.values("label")):
        yield "--name and --label name=… cannot both be given"
    if parsed.last("network_alias") and not parsed.last("network_group") and not command.endswith("uv run"):
        yield "--network-alias needs --network-group"
    if sum(parsed.last(name) is not None for name in ("format", "json_output", "quiet")) > 1:
        yield "--format, --json and -q exclude each other"


def _unknown_option(command: str, word: Word, slot: str) -> Problem:
    """The problem of an unknown option before the script, which the client reads as the script, the image or the schedule."""
    meant = closest(word.text.partition("=")[0], tables().hf_options[command])
    fix = f"did you mean {meant}?" if meant else f"options: `hf jobs {command} --help`"
    if word.text.startswith("--image") and not command.endswith("uv run"):
        fix = "in `hf jobs run` the image is the first word: hf jobs run [options] IMAGE COMMAND"
    shown = masked(word.text, 60)
    message = f"hf jobs {command} has no option {shown}: the client takes it for the {slot.upper()}"
    return Problem("unknown-option", message, fix, shown)


_AT_THE_HUB = "only the Hub knows what it runs, on which hardware and for how long (`hf jobs inspect`)"
#: Words after `hf` -> why the command cannot be checked.
_UNSEEN = {
    ("jobs", "rerun"): _AT_THE_HUB,
    ("jobs", "scheduled", "trigger"): _AT_THE_HUB,
    ("jobs", "scheduled", "resume"): _AT_THE_HUB,
    ("jobs", "scheduled", "reschedule"): _AT_THE_HUB,
    ("sandbox", "create"): "a sandbox costs money until it idles out or is killed",
    ("sandbox", "pool", "create"): "a pool of sandboxes costs money until it is deleted",
}
#: Prefixes of paid commands: an unknown word after one of these may complete such a command.
_BEGINNINGS = {command[:count] for command in (*_UNSEEN, ("jobs", "scheduled", "uv", "run")) for count in range(4)}
_BEGINNINGS |= {("jobs", "uv")}
_JOBS_URL = re.compile(r"/api/(?:scheduled-)?jobs/")
_SENDS = re.compile(r"-d|--data(?:-\w+)?|--json|--post-(?:data|file)|-X|--request|--method|POST", re.IGNORECASE)


def _unseen_command(words: list[Word], shown: str, place: Place) -> Launch | None:
    """The launch by a paid command that cannot be checked (`hf jobs rerun ID`), or that may be one (`hf jobs $WHAT`)."""
    names = tuple(texts(words))
    for command, reason in _UNSEEN.items():
        if names[: len(command)] == command and not {"-h", "--help"} & set(names):
            return _unseen(shown, f"hf {' '.join(command)}", reason, place)
    at = next((at for at, word in enumerate(words) if word.unknown), len(words))
    if at == len(words) or names[:at] not in _BEGINNINGS:
        return None
    return _unseen(shown, " ".join(["hf", *names[:at]]), f"which command: {words[at].unknown}", place)


def launch_of_request(name: str, words: list[Word], shown: str, place: Place) -> Launch | None:
    """The launch by a request to the Jobs API (`curl -d … https://…/api/jobs/NAME`); None for one that only reads a state."""
    names = texts(words[1:])
    if not any(_JOBS_URL.search(text) for text in names) or not any(_SENDS.match(text) for text in names):
        return None
    cancels = any(text.rstrip("/").endswith("/cancel") for text in names)
    return None if cancels else _unseen(shown, name, "the request is not read", place)


def _unseen(shown: str, launcher: str, reason: str, place: Place) -> Launch:
    return Launch(shown, launcher, "jobs", Target("unknown", reason=reason), cwd=place.cwd, open=reason)


_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*(=)(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_SECRET = re.compile(r"(?:^|_)(?:TOKEN|API_KEY|APIKEY|SECRET|PASSWORD|ACCESS_KEY)(?:_|$)")


def read_variables(parsed: ClickWords, launch: Launch, place: Place) -> None:
    """Add the values of `-e`, `--env-file`, `--secrets` and `--secrets-file` to the launch."""
    launch.environ |= _names_in_file(launch, "env_file", place)
    for word in parsed.values("env"):
        launch.environ |= _variables(word, place)
    for option in parsed.all("env"):
        # `-e HF_TOKEN` is sent as a plain variable.
        variable = option.value.text.partition("=")[0].strip() if option.value else ""
        if _SECRET.search(variable.upper()) and "TOKENIZ" not in variable.upper():
            shown = masked(variable, 60)
            message = f"{shown} goes to the job as a plain variable: whoever may see the job can read it"
            fix = f"pass it as a secret: --secrets {shown} (the value is taken from this machine)"
            launch.problems.append(Problem("secret-as-variable", message, fix, f"{option.flag} {shown}=…"))
    for name in _names_in_file(launch, "secrets_file", place):
        launch.secrets[name] = "file"
    for word in parsed.values("secrets"):
        pair = word.before("=")
        if pair is None and word.unknown:
            launch.env_open = word.unknown
        else:
            name = masked((pair[0] if pair else word.text).strip(), 60)
            launch.secrets[name] = "command line" if pair else "this machine"
    if launch.open and not launch.env_open:
        launch.env_open = launch.open


def _names_in_file(launch: Launch, setting: str, place: Place) -> dict[str, Word]:
    """The names that `--env-file` sets, with unknown values; a file that cannot be read leaves the environment open."""
    file = launch.settings.get(setting)
    if file is None:
        return {}
    path = place.resolved(file.value) if file.value and file.value != "-" else None
    text = text_of_file(path, VARIABLES)
    if text is None:
        launch.env_open = launch.env_open or f"the variables of {file.how} (only files that end in .env are read)"
        return {}
    names = [name for line in text.splitlines() for name in _variable(line.strip(), place)]
    return {name: Word("…", f"the value of {name} in {file.how}", 0) for name in names}


def _variables(word: Word, place: Place) -> dict[str, Word]:
    """The variables of one `-e`: the client reads each line as one variable, and drops lines that are none."""
    pair = word.before("=")
    if word.unknown:
        return {pair[0].strip(): pair[1]._replace(known=0)} if pair else {}
    variables: dict[str, Word] = {}
    for line in word.text.splitlines():
        variables |= _variable(line.strip(), place)
    return variables


def _variable(line: str, place: Place) -> dict[str, Word]:
    match = _LINE.fullmatch(line) if line and not line.startswith("#") else None
    if match is None:
        return {}
    name, assigns, value = match.groups()
    if assigns:
        return {name: Word(_value(value))}
    if name in place.environ:
        return {name: place.environ[name]}
    # The client drops a bare name that this machine does not set.
    return {name: Word(f"${name}", f"the value of {name} on this machine", 0)} if name in os.environ else {}


def _value(text: str) -> str:
    quoted = re.match(r"""\s*("(?:\\"|[^"])*"|'(?:\\'|[^'])*')\s*(?:#.*)?$""", text)
    raw = quoted[1] if quoted else re.split(r"\s#", text, maxsplit=1)[0].strip()
    if len(raw) > 1 and raw[0] == raw[-1] == "'":
        return raw[1:-1]
    if len(raw) > 1 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), raw[1:-1])
    return raw
