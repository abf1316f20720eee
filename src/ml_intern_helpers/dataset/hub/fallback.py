"""Where rows come from when the dataset viewer has none: its Parquet export, then the files themselves."""

from __future__ import annotations

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, Unavailable
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import parquet_export, repository, streaming
from ml_intern_helpers.dataset.hub.repository import Repository
from ml_intern_helpers.dataset.hub.viewer import ViewerError
from ml_intern_helpers.dataset.sample import Sample


def read_sample(ref: DatasetRef, fault: ViewerError, repo: Repository, context: Context) -> Sample:
    """Rows from the Parquet export (it knows the main revision only), else streamed.

    Raises:
        AccessDenied: gated. BadData: a dataset that is code. Unavailable: neither source gives rows.
    """
    if context.offline:
        raise Unavailable(f"{ref.name}: offline, and no stored answer", hint="run again online")
    if fault.kind == "hidden" and repo.gated:
        raise repository.gated(ref.name)
    context.warn(f"not from the dataset viewer: {fault.message}")
    if not ref.revision:
        try:
            return parquet_export.read_sample(ref, fault, context)
        except parquet_export.NoExport:
            pass
    if fault.kind == "script":
        told = f"{ref.name} is a program that makes data, and there is no Parquet export of it; programs are not run"
        raise BadData(told, hint="ask its owner to convert it (`datasets-cli convert_to_parquet`), or use a copy in Parquet")
    try:
        return streaming.read_sample(ref, fault, context)
    except (AccessDenied, NotFound, BadData):
        raise
    except Unavailable as err:
        raise Unavailable(f"{err.message}; before that, {fault.message}", hint=err.hint) from err
