"""The embedded teacher and judge: offline, deterministic, no model.  They give the tour, the tests and a baseline
their data, and are named `embedded` wherever provenance is shown.

`annotate`: records with gold -> an Answer with a trace that argues for it (annotator.py; scene.py and clues.py read
the sentence, lexicon.py knows words, frames.py has the wording, writer.py puts it together); `require_gold` refuses a
source that has none.  `score`: records with trace and entities -> a Judgement (rubric.py).  Neither calls anything or
writes to the ledger.
"""

from nercot.embedded.annotator import annotate, require_gold
from nercot.embedded.rubric import score

__all__ = ["annotate", "require_gold", "score"]
