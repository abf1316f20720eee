"""Combines a launch with the script's own PEP 723 block into the job's settings and the script's inputs."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.analysis.header import Header
from ml_intern_helpers.analysis.options import GivenToScript, Options, ParserOptions
from ml_intern_helpers.analysis.requirements import Requirement, parse_requirement
from ml_intern_helpers.launches.hf_jobs import DEFAULT_FLAVOR
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.parser_options import options_of_launch

#: Keys of `[tool.hf-jobs]` that an option overrides as a whole.
SINGLE = ("image", "flavor", "python", "timeout", "name", "namespace", "network_group")


def header_of_launch(own: Header, launch: Launch) -> Header:
    """The block combined with the launch's options, which override it; some launchers ignore the block."""
    if launch.mode != "jobs":
        return own
    jobs: dict[str, Any] = dict(own.jobs or {}) if launch.reads_header else {}
    from_launch: dict[str, str] = {}
    for key in SINGLE:
        setting = launch.settings.get(key)
        if setting is not None:
            jobs.pop(key, None)
            from_launch[key] = setting.how
            if setting.value:  # an empty option discards the block's value and selects the default
                jobs[key] = setting.value
    no_flavor = launch.settings["flavor"].value == "" if "flavor" in launch.settings else not launch.hidden
    if "flavor" not in jobs and no_flavor:
        jobs["flavor"], from_launch["flavor"] = DEFAULT_FLAVOR, "no --flavor"
    jobs["env"] = {**_texts(jobs.get("env")), **{name: word.text for name, word in launch.environ.items()}}
    mounts = {_mount(volume) for volume in launch.volumes}
    jobs["volumes"] = [*(volume for volume in _list(jobs.get("volumes")) if _mount(volume) not in mounts), *launch.volumes]
    jobs["secrets"] = [*_list(jobs.get("secrets")), *launch.secrets]
    if launch.environ:
        from_launch["env"] = "--env"
    if launch.volumes:
        from_launch["volumes"] = "--volume"
    requirements = (*installed_block(own, launch).requirements, *_packages(launch))
    return own._replace(jobs=jobs, requirements=requirements, from_launch=from_launch)


def installed_block(own: Header, launch: Launch) -> Header:
    """The block, or an empty one where uv runs another program; in an image or on a machine its pins still name the releases."""
    return own if launch.block or launch.installs != "uv" else Header()


def options_with_launch(options: Options, launch: Launch) -> Options:
    """The options with the launch's `--with` added; a job does not use the requirements files of the script's folder."""
    packages = (requirement.text for requirement in _packages(launch))
    return options._replace(with_=(*options.with_, *packages), project=launch.mode != "jobs")


def _mount(volume: str) -> str:
    return volume.removesuffix(":ro").removesuffix(":rw").rpartition(":/")[2]


def _packages(launch: Launch) -> tuple[Requirement, ...]:
    parts = [part for word in launch.packages if not word.unknown for part in _split(word.text)]
    return tuple(requirement for part in parts if (requirement := parse_requirement(part)) is not None)


def _split(text: str) -> list[str]:
    """The packages of `--with a,b`; the commas in `trl>=1,<2` and `trl[a,b]` do not separate packages."""
    parts: list[str] = []
    for part in text.split(","):
        if parts and (part.lstrip()[:1] in "<>=!~" or parts[-1].count("[") > parts[-1].count("]")):
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def given_to_script(own: Header, launch: Launch, config: ParserOptions | None = None) -> GivenToScript:
    """The arguments and variables that the script's process starts with; `config` is a config file that the caller named."""
    environ: dict[str, str | None] = {}
    if launch.reads_header:
        environ |= _texts((own.jobs or {}).get("env"))
        environ |= dict.fromkeys(_list((own.jobs or {}).get("secrets")))
    environ |= {name: None if word.unknown else word.text for name, word in launch.environ.items()}
    environ |= dict.fromkeys(launch.secrets)
    complete = launch.mode == "jobs" and not launch.env_open
    arguments = None if launch.target.kind == "trl" else launch.arguments
    return GivenToScript(arguments, environ, complete, options_of_launch(launch, config))


def _texts(value: object) -> dict[str, str]:
    return {str(name): text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _list(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
