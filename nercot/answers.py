"""The answer format and the extraction prompt, under the names that published model cards import."""

from nercot.llm.prompts import extract_messages
from nercot.validation.answers import ParsedAnswer, parse_answer, render_answer

__all__ = ["ParsedAnswer", "extract_messages", "parse_answer", "render_answer"]
