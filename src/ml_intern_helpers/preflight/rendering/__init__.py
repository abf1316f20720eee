"""The examination told: checklist and findings, SARIF, the diff of `--fix`."""
