"""Which release of each library the script will run on."""
