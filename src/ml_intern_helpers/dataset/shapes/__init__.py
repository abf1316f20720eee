"""Recognises shapes of rows that need more than renaming columns; each module finds related shapes.

A shape is recognised by whole column names and by the values of the cells. It describes the rows, and holds the expressions that
turn them into a prompt and an answer, or the reason why that is not possible.
"""
