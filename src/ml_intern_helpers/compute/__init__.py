"""What this machine and this account can train on."""
