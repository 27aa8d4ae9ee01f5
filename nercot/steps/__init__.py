"""Record steps (annotate, validate, score) and corpus steps (ingest, select)."""
