"""What is wrong with a training script before it costs money.

One direction of reading: `source` (bytes -> syntax tree) -> `script` (scopes, places) -> `names`, `values`, `mappings` (what an
expression means) -> `facts` (everything a rule may ask, computed once) -> `rules/` (one file each) -> `checklist` (the lines).
`knowledge/` holds the names that change with the libraries' releases, and nothing else does.
"""
