"""Lines of a CSV file with fewer cells than the header has names.

`datasets` fills the cells that are missing with nulls and says nothing. Look at these lines: a cell may hold a line break
that should be quoted.

Bad:
    # rows.csv
    prompt,completion
    Which metal conducts best?,Silver
    Which metal is liquid?

Good:
    # rows.csv
    prompt,completion
    Which metal conducts best?,Silver
    Which metal is liquid?,Mercury
"""

from __future__ import annotations

from ml_intern_helpers.core.report import Severity

#: Found by the reader of CSV files, while it reads them.
CODE, TOPIC = "SET104", "files"
SEVERITY: Severity = "warning"
