"""Tests of the evaluator of Python source: values, parser options, releases, requirements."""
