"""`hf jobs run`, `hf jobs uv run` and their scheduled forms, as the client of the release in `options_table` reads them."""

from __future__ import annotations

import re
from pathlib import Path

from ml_intern_helpers.launches import click_words, dotenv
from ml_intern_helpers.launches.click_words import Given, Parsed
from ml_intern_helpers.launches.hf_refused import refused
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.options_table import HF_ARGUMENTS, HF_OPTIONS
from ml_intern_helpers.launches.parts import Fault, Swallowed, Target, Told
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.targets import exists, missing, script_target
from ml_intern_helpers.launches.words import Word, masked, texts

DEFAULT_IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
DEFAULT_FLAVOR = "cpu-basic"
#: What the client looks for among the script's words and refuses when it is not there.
_SHIPPED = frozenset({".py", ".sh", ".yaml", ".yml", ".toml"})
_TEXTS = (
    "flavor",
    "timeout",
    "image",
    "python",
    "namespace",
    "name",
    "network_group",
    "resource_group_id",
    "attempts",
    "env_file",
    "secrets_file",
)
_NO_IMAGE = frozenset({"python", "python3", "uv", "accelerate", "torchrun", "bash", "sh", "trl", "deepspeed"})
_SECRET = re.compile(r"(?:^|_)(?:TOKEN|API_KEY|APIKEY|SECRET|PASSWORD|ACCESS_KEY)(?:_|$)")


def command_of(words: list[Word]) -> tuple[str, list[Word]] | None:
    """(`uv run`, the words behind it) of `hf jobs uv run …`; None for other commands of `hf`."""
    names = texts(words[:5])
    for length in (3, 2, 1):
        command = " ".join(names[2 : 2 + length])
        if names[1:2] == ["jobs"] and command in HF_OPTIONS:
            return command, words[2 + length :]
    return None


def read(command: str, words: list[Word], text: str, place: Place) -> Launch | None:
    """The launch that `hf jobs COMMAND WORDS` is; None when it only shows its help."""
    parsed = click_words.parse(words, HF_OPTIONS[command])
    if parsed.flag("help"):
        return None
    launch = Launch(text, f"hf jobs {command}", "jobs", Target("unknown"), cwd=place.cwd, open=_open(words))
    launch.dry = parsed.flag("dry_run")
    positional = _named(command, parsed, launch)
    _settings(parsed, launch)
    _variables(parsed, launch, place)
    launch.volumes = [masked(one.value.text) for one in parsed.all("volume") if one.value]
    launch.packages = [one.value for one in parsed.all("with_") if one.value]
    refused(command, parsed, launch, positional, place)
    _typed(parsed, launch, positional)
    _notes(launch)
    (_uv_script if command.endswith("uv run") else _image)(parsed, launch, place, positional)
    return launch


def _open(words: list[Word]) -> str:
    return next((word.unknown for word in words if word.splits), "")


def _named(command: str, parsed: Parsed, launch: Launch) -> dict[str, list[tuple[int, Word]]]:
    """The positional words by the names of the command's arguments."""
    left = list(parsed.positional)
    found: dict[str, list[tuple[int, Word]]] = {}
    for argument in HF_ARGUMENTS[command]:
        name = argument.rstrip("?").removesuffix("...")
        count = len(left) if "..." in argument else 1
        found[name], left = left[:count], left[count:]
        if not found[name] and not argument.endswith("?") and not launch.open and not parsed.error:
            message = f"{name.upper()} is missing: the client refuses the command"
            fix = f"hf jobs {command} [options] {' '.join(one.rstrip('?').upper() for one in HF_ARGUMENTS[command])}"
            launch.faults.append(Fault("LAUNCH106", message, fix, launch.text))
    return found


def _settings(parsed: Parsed, launch: Launch) -> None:
    for name in _TEXTS:
        given = parsed.last(name)
        if given is not None and given.value is not None:
            launch.settings[name] = _told(given.flag, given.value)
    for name in ("detach", "ssh", "suspend", "concurrency"):
        if parsed.last(name) is not None:
            launch.settings[name] = Told("yes" if parsed.flag(name) else "no", f"--{name}")
    for name in ("expose", "expose_public", "network_alias", "label"):
        values = [one.value for one in parsed.all(name) if one.value is not None]
        if values:
            launch.settings[name] = Told(" ".join(masked(value.text) for value in values), f"--{name.replace('_', '-')}")


def _told(flag: str, value: Word) -> Told:
    return Told(None, value.unknown) if value.unknown else Told(value.text, f"{flag} {masked(value.text, 60)}")


def _variables(parsed: Parsed, launch: Launch, place: Place) -> None:
    """`-e`, `--env-file`, `--secrets`, `--secrets-file`; values as the client reads them."""
    found = dotenv.from_file(launch.settings.get("env_file"), place)
    launch.environ |= found.values
    launch.env_open = found.open
    for one in parsed.all("env"):
        if one.value is not None:
            launch.environ |= dotenv.pairs(one.value, place)
    for one in parsed.all("env"):
        _secret_in_env(one, launch)
    found = dotenv.from_file(launch.settings.get("secrets_file"), place)
    launch.secrets |= dict.fromkeys(found.values, "from the file")
    launch.env_open = launch.env_open or found.open
    for one in parsed.all("secrets"):
        if one.value is not None:
            _secret(one.value, launch)
    if launch.open and not launch.env_open:
        launch.env_open = launch.open


