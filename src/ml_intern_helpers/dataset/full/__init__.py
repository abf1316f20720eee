"""The full scan: every row of a dataset counted by DuckDB, in bounded memory, with the SQL definitions of the checks."""
