"""`--html`: the report as one page that needs no network and runs no stranger's script."""
