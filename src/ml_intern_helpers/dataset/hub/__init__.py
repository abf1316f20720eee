"""Reads rows from the Hugging Face Hub: from the dataset viewer, else from the Parquet export, else by streaming the files."""
