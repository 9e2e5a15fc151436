"""The one error a user can cause and cure.

Every command turns a `CellmlError` into one paragraph and exit code 2; any other exception is a defect of cellml and keeps its
traceback.
"""

from __future__ import annotations


class CellmlError(ValueError):
    """Bad input from outside the program.

    The message names what is wrong, where, and the remedy; nothing has been written when it is raised. It is a `ValueError`, so that
    library callers need not know this class.
    """


class FileError(CellmlError):
    """A file that is missing, truncated, of another kind than its name says, or without what is needed from it."""


class ContractError(CellmlError):
    """An input that contradicts what a checkpoint was trained on; the message holds both values."""
