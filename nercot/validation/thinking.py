"""Where a reply's thinking ends: the marks that models and servers put around it, wherever these leave them.

In: the text of a reply.  Out: the thinking, what comes after it, and whether the thinking is closed; None where
there is no mark.  Known are `<think>`, `<thinking>`, `<thought>`, `<reasoning>` with or without a prefix
(`<seed:think>`), `[THINK]`, the channels of gpt-oss and of Gemma, and the marks of a few others.  A mark counts
only where thinking can begin, at the start of the reply, or where it closes what a template has opened: in the
middle of an answer it is data.  Never looks at what the thinking says; takes time linear in the length of the
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = "think|thinking|thought|thoughts|reasoning|reason|analysis|scratchpad"
# An opening mark at the start of a reply, and what closes it.
_TAG = re.compile(rf"<((?:\w+:)?(?:{_WORDS}))>", re.IGNORECASE)
_OPENINGS = (
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|think|>", "<|/think|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>thought", "<unused95>"),
)
# What closes thinking that the prompt's template has opened (`</think>` is answers.py's own: it also stands inside).
_LONE = re.compile(
    rf"</(?:\w+:)?(?:{_WORDS})>|\[/THINK\]|◁/think▷|<\|end_thinking\|>|<\|end_of_thought\|>", re.IGNORECASE
)
_OPENED = re.compile(
    rf"<(?:\w+:)?(?:{_WORDS})>|\[THINK\]|◁think▷|<\|(?:start_thinking|begin_of_thought)\|>", re.IGNORECASE
)
# What stands around an answer that follows such thinking.
_FRAME = re.compile(r"<\|(?:start|end)_response\|>|<\|(?:begin|end)_of_solution\|>", re.IGNORECASE)
# gpt-oss: `<|start|>assistant<|channel|>NAME ... <|message|>TEXT<|end|>`; NAME of the answer is final.
_CHANNEL = re.compile(
    r"(?:<\|start\|>[^<]{0,80})?<\|channel\|>\s*(\w+)[^<]{0,200}(?:<\|constrain\|>[^<]{0,80})?<\|message\|>"
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call)\|>")
# The same where the server has taken the special tokens away.
_BARE, _BARE_FINAL = "analysis", "assistantfinal"


@dataclass(frozen=True, slots=True)
class Thinking:
    """The thinking of a reply, and what comes after it; `closed`: whether it says where the thinking ends."""

    cot: str
    rest: str
    closed: bool = True


def split_thinking(text: str) -> Thinking | None:
    """The thinking at the start of a reply, None where no known mark says that there is any.

    Of `<think>` see answers.py: that is the format of answers itself, and read there.
    """
    start = len(text) - len(text.lstrip())
    return _channels(text, start) or _bare(text, start) or _marked(text, start) or _lone(text, start)


def after_thinking(text: str) -> str:
    """What a reply says after its thinking; "" where the thinking is opened and never closed."""
    _, closing, rest = text.rpartition("</think>")
    rest = rest if closing else text
    thinking = split_thinking(rest)
    if thinking is not None:
        return thinking.rest if thinking.closed else ""
    return "" if rest.lstrip().startswith("<think>") else rest


def _marked(text: str, start: int) -> Thinking | None:
    """Thinking between an opening mark and its closing one."""
    closing = None
    head = text[start : start + 40].lower()
    if (tag := _TAG.match(text, start)) is not None and tag[1].lower() != "think":
        begin, closing = tag.end(), f"</{tag[1]}>"
    else:
        for opening, closed_by in _OPENINGS:
            if head.startswith(opening):
                begin, closing = start + len(opening), closed_by
                break
    if closing is None:
        return None
    found = re.compile(re.escape(closing), re.IGNORECASE).search(text, begin)
    if found is None:
        return Thinking(_trimmed(text[begin:]), "", closed=False)
    return Thinking(_trimmed(text[begin : found.start()]), _FRAME.sub("", text[found.end() :]))


def _lone(text: str, start: int) -> Thinking | None:
    """Thinking that only its end tells of, or that begins after a word or two.

    An answer that begins at once has none, whatever its strings hold.
    """
    if text[start : start + 1] in ("{", "`"):
        return None
    found = _LONE.search(text, start)
    if found is not None and found[0].lower() == "</think>":
        return None
    opened = _OPENED.search(text, start, found.start() if found else max(text.find("{"), 0))
    if found is None:
        if opened is None or opened[0].lower() == "<think>":
            return None
        return Thinking(_trimmed(text[opened.end() :]), "", closed=False)
    begin = opened.end() if opened else 0
    return Thinking(_trimmed(text[begin : found.start()]), _FRAME.sub("", text[found.end() :]))


def _channels(text: str, start: int) -> Thinking | None:
    """The channels of gpt-oss: what is not in the channel `final` is thinking."""
    first = _CHANNEL.match(text, start)
    if first is None:
        return None
    thought, final = [], None
    for head in _CHANNEL.finditer(text):
        following = _CHANNEL.search(text, head.end())
        said = text[head.end() : following.start() if following else len(text)]
        end = _CHANNEL_END.search(said)
        said = said[: end.start()] if end else said
        if head[1].lower() == "final":
            final = (final or "") + said
        else:
            thought.append(_trimmed(said))
    return Thinking("\n".join(thought), final or "", closed=final is not None)


def _bare(text: str, start: int) -> Thinking | None:
    at = text.find(_BARE_FINAL, start) if text.startswith(_BARE, start) else -1
    if at < 0:
        return None
    return Thinking(_trimmed(text[start + len(_BARE) : at]), text[at + len(_BARE_FINAL) :])


def _trimmed(text: str) -> str:
    return text.removeprefix("\n").removesuffix("\n")
