"""Shapes of rows that take more than another name for a column: one module finds one shape and writes down how to read it.

A shape is recognised by whole column names and by what the cells hold. It says what the rows are; where they can be turned into a
prompt and an answer it brings the expressions for that, and where they cannot it says why.
"""
