"""nercot builds, validates, scores and versions NER-CoT, a named-entity corpus with reasoning traces."""

__version__ = "0.1.0"
