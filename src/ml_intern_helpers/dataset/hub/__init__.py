"""Rows from the Hugging Face Hub: the dataset viewer first, then its Parquet export, then streaming the files."""
