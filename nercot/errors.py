"""Every error that a user can meet, on one screen.

The message of each is one line that names the file, row or key and says what to do about it; the
command line prints it and ends with `exit_code`.  A bad record is never an error: it is a dropped
outcome (records.py).  Exceptions are for what the user has to change.
"""

from __future__ import annotations


class NercotError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 2


class InputError(NercotError):
    """A file, folder or row cannot be read: missing, empty, wrong format, not UTF-8."""


class RecipeError(NercotError):
    """A recipe or an option is wrong: unknown key, wrong type, values that do not fit together."""


class OutputError(NercotError):
    """Nothing can be written there: no permission, disk full, something foreign in the way."""


class EndpointError(NercotError):
    """A model's server cannot be used as asked: key, address, model, TLS, provider."""


class LedgerError(NercotError):
    """The file where the ledger should be is damaged or is not a ledger."""


class BusyError(NercotError):
    """Another build of the same corpus is running in the same folder."""


class ShortfallError(NercotError):
    """Everything worked, but the data fell short: no usable row, budget or retry time used up."""

    exit_code = 1


class ConservationError(NercotError):
    """Records in are not kept + dropped + not drawn + pending: a defect of ours, the build stops."""

    exit_code = 1
