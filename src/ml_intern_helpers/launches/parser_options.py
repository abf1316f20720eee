"""What the arguments of a launch, and the config file they name, mean to the script's TrlParser or HfArgumentParser."""

from __future__ import annotations

from ml_intern_helpers.analysis.script_inputs import ParserOptions
from ml_intern_helpers.launches.field_words import field_words
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.named_config import config_word


def options_of_launch(launch: Launch, besides: ParserOptions | None) -> ParserOptions:
    """The options; `besides` is the config file that the user gives, for a launch whose own cannot be read."""
    found = besides or (launch.config.options if launch.config else ParserOptions())
    file = config_word(launch.args)
    given = field_words([word for word in launch.args if word is not file])
    values = {name: value for name, value in {**found.values, **given.values}.items() if name != "config"}
    hidden = {name: why for name, why in found.hidden.items() if name not in given.values}
    hidden |= {name: f"--{name} of the launch is set by the shell" for name in given.hidden}
    return found._replace(
        values={name: value for name, value in values.items() if name not in hidden},
        hidden=hidden,
        negated=frozenset(given.negated),
        complete=not launch.open and launch.target.kind in ("file", "text"),
    )
