"""Tests of `preflight_check --launch`."""
