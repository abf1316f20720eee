"""Reads what is started in a container: by a container program of this machine, or by the command of a job.

The programs are `docker run`, `podman exec`, `docker compose run`, `apptainer exec` and the like. Files are read only from
folders of this machine that are mounted; every other file in the container belongs to the image.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.launcher_options import LeadingOptions, leading_options
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.targets import exists
from ml_intern_helpers.launches.words import Word

#: Programs whose containers see this machine's files at their usual paths, without explicit mounts.
_SHARING = frozenset({"apptainer", "singularity", "enroot"})
PROGRAMS = _SHARING | {"docker", "podman", "nerdctl"}
#: The usual ways to write the current folder.
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
    """The command in the container, the place in which it is read, and the launcher's name."""

    words: list[Word]
    place: Place
    launcher: str


def contained(words: list[Word], place: Place) -> Contained | None:
    """The command that a container program starts; None when the line shows none (`docker ps`, the image's default command)."""
    name = words[0].text.rpartition("/")[2]
    table = _SHARING_OPTIONS if name in _SHARING else _OPTIONS
    rest, launcher = leading_options(words[1:], table).rest, name
    while rest and rest[0].text in ("container", "compose"):
        launcher += f" {rest[0].text}"
        rest = leading_options(rest[1:], table).rest
    if not rest or rest[0].text not in ("run", "exec", "start"):
        return None
    options = leading_options(rest[1:], table, clusters=True)
    entry = options.value("--entrypoint")
    inner = [*([entry] if entry is not None else []), *options.rest[1:]]
    if options.error or not inner or inner[0].text.startswith("-"):
        return None
    own = place if name in _SHARING else _image_place(options, place)
    return Contained(inner, replace(own, depth=place.depth + 1), f"{launcher} {rest[0].text}")


def _image_place(options: LeadingOptions, place: Place) -> Place:
    """The place inside the container: the image's file system with the mounted folders of this machine."""
    folder = options.value("-w", "--workdir")
    pairs = (word.before("=") for word in options.values("-e", "--env"))
    return replace(
        place,
        cwd=Path(folder.text) if folder is not None and not folder.unknown else None,
        why="the command line does not name the image's working folder (-w)",
        container=True,
        cwd_in_container=True,
        mounts=_mounts(options, place),
        shipped=frozenset(),
        environ={pair[0]: pair[1] for pair in pairs if pair},
        variables={},
        stdin=None,
    )


def _mounts(options: LeadingOptions, place: Place) -> dict[str, str | None]:
    """Mount point -> folder of this machine; None for a named volume or an unknown source."""
    pairs: list[tuple[str, str]] = []
    for word in options.values("-v", "--volume"):
        source, _, rest = word.text.partition(":")
        pairs.append((source, rest.partition(":")[0]))
    for word in options.values("--mount"):
        keys = dict(part.partition("=")[::2] for part in word.text.split(","))
        target = keys.get("target") or keys.get("dst") or keys.get("destination") or ""
        pairs.append((keys.get("source") or keys.get("src") or "", target))
    mounts: dict[str, str | None] = {}
    for source, target in pairs:
        if target.startswith("/"):
            source = _HERE.sub(lambda _: str(place.cwd), source) if place.cwd is not None else source
            local = place.resolved(source) if source.startswith(("/", ".", "~")) else None
            mounts[target.rstrip("/") or "/"] = str(local) if local is not None else None
    return mounts


def job_place(launch: Launch, place: Place) -> Place:
    """The place of a job's command, where only mounted or uploaded files of this machine exist."""
    mounts: dict[str, str | None] = {}
    for volume in launch.volumes:
        source, mark, mount = volume.removesuffix(":ro").removesuffix(":rw").rpartition(":/")
        if mark:
            mounts[f"/{mount}"] = None if source.startswith("hf://") else source
    return replace(
        place,
        container=True,
        shipped=frozenset(word.text for word in launch.args if exists(word.text, place))
        if launch.installs == "uv"
        else frozenset(),
        mounts=mounts,
        environ=dict(launch.environ),
        variables={},
        stdin=None,
        depth=place.depth + 1,
    )


def job_with_command(job: Launch, inner: Launch, *, first: bool) -> Launch:
    """The job combined with a launch that its command starts; only the `first` one carries the problems of the job itself."""
    return replace(
        job,
        launcher=f"{job.launcher}: {inner.launcher}",
        target=inner.target,
        args=inner.args,
        config=inner.config,
        open=job.open or inner.open,
        environ={**job.environ, **inner.environ},
        packages=[*job.packages, *inner.packages],
        installs=inner.installs if inner.installs == "uv" else job.installs,
        reads_header=False,
        block=inner.block,
        processes=inner.processes,
        distributed=inner.distributed,
        problems=[*(job.problems if first else []), *inner.problems],
        notes=[*job.notes, *inner.notes],
        repeats=inner.repeats,
        swallowed=job.swallowed if first else [],
        settings=dict(job.settings),
    )
