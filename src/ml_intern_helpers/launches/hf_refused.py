"""What `hf jobs … run` ends with an error, or silently takes for something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ml_intern_helpers.launches.click_words import Given, Parsed
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.options_table import HF_OPTIONS
from ml_intern_helpers.launches.parts import Fault
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.targets import exists, missing
from ml_intern_helpers.launches.words import Word, masked

#: Where the client mounts what it ships.
ARTIFACTS = "/data"
Positional = dict[str, list[tuple[int, Word]]]


def refused(command: str, parsed: Parsed, launch: Launch, positional: Positional, place: Place) -> None:
    """LAUNCH106: what click or the client ends with an error. LAUNCH105: options that it takes for words."""
    problems = [parsed.error] if parsed.error else []
    problems += [problem for one in parsed.given if (problem := _bad_value(one, command))]
    problems += [problem for one in parsed.all("volume") if (problem := _bad_volume(one, launch, place))]
    problems += _exclusive(parsed, command)
    for problem in problems:
        launch.faults.append(Fault("LAUNCH106", f"{problem}: the client refuses the command", f"see `hf jobs {command} --help`"))
    for name in ("env_file", "secrets_file"):
        _missing_file(launch, name, place)
    for index, word in parsed.unknown:
        for slot, words in positional.items():
            if words[:1] == [(index, word)] and slot not in ("script_args", "command"):
                launch.faults.append(_unknown_option(command, word, slot))


def _bad_value(one: Given, command: str) -> str:
    kind = HF_OPTIONS[command].get(one.flag, ("", "text"))[1]
    if one.value is None or one.value.unknown:
        return ""
    shown = f"{one.flag} {masked(one.value.text, 40)}"
    if kind.startswith("choice ") and one.value.text not in kind.partition(" ")[2].split("|"):
        return f"{shown} is none of {kind.partition(' ')[2]}"
    return f"{shown} is no number it takes" if kind in ("int", "ints") and not _whole(one.value.text, one.name) else ""


def _whole(text: str, name: str) -> bool:
    try:
        return int(text) >= 1 or name != "attempts"
    except ValueError:
        return False


def _bad_volume(one: Given, launch: Launch, place: Place) -> str:
    """A mount without a mount point, of a folder that is not there, or over the place that the client itself uses."""
    if one.value is None or one.value.unknown:
        return ""
    source, mark, mount = one.value.text.removesuffix(":ro").removesuffix(":rw").rpartition(":/")
    shown = f"{one.flag} {masked(one.value.text, 80)}"
    if not mark or not source:
        return f"{shown} is not SOURCE:/MOUNT"
    folder = place.resolved(source) if not source.startswith("hf://") and not place.makes else None
    if folder is not None and not _is_folder(folder):
        return f"{shown}: there is no folder {masked(source, 60)}"
    if f"/{mount}".rstrip("/") == ARTIFACTS and launch.launcher.endswith("uv run"):
        return f"{shown}: {ARTIFACTS} is where it puts the script"
    return ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _exclusive(parsed: Parsed, command: str) -> Iterator[str]:
    """Options that contradict each other. (`uv run` may find the group of `--network-alias` in the script's block.)"""
    labels = [one.value.text for one in parsed.all("label") if one.value]
    if parsed.last("name") and any(label.partition("=")[0] == "name" for label in labels):
        yield "--name and --label name=… cannot both be given"
    if parsed.last("network_alias") and not parsed.last("network_group") and not command.endswith("uv run"):
        yield "--network-alias needs --network-group"
    if sum(parsed.last(name) is not None for name in ("format", "json_output", "quiet")) > 1:
        yield "--format, --json and -q exclude each other"


def _missing_file(launch: Launch, name: str, place: Place) -> None:
    told = launch.settings.get(name)
    path = place.resolved(told.value) if told and told.value and told.value != "-" else None
    if told and told.value and path is not None and not exists(told.value, place) and not place.makes:
        launch.faults.append(missing(told.value, path)._replace(code="LAUNCH106"))


def _unknown_option(command: str, word: Word, slot: str) -> Fault:
    """An unknown option in front of the script is no error to the client: it becomes the script, the image or the schedule."""
    import difflib  # only for those who mistyped

    near = difflib.get_close_matches(word.text.partition("=")[0], HF_OPTIONS[command], n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"options: `hf jobs {command} --help`"
    if word.text.startswith("--image") and not command.endswith("uv run"):
        hint = "in `hf jobs run` the image is the first word: hf jobs run [options] IMAGE COMMAND"
    message = f"hf jobs {command} has no option {masked(word.text, 60)}: the client takes it for the {slot.upper()}"
    return Fault("LAUNCH105", message, hint, masked(word.text, 60))
