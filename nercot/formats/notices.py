"""What a user should be told of a file that is read: which reading was chosen, what looks odd.

In: one line.  Out: the same line, once in a process, as a warning of the logger `nercot.formats`, which Python
writes to standard error where nothing else is set up.  Never stops anything, never repeats itself.
"""

from __future__ import annotations

import logging
from functools import cache

_LOG = logging.getLogger("nercot.formats")


@cache
def say(line: str) -> None:
    """Tells a line, unless it was told before."""
    _LOG.warning("%s", line)
