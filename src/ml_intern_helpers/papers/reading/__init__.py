"""A paper's own text: where it is had, its sections, tables and formulas as Markdown, and passages found in it."""
