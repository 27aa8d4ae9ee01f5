"""What a corpus says of itself: counts, findings, card, pictures, Croissant metadata."""
