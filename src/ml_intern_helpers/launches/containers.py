"""`docker run`, `podman exec`, `docker compose run`, `apptainer exec`: what is started in a container of this machine, and where.

A mounted folder is this machine's: the script in it can be read. All else in there is the image's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.launches.argparse_words import Split, split
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.words import Word

#: They see this machine's files where they are: nothing is mounted by hand.
_SHARING = frozenset({"apptainer", "singularity", "enroot"})
#: How people write the folder they are in.
_HERE = re.compile(r"\$PWD\b|\$\{PWD\}|\$\(pwd\)|`pwd`")
_FLAGS = (
    "-d --detach -i --interactive -t --tty --rm --init --privileged --read-only --no-healthcheck --oom-kill-disable -P "
    "--publish-all --sig-proxy -q --quiet --build --no-deps --service-ports --use-aliases -T --no-TTY --remove-orphans "
    "--quiet-pull --nv --rocm --cleanenv --containall --writable --writable-tmpfs --fakeroot -c --contain -e --no-home"
)
_VALUES = (
    "-a --attach --add-host --annotation --blkio-weight --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpus "
    "--cpu-shares --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --dns --dns-search --domainname --entrypoint -e "
    "--env --env-file --expose --gpus --group-add -h --hostname --ip --ipc --isolation -l --label --label-file --link "
    "--log-driver --log-opt --mac-address -m --memory --memory-swap --memory-reservation --mount --name --network --net "
    "--network-alias --oom-score-adj --pid --pids-limit --platform -p --publish --pull --restart --runtime --security-opt "
    "--shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs -u --user --ulimit --userns --uts -v --volume "
    "--volume-driver --volumes-from -w --workdir --detach-keys --index --profile -f --file --project-name "
    "--project-directory -B --bind --pwd -H --home --overlay --scratch"
)
_OPTIONS = dict.fromkeys(_FLAGS.split(), False) | dict.fromkeys(_VALUES.split(), True)
_SHARING_OPTIONS = {**_OPTIONS, "-e": False, "--env": True}


class Contained(NamedTuple):
    """The command in the container, the place it is read in, and how the launcher is named."""

    words: list[Word]
    place: Place
    launcher: str


def contained(words: list[Word], place: Place) -> Contained | None:
    """What a container program starts; None when it starts nothing that the line shows (`docker ps`, the image's own command)."""
    name = words[0].text.rpartition("/")[2]
    table = _SHARING_OPTIONS if name in _SHARING else _OPTIONS
    rest, said = split(words[1:], table).rest, name
    while rest and rest[0].text in ("container", "compose"):
        said += f" {rest[0].text}"
        rest = split(rest[1:], table).rest
    if not rest or rest[0].text not in ("run", "exec", "start"):
        return None
    found = split(rest[1:], table, clusters=True)
    entry = found.value("--entrypoint")
    inner = [*([entry] if entry is not None else []), *found.rest[1:]]
    if found.error or not inner or inner[0].text.startswith("-"):
        return None
    own = place if name in _SHARING else _inside(found, place)
    return Contained(inner, replace(own, depth=place.depth + 1), f"{said} {rest[0].text}")


def _inside(found: Split, place: Place) -> Place:
    """The image's own file system, with this machine's folders where they are mounted."""
    folder = found.value("-w", "--workdir")
    known = folder is not None and not folder.unknown
    return replace(
        place,
        cwd=Path(folder.text) if folder is not None and known else None,
        why="the folder that the image starts in is not on the line",
        container=True,
        own_folders=True,
        mounts=_mounts(found, place),
        shipped=frozenset(),
        environ=_environ(found),
        variables={},
        stdin=None,
    )


def _mounts(found: Split, place: Place) -> dict[str, str | None]:
    """Mount point -> folder of this machine, None for a volume or what is not known."""
    mounts: dict[str, str | None] = {}
    for word in _given(found, "-v", "--volume"):
        source, _, rest = word.text.partition(":")
        _mount(mounts, source, rest.partition(":")[0], place)
    for word in _given(found, "--mount"):
        parts = dict(part.partition("=")[::2] for part in word.text.split(","))
        target = parts.get("target") or parts.get("dst") or parts.get("destination") or ""
        _mount(mounts, parts.get("source") or parts.get("src") or "", target, place)
    return mounts


def _mount(mounts: dict[str, str | None], source: str, target: str, place: Place) -> None:
    if target.startswith("/"):
        source = _HERE.sub(lambda _: str(place.cwd), source) if place.cwd is not None else source
        local = place.resolved(source) if source.startswith(("/", ".", "~")) else None
        mounts[target.rstrip("/") or "/"] = str(local) if local is not None else None


def _environ(found: Split) -> dict[str, Word]:
    pairs = (word.before("=") for word in _given(found, "-e", "--env"))
    return {pair[0]: pair[1] for pair in pairs if pair}


def _given(found: Split, *flags: str) -> list[Word]:
    return [word for flag in flags for word in found.options.get(flag, []) if word is not None]
