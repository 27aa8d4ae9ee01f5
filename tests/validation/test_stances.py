# ruff: noqa: E501 - a passage of a trace reads best unbroken
"""One mention, two types: what a passage settles on, whichever way it says so.

`{x}` is the mention, `{w}` the type that the passage ends with, `{l}` the one that it weighs.  Each passage is read in
three sentences: as the reason for an answer that lists the mention as `{w}`, as `{l}`, and not at all.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from nercot.justification import justify
from nercot.validation.grounding import ground


class Setting(NamedTuple):
    """A sentence with everything but one mention argued for; `right` and `wrong`: the types weighed for that one."""

    sentence: str
    schema: tuple[str, ...]
    mention: str
    right: str
    wrong: str
    others: tuple[tuple[str, str], ...]
    trace: str


SETTINGS = (
    Setting(
        "Falcon beat Zenith in Austin on Sunday .",
        ("team", "company", "city", "person", "planet", "date"),
        "Zenith",
        "team",
        "planet",
        (("company", "Falcon"), ("city", "Austin"), ("date", "Sunday")),
        "Falcon is a company. Austin is a city. Sunday is a date. ",
    ),
    Setting(
        "Mutations in ATM were found in patients with adenoma treated with sulindac .",
        ("gene", "disease", "chemical"),
        "ATM",
        "gene",
        "disease",
        (("disease", "adenoma"), ("chemical", "sulindac")),
        "- adenoma: a tumour, so disease.\n- sulindac: a drug, chemical.\n- ",
    ),
    Setting(
        "Ada Quill wrote The Salt Road for Lantern in Lisbon .",
        ("writer", "book", "publisher", "location", "magazine"),
        "Lantern",
        "publisher",
        "magazine",
        (("writer", "Ada Quill"), ("book", "The Salt Road"), ("location", "Lisbon")),
        "Let me go through this. Ada Quill is a writer, The Salt Road is a book that she wrote, and Lisbon is where it happened, so a location.\n\n",
    ),
)

SETTLED = (
    "{x} might pass for a {l}, yet on balance the {w} reading is stronger, so that's where it goes.",
    "{x}: my first instinct says {l}. But look at the words around it, they need a {w}. I'll change it.",
    "{x} was on my {l} pile for a moment. It belongs on the {w} pile.",
    "{x} – some people would file this under {l}. I file it under {w}.",
    "Between {w} and {l}, I give {x} to the first.",
    "{x} is closer to a {w} than to a {l}.",
    "{x} is more of a {w} than a {l}.",
    "With {x} the choice is {w} or {l}; the text speaks for the first of these, a {w}.",
    "{x} as {l}? I considered that. In the end {w} wins.",
    "{x} as {l}? I considered that. In the end {w} carries the day.",
    "For {x}, {w} trumps {l}.",
    "For {x}, {l} loses out to {w}.",
    "{x}. Not {l}, even if it looks that way. {w}.",
    "{x} -> {l}?? no -> {w}",
    "{x}: {l}... hmm, no. {w}.",
    "{x}: {l}, correction: {w}.",
    "{x}: I'd put {l} at first, but the rest of the sentence turns it into a {w}.",
    "At first I took {x} for a {l}. On a second reading it's a {w}.",
    "I was going to tag {x} as {l}, but it makes more sense as {w}.",
    "I nearly tagged {x} as {l}; {w} is right.",
    "Normally {x} is a {l}. In this sentence it's a {w}.",
    "Usually I'd mark {x} as {l}, but here it's being used as a {w}.",
    "{x} looks for all the world like a {l}, but it functions as a {w}.",
    "{x} shares its name with a {l}; what's meant is the {w}.",
    "{x}: a {w}, though there's also a {l} of that name.",
    "{x} is a {w}; the {l} of the same name has nothing to do with it.",
    "{x} - {w}. (One could argue for {l}, I don't.)",
    "{x} - {w}. I thought about {l} but rejected it.",
    "{x} is a {w} despite sounding like a {l}.",
    "Is {x} a {l} or a {w}? The latter.",
    "Is {x} a {w} or a {l}? The former, I'd say.",
    "What is {x}? Could be a {l}. But then the sentence would make little sense. So: {w}.",
    "{x}, a {l}? I doubt it. A {w}? Yes.",
    "{x}: {l} no, {w} yes.",
    "{x}: {w} yes, {l} no.",
    "{x} | {l}? no | {w}? yes",
    "The only reason to call {x} a {l} is its spelling. The grammar makes it a {w}.",
    "{x} is used in the sense of a {w} here, and the {l} sense plays no role.",
    "{x} means the {w} in this context rather than the {l}.",
    "{x} doesn't refer to a {l} in this case. It refers to a {w}.",
    "As for {x}, I go back and forth between {l} and {w}. I'll settle on {w}.",
    "As for {x}, I keep coming back to {l}, and each time I end with {w}.",
    "{x} gets {w}. I did weigh {l}.",
    "{x} gets {w} instead of {l}.",
    "I'm taking {x} out of {l} and putting it into {w}.",
    "Earlier I wrote that {x} is a {l}. That was wrong: it's a {w}.",
    "Let me revise {x}: {w}, not {l}.",
    "Wait, {x} isn't a {l} at all. It's a {w}!",
    "{x}: tempting to say {l}. Resist. It's a {w}.",
    "{x} reads like a {l} if you skim it; read properly, the sentence has it as a {w}.",
    "To my mind {x} is a {w}, whatever the {l} fans say.",
    "{x}: of the two candidates {l} and {w}, only {w} survives.",
    "{x}: ruling out {l}, I'm left with {w}.",
    "{x} falls under {w}; {l} would be a misreading.",
    "{x} falls under {w}, since calling it a {l} would miss the point.",
    "Calling {x} a {l} would miss the point. It's a {w}.",
    "The {l} called {x} isn't meant. The {w} called {x} is.",
    "{x} isn't a {l}; it's the name of a {w}.",
    "{x} is the name of a {w}, and no {l} is involved.",
    "We know {x} as a {l}, but in this text {x} is a {w}.",
    "{x} - literally a {l}, figuratively a {w}, and the figurative sense counts.",
    "I want to say {l} for {x}, but I have to say {w}.",
    "Everything about {x} suggests {l} except the context, which makes it a {w}.",
    "{x} is listed with the {w} items then, and not with the {l} ones.",
    "Nothing goes under {l}: {x} turned out to be a {w}.",
    "So {x} ends up as a {w}, no longer a {l}.",
    "{x}: {w} beats {l} here.",
    "Though it could also name a {l}, {x} is a {w}.",
    "If this were a text on something else I'd read {x} as a {l}, but it's a {w} here.",
    "{x} isn't so much a {l} as a {w}.",
    "{x} is less a {l} than a {w}.",
    "{x} is a {w} rather than a {l}.",
    "{x} is no {l} but a {w}.",
    "Far from being a {l}, {x} is a {w}.",
    "Instead of {l}, {w} fits {x}.",
    "{x} should be {w}. Should it be {l}? No.",
    "{x}: first {l}, then {w}, final answer {w}.",
    "{x} stays a {w} even after thinking about {l}.",
    "What about {x}? It's spelled like a {l}, it isn't one. It's a {w}.",
    "{x}, you'd think, is a {l}. Wrong. It's a {w}.",
    "{x} is a {w} as far as this text is concerned. As far as the encyclopedia goes it's a {l}.",
    "A {l}, {x}? No, a {w}.",
    "A {w}, then, is what {x} is, and the {l} idea can go.",
    "{x}. {w}. I don't see a {l} in it.",
    "Taken alone {x} is a {l}; taken with its neighbours it's a {w}.",
    "{x} had better be a {w}, since a {l} wouldn't make sense after that verb.",
    "The sentence doesn't talk about a {l}. {x} is a {w} in it.",
    "I keep wanting to read {x} as a {l}, which is silly. {w}.",
    "{x}: not really a {l}; rather a {w}.",
    "If I had only {x} to go by I'd guess {l}. With the rest of the line it becomes clear that it's a {w}.",
    "People hear {x} and think {l}. Here they should think {w}.",
    "{x} isn't the {l} that comes to mind but a {w} with the same name.",
    "For {x} there are two options, {w} and {l}. I pick the first option.",
    "Do I want {l} or {w} for {x}? {w}.",
    "Hmm, {x}. A {l}? That can't be, so a {w}.",
    "{x} belongs to {w} and not, as one may think, to {l}.",
    "The word {x} normally stands for a {l}; this time a {w} has that name.",
    "{x} feels like {l}, yet the label that applies is {w}.",
    "Of {l} and {w}, the better match for {x} is {w}.",
    "I decided on {w} for {x} after dismissing {l}.",
    "{x} as a {l} would be a stretch; as a {w} it's natural.",
    "The {l} label is not for {x}. It takes the {w} label.",
    "Swap {l} for {w} in the case of {x}.",
    "{x}: strike {l}, write {w}.",
    "{x} must be the {w}, there's no {l} around.",
    "No {l} is meant by {x}, only a {w}.",
    "So much for {x} being a {l}: it is a {w}.",
    "I'd have sworn {x} was a {l}. The verb proves me wrong, it's a {w}.",
)

REFUSED = (
    "{x} might be a {l}, but I don't think it names one here, so it stays out.",
    "{x}: {l}? Too vague for me. Not listed.",
    "{x} as a {l} would be overdoing it. I won't.",
    "I thought of adding {x} as {l}, but no.",
    "{x} is tempting as {l}. I pass.",
    "{x} could be seen as a {l}. I don't see it that way, so no entry for it.",
    "{x} isn't a {l} in the narrow sense. Leaving it.",
    "{x} doesn't make the cut as {l}.",
    "{x}: it's {l}-like, but not enough.",
    "What about {x}? Nah.",
    "What about {x}? A {l} perhaps. But nothing hinges on it and I'd rather keep the answer tight. Out.",
    "{x} was in my {l} list. I took it off again.",
    "{x}: I had it as {l}, and on reflection I'm removing it.",
    "{x} isn't something I'd annotate.",
    "{x} remains without a label.",
    "There's {x} too, but none of the labels covers it.",
    "Should {x} be a {l}? I say no.",
    "Does {x} count as a {l}? I'd say not.",
    "If {x} were a {l}, I'd need more evidence. There isn't any. So I don't include it.",
    "{x} would be a {l} only with a lot of goodwill, which I don't have.",
    "No {l} in {x}.",
    "I see no {l} in {x}, it's just a word.",
    "{x} stays out of the {l} list.",
    "I keep {x} out of the {l} list.",
    "{x} won't go under {l}, nor under anything else.",
    "{x} reminds me of a {l}, but I can't defend it. I leave it.",
    "{x} might do as a {l}. Still, I'd rather not have it in the list.",
    "For a {l}, {x} is too general. Not taken.",
    "{x} sounds like a {l}; the text doesn't use it as one, though, so there's nothing to tag.",
    "I looked at {x} as well: it's not a {l}, and no other type fits.",
    "{x} doesn't get a type.",
    "First I had {x} under {l}; I'm dropping it.",
)


def findings(setting: Setting, passage: str, label: str | None) -> set[str]:
    """The findings on the mention, where the answer lists it as `label` or not at all."""
    trace = setting.trace + passage.format(x=setting.mention, w=setting.right, l=setting.wrong)
    listed = [*setting.others, *([(label, setting.mention)] if label is not None else [])]
    entities = ground(setting.sentence, listed, trace)
    found = justify(setting.sentence, setting.schema, trace, entities).findings
    return {finding.rule for finding in found if finding.entity is None or finding.entity.text == setting.mention}


@pytest.mark.parametrize("passage", SETTLED)
def test_the_type_that_a_passage_settles_on_is_the_one_that_counts(passage):
    for setting in SETTINGS:
        assert not findings(setting, passage, setting.right)
        assert findings(setting, passage, setting.wrong)
        assert "missing_from_answer" in findings(setting, passage, None)


@pytest.mark.parametrize("passage", REFUSED)
def test_a_mention_that_a_passage_refuses_is_not_listed(passage):
    for setting in SETTINGS:
        assert findings(setting, passage, setting.wrong)
        assert not findings(setting, passage, None)


ROW = "Oskar Brandt played with Lena Falk , Tim Rehm and Ina Volz in Graz ."
MEMBERS = ["Oskar Brandt", "Lena Falk", "Tim Rehm", "Ina Volz"]
IN_ONE_BREATH = [
    ("musician: Oskar Brandt, Lena Falk, Tim Rehm, and Ina Volz.\ncity: Graz.", True),
    ("city: Graz\nmusician: the four Oskar Brandt, Lena Falk, Tim Rehm, Ina Volz, in the order of the text", True),
    ("Musicians, four of them: Oskar Brandt first, Lena Falk next, Tim Rehm, Ina Volz. Graz is the city.", True),
    ("musician: Oskar Brandt, Lena Falk and Ina Volz. Tim Rehm: a manager, as far as I know. city: Graz.", False),
    ("musician: Oskar Brandt, Lena Falk, Ina Volz. Not Tim Rehm, who only carried the case. city: Graz.", False),
    ("musician: Oskar Brandt, Lena Falk, the Tim Rehm student Ina Volz. city: Graz.", False),
]


@pytest.mark.parametrize(("cot", "missing"), IN_ONE_BREATH)
def test_a_name_in_one_breath_with_listed_ones_is_missed(cot: str, missing: bool) -> None:
    listed = [("musician", name) for name in MEMBERS if name != "Tim Rehm"] + [("city", "Graz")]
    found = justify(ROW, ("musician", "city"), cot, ground(ROW, listed, cot)).findings
    assert [(one.rule, one.entity and one.entity.text) for one in found] == [
        ("missing_from_answer", "Tim Rehm")
    ] * missing
