"""One rule per file; `registry` finds them, `scripts/gen_checks` writes docs/checks.md from them."""
