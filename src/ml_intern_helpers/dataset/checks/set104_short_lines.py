"""Lines of a CSV file with fewer cells than the header has names.

`datasets` fills the missing cells with nulls without a warning. Look at these lines: a cell may contain an unquoted line break.

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

#: The reader of CSV files reports this finding while it reads.
CODE, TOPIC = "SET104", "files"
SEVERITY: Severity = "warning"