def _secret(value: Word, launch: Launch) -> None:
    pair = value.before("=")
    if pair is None and value.unknown:
        launch.env_open = value.unknown
        return
    name = pair[0] if pair else value.text
    launch.secrets[masked(name.strip(), 60)] = "on the command line" if pair else "from this machine"


def _secret_in_env(given: Given, launch: Launch) -> None:
    """LAUNCH110: `-e HF_TOKEN` travels as a plain variable."""
    name = given.value.text.partition("=")[0].strip() if given.value else ""
    if _SECRET.search(name.upper()) and "TOKENIZ" not in name.upper():
        message = f"{masked(name, 60)} goes to the job as a plain variable: whoever may see the job can read it"
        fix = f"pass it as a secret: --secrets {masked(name, 60)} (the value is taken from this machine)"
        launch.faults.append(Fault("LAUNCH110", message, fix, f"{given.flag} {masked(name, 60)}=…"))


def _notes(launch: Launch) -> None:
    """What a reader of the resolved launch should know besides."""
    if launch.dry:
        launch.notes.append("--dry-run: nothing is submitted")
    elif "schedule" not in launch.settings and "scheduled" not in launch.launcher:
        detached = launch.settings.get("detach")
        follow = "returns at once with the job's ID: `hf jobs wait ID`, `hf jobs logs -f ID`"
        launch.notes.append(follow if detached else "stays until the job has ended; -d returns at once")
    if "expose" in launch.settings:
        launch.notes.append(f"port {launch.settings['expose'].value} can be reached with a token that may read the namespace")


def _typed(parsed: Parsed, launch: Launch, positional: dict[str, list[tuple[int, Word]]]) -> None:
    """Remember which options stand behind the script or image: the client takes them, whoever they were meant for."""
    start = next((found[0][0] for name in ("script", "image") if (found := positional.get(name))), None)
    for one in parsed.given:
        if start is not None and one.position > start:
            launch.swallowed.append(Swallowed(one.flag, one.name, one.value.text if one.value else None))


def _uv_script(parsed: Parsed, launch: Launch, place: Place, positional: dict[str, list[tuple[int, Word]]]) -> None:
    launch.installs, launch.reads_header, launch.block = "uv", True, True
    launch.args = [word for _, word in positional["script_args"]]
    if not positional["script"] or positional["script"][0] in parsed.unknown:
        _meant(launch, place)
        return
    word = positional["script"][0][1]
    if word.unknown or word.text.startswith(("http://", "https://")) or _looks_like_file(word.text, place):
        launch.target, faults = script_target(word, place)
        launch.faults += faults
    else:
        launch.target = Target("command", reason=f"`{masked(word.text)}` is a program, not a script")
        launch.reads_header = launch.block = False
        launch.args = [word, *launch.args]
    launch.faults += _files_among(launch, place)
    _scheduled(positional, launch)


def _meant(launch: Launch, place: Place) -> None:
    """Where an unknown option has taken the script's place: look at the script that was meant all the same."""
    launch.target = Target("unknown", reason="the command names no script")
    for at, word in enumerate(launch.args):
        if word.text.endswith(".py") and not word.unknown and exists(word.text, place):
            launch.target, _ = script_target(word, place)
            launch.args = launch.args[at + 1 :]
            return


def _looks_like_file(name: str, place: Place) -> bool:
    return Path(name).suffix in _SHIPPED or "/" in name or exists(name, place)


def _files_among(launch: Launch, place: Place) -> list[Fault]:
    """LAUNCH107: script arguments that look like files and are none: the client refuses them by their ending."""
    found = []
    for word in launch.args:
        name = word.text
        if (
            word.unknown
            or not name.endswith(tuple(_SHIPPED))
            or Path(name).suffix not in _SHIPPED
            or name.startswith(("http://", "https://"))
        ):
            continue
        path = place.resolved(name)
        if path is not None and not exists(name, place) and not place.makes:
            fault = missing(name, path)
            found.append(
                fault._replace(message=f"{fault.message}: the client refuses an argument that ends like a file and is none")
            )
    return found


def _image(parsed: Parsed, launch: Launch, place: Place, positional: dict[str, list[tuple[int, Word]]]) -> None:
    launch.installs = "image"
    launch.args = [word for _, word in positional["command"]]
    _scheduled(positional, launch)
    if not positional["image"] or positional["image"][0] in parsed.unknown:
        launch.target = Target("unknown", reason="the command names no image")
        return
    image = positional["image"][0][1]
    launch.settings["image"] = Told(None if image.unknown else image.text, image.unknown or f"IMAGE {masked(image.text, 80)}")
    launch.target = Target("command", reason="the command starts no script that is known here")
    if not image.unknown and (image.text in _NO_IMAGE or Path(image.text).suffix in (".py", ".ipynb", ".sh")):
        message = f"the image is missing: the client takes {masked(image.text, 40)} for it"
        fix = "hf jobs run [options] IMAGE COMMAND; for a script of your own: hf jobs uv run [options] SCRIPT"
        launch.faults.append(Fault("LAUNCH106", message, fix, launch.text))


def _scheduled(positional: dict[str, list[tuple[int, Word]]], launch: Launch) -> None:
    if positional.get("schedule"):
        launch.settings["schedule"] = _told("schedule", positional["schedule"][0][1])
