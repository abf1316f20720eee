"""Arguments, errors, exit codes and printing, once for all commands."""
