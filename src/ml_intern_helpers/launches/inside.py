"""What a job's command starts in its container."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.targets import exists


def inside_place(launch: Launch, place: Place) -> Place:
    """Where the words of the command are read: no file of this machine is there but what is mounted or shipped."""
    shipped = frozenset(word.text for word in launch.args if exists(word.text, place)) if launch.installs == "uv" else frozenset()
    return replace(
        place,
        container=True,
        shipped=shipped,
        mounts=_mounts(launch),
        environ=dict(launch.environ),
        variables={},
        stdin=None,
        depth=place.depth + 1,
    )


def _mounts(launch: Launch) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for spec in launch.volumes:
        source, mark, mount = spec.removesuffix(":ro").removesuffix(":rw").rpartition(":/")
        if mark:
            found[f"/{mount}"] = None if source.startswith("hf://") else source
    return found


def merged(outer: Launch, inner: Launch, *, first: bool) -> Launch:
    """The job with what it starts; what is wrong with the job itself is said once."""
    return replace(
        outer,
        launcher=f"{outer.launcher}: {inner.launcher}",
        target=inner.target,
        args=inner.args,
        config=inner.config,
        open=outer.open or inner.open,
        environ={**outer.environ, **inner.environ},
        packages=[*outer.packages, *inner.packages],
        installs=inner.installs if inner.installs == "uv" else outer.installs,
        reads_header=False,
        block=inner.block,
        processes=inner.processes,
        distributed=inner.distributed,
        faults=[*(outer.faults if first else []), *inner.faults],
        notes=[*outer.notes, *inner.notes],
        swallowed=outer.swallowed if first else [],
        settings=dict(outer.settings),
    )
