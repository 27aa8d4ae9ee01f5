"""What makes an answer valid: parsing, grounding, rules, and the comparison of spans."""
