"""Finds what is wrong with a training script, or with the command that launches it, before it costs money.

`context` holds everything a rule may ask about a script; each module of `rules/` yields outcomes for it; `examine` asks the
rules, honours suppressions and fills in the `checklist`; `render` makes the report. `launch_check` does the same for a command
line together with the script it starts.
"""
