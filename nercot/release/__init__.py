"""Frozen candidates: numbering, invariants, rebuilding, comparing, publishing, hydrating."""
