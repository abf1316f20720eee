"""One rule per file, named after its code; `registry` finds them, and `scripts/gen_checks` writes docs/checks.md from them.

A rule is a docstring (a title, why it matters, `Bad:` and `Good:` with an example each), SEVERITY, MODES where it is for one
mode only, and `check(context)`, which yields outcomes. Its cases stand in tests/preflight/cases/CODE.cases.
"""
