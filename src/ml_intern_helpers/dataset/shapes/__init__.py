"""Shapes of rows that need more than renaming columns; each module finds related shapes and says how to read them.

A shape is recognised by whole column names and by what the cells hold. It says what the rows are; where they can be turned into a
prompt and an answer it brings the expressions for that, and where they cannot it says why.
"""
