"""Holds what is known besides the script's text: the arguments and variables of a launch, and the caller's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.values import Value, computed, default, known, runtime

#: Variables that images, launchers and the Jobs service set, whether or not the command line does.
_BY_OTHERS = frozenset({
    "ACCELERATOR", "CPU_CORES", "HOME", "HOSTNAME", "JOB_ID", "LANG", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
    "MASTER_PORT", "MEMORY", "PATH", "PWD", "PYTHONPATH", "RANK", "SHELL", "TERM", "TMPDIR", "USER", "VIRTUAL_ENV", "WORLD_SIZE",
})  # fmt: skip
_BY_OTHERS_BEGINS = ("HF_", "CUDA", "NVIDIA", "NCCL", "UV_", "ACCELERATE_", "OMP_", "TORCH")
_NONE: Mapping[str, Any] = MappingProxyType({})


class ParserOptions(NamedTuple):
    """What fills the dataclasses of a `TrlParser` or `HfArgumentParser`: a config file, and the options of a launch.

    Attributes:
        values: the known values by name.
        hidden: name -> why its value is not known, although it is set.
        unread: why further names may be set (a file that cannot be read); "" when none can.
        complete: the whole command line is known, so names that it does not set have their defaults.
        file: the config file's name; "" when there is none.
        negated: the names in `values` that a `--no_name` switches off.
    """

    values: Mapping[str, Any] = _NONE
    hidden: Mapping[str, str] = _NONE
    unread: str = ""
    complete: bool = False
    file: str = ""
    negated: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Every name that is set."""
        return [*self.values, *self.hidden]

    def value(self, name: str) -> Value | None:
        """The value that the command line or its config file sets; None when neither does."""
        if name in self.hidden:
            return runtime(self.hidden[name])
        return known(self.values[name]) if name in self.values else None

    @property
    def may_set_more(self) -> bool:
        """An option that is not visible may set further names."""
        return not self.complete or bool(self.unread)

    def over(self, name: str, value: Value) -> Value:
        """`value` as the default of a name that is not set; uncertain where the option `--name` may still be given."""
        return computed(value.value, [default(None, f"--{name}", by_option=True), value]) if self.may_set_more else value


class GivenToScript(NamedTuple):
    """The arguments and variables that the script's process starts with. Without a launch, nothing is known about them.

    Attributes:
        arguments: the script's arguments; None when not known (no launch, or `$ARGS` in it).
        environ: the variables by name; None stands for an unknown value.
        complete: no other variables are set, except those that images and launchers set.
        options: the arguments and their config file as a `TrlParser` or `HfArgumentParser` reads them.
    """

    arguments: tuple[str, ...] | None = None
    environ: Mapping[str, str | None] = _NONE
    complete: bool = False
    options: ParserOptions = ParserOptions()

    def lacks(self, name: str) -> bool:
        """The variable is certainly not set."""
        by_others = name in _BY_OTHERS or name.startswith(_BY_OTHERS_BEGINS)
        return self.complete and name not in self.environ and (not by_others or name == "HF_TOKEN")


NOTHING_GIVEN = GivenToScript()


class Options(NamedTuple):
    """The caller's options for a check.

    Attributes:
        python: the interpreter that will run the script; the releases are then those installed beside it.
        with_: the requirements given at the launch (`uv run --with`).
        offline: nothing is fetched.
        timeout_s: the time limit for fetching one release, or the columns of one dataset.
        progress: a function that is called with a line about each slow step.
        project: the requirements of the project around the script count, too.
        parser_options: the settings in the config file that the user names; None without one.
        column_source: a function that fetches the real columns of the datasets; None to use the script alone.
    """

    python: str | None = None
    with_: tuple[str, ...] = ()
    offline: bool = True
    timeout_s: float = 180
    progress: Callable[[str], None] = lambda text: None
    project: bool = True
    parser_options: ParserOptions | None = None
    column_source: Callable[[Any], None] | None = None


#: Only the script's own requirements and its project's count, and nothing is fetched.
DEFAULT_OPTIONS = Options()
