"""The extraction prompt, the answer format and its grounding, under the names that published model cards import."""

from nercot.llm.prompts import extract_messages
from nercot.validation.answers import ParsedAnswer, parse_answer, render_answer
from nercot.validation.grounding import ground

__all__ = ["ParsedAnswer", "extract_messages", "ground", "parse_answer", "render_answer"]
