"""The wording of the embedded annotator: openings, reasons, conclusions, dismissals, closings.

All text that a trace is made of stands here, as frames with slots.  A frame is known by its first word: the
annotator never lets two consecutive sentences begin alike.  Sentences that accept a mention hold no negation, and
sentences that dismiss something hold no affirmation, so that neither can be read as the other.

Slots: {m} a mention in quotes, {ms} several; {L} a type in backquotes, {ls} several; {is_L} what follows "is";
{c} a reason, a clause that calls the mention "it"; {w}, {x} words quoted from the sentence; {g}, {gs} what the
family of the type names ("a person", "people"); {t} what the sentence is about, {n} how many types there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A sentence with slots; `key`: what it begins with, a quotation and a type standing for themselves."""

    key: str
    text: str


def _frames(*texts: str) -> tuple[Frame, ...]:
    return tuple(Frame(text.split(" ", 1)[0].rstrip(",:"), text) for text in texts)


# One family of openings for each first digit of a guid; no first word is in two of them.
OPENINGS: tuple[tuple[Frame, ...], ...] = (
    _frames(
        "First the setting: {t}.",
        "First of all, {t}.",
        "First comes the subject; {t}.",
        "First I ask what this is about, and {t}.",
        "First impressions help, for {t}.",
        "First a look at the whole: {t}, and there are {n} to consider.",
    ),
    _frames(
        "The setting is quickly told, since {t}.",
        "The subject comes first: {t}.",
        "The wording helps, because {t}.",
        "The question is which of {n} occur, and {t}.",
        "The text as a whole is easy to place: {t}.",
        "The schema has {n}, and of the sentence one can say that {t}.",
    ),
    _frames(
        "Reading this, I notice that {t}.",
        "Reading it through shows that {t}.",
        "Reading for {n}, I find that {t}.",
        "Reading once is enough to see that {t}.",
        "Reading slowly, I see that {t}.",
        "Reading from left to right, I gather that {t}.",
    ),
    _frames(
        "What the sentence deals with is soon clear: {t}.",
        "What stands here can be placed at once, for {t}.",
        "What strikes me is that {t}.",
        "What has to be found are mentions of {n}, and {t}.",
        "What helps is that {t}.",
        "What we have here is easy to describe: {t}.",
    ),
    _frames(
        "Before anything else, {t}.",
        "Before the names, the setting: {t}.",
        "Before weighing single words, I note that {t}.",
        "Before going through {n}, I see that {t}.",
        "Before deciding on anything, a word on the context: {t}.",
        "Before looking for mentions, it helps to know that {t}.",
    ),
    _frames(
        "To begin with, {t}.",
        "To start, I take in the whole: {t}.",
        "To find mentions of {n}, I go by the context: {t}.",
        "To get my bearings, I note that {t}.",
        "To place the sentence is easy, since {t}.",
        "To judge the single words, one has to see that {t}.",
    ),
    _frames(
        "My first observation is that {t}.",
        "My aim is to find mentions of {n}, and I see that {t}.",
        "My starting point is the context: {t}.",
        "My way in is the vocabulary: {t}.",
        "My reading begins with the topic, and {t}.",
        "My eye falls on the setting, as {t}.",
    ),
    _frames(
        "With {n} in mind, I see that {t}.",
        "With regard to the topic, {t}.",
        "With the whole sentence before me, I find that {t}.",
        "With the context in view, {t}.",
        "With one look it is clear that {t}.",
        "With names to look for, it matters that {t}.",
    ),
    _frames(
        "There are {n} to look for, and {t}.",
        "There is a clear setting: {t}.",
        "There is little doubt about the topic, for {t}.",
        "There might be mentions of {n}, given that {t}.",
        "There seems to be one subject here: {t}.",
        "There remains the context to go by, and {t}.",
    ),
    _frames(
        "Let me place the sentence first: {t}.",
        "Let us see what it is about: {t}.",
        "Let me go through {n}, knowing that {t}.",
        "Let me keep in mind that {t}.",
        "Let the context speak: {t}.",
        "Let me note at the start that {t}.",
    ),
    _frames(
        "Here the context is plain: {t}.",
        "Here is a sentence of which I can say that {t}.",
        "Here I check for {n}, and {t}.",
        "Here one sees at once that {t}.",
        "Here it matters that {t}.",
        "Here, above all, {t}.",
    ),
    _frames(
        "In this text I look for {n}, and {t}.",
        "In short, {t}.",
        "In its wording the sentence is clear, for {t}.",
        "In front of me is a text, and {t}.",
        "In outline, {t}.",
        "In what follows I check {n}, bearing in mind that {t}.",
    ),
    _frames(
        "I start from the context: {t}.",
        "I see that {t}.",
        "I have {n} to check, and {t}.",
        "I first ask what is being said, and {t}.",
        "I note the setting, since {t}.",
        "I begin by observing that {t}.",
    ),
    _frames(
        "At first sight {t}.",
        "At issue are {n}, and {t}.",
        "At the outset I note that {t}.",
        "At a glance, {t}.",
        "At the start stands the topic: {t}.",
        "At hand is a text of which one can say that {t}.",
    ),
    _frames(
        "Looking at the whole, I see that {t}.",
        "Looking for {n}, I find that {t}.",
        "Looking beyond single words, I notice that {t}.",
        "Looking it over, I gather that {t}.",
        "Looking closely shows that {t}.",
        "Looking first at the context, I note that {t}.",
    ),
    _frames(
        "This is the setting: {t}.",
        "This can be placed, as {t}.",
        "This sentence gives itself away, since {t}.",
        "This calls for a look at {n}, and {t}.",
        "This text has a clear subject, for {t}.",
        "This much is clear from the start: {t}.",
    ),
)

# What the sentence is about: by its field, by its form, by its words, by its size.
TOPICS: Mapping[str, tuple[str, ...]] = {
    "field_two": (
        "it is about {field}, as {w} and {x} show",
        "it belongs to {field}, to judge by {w} and {x}",
        "the words {w} and {x} place it in {field}",
        "it speaks of {field}, with words such as {w} and {x}",
    ),
    "form": ("it has the form of {field}", "it is written like {field}", "it looks like {field}"),
    "words_two": (
        "its wording turns on {w} and {x}",
        "it is the words {w} and {x} that carry it",
        "its context is given by {w} and {x}",
        "the words {w} and {x} set the scene",
    ),
    "words_one": ("its wording turns on {w}", "it is the word {w} that sets the scene", "its context is given by {w}"),
    "whole": ("it says just {w}", "it reads {w} and no more", "all of it is {w}"),
    "line": ("it opens with the line {w}", "its first line is {w}"),
    "begin": ("it begins with {w} and comes to {size}", "its first word of weight is {w}, one of {size}"),
    "size": ("it is a text of {size}", "it consists of {size}", "it comes to {size}"),
}

# Acceptance of one mention.
ACCEPT = _frames(
    "{m} is {is_L}: {c}.",
    "Because {c}, {m} is {is_L}.",
    "As for {m}, {c}, so its type is {L}.",
    "For {m} the type is {L}, since {c}.",
    "I read {m} as {L}, given that {c}.",
    "The type of {m} is {L}, for {c}.",
    "Take {m}: {c}, and that makes it {L}.",
    "{L} is right for {m}, because {c}.",
    "Since {c}, {m} counts as {L}.",
    "When it comes to {m}, {c}; so it is {is_L}.",
    "Turning to {m}, I see that {c}, and so it is {is_L}.",
    "That {m} is {is_L} follows from the sentence: {c}.",
    "It is {L} that fits {m}: {c}.",
    "Looking at {m}, I find that {c}; therefore it is {is_L}.",
    "Clearly {m} is {is_L}, as {c}.",
    "Given that {c}, {m} goes under {L}.",
    "In the case of {m}, {c}, which speaks for {L}.",
    "Seeing that {c}, I take {m} as {L}.",
)
# The same for any mention but the first.
ACCEPT_NEXT = ACCEPT + _frames(
    "One more mention is {m}, of type {L}: {c}.",
    "Likewise there is {m}, and {c}; its type is {L}.",
    "Next comes {m}; {c}, so it is {is_L}.",
    "Then there is {m}, and its type is {L}, because {c}.",
)

# Acceptance of mentions that go on with a list.
ACCEPT_LIST = _frames(
    "{ms} {go} on in the list that {m} begins, and so {they_are} {L} as well.",
    "Joined to {m} in one list, {ms} {share} its type, {L}.",
    "The list goes on with {ms}, like {m} of type {L}.",
    "Beside {m} {stand} {ms}, and what is listed together is of one type, {L}.",
    "What holds for {m} holds for {ms} too, coordinated as they are: {L}.",
)

# Acceptance of further mentions of a type, each with a short reason in brackets.
ACCEPT_MORE = _frames(
    "{L} also covers {ms}.",
    "Of the same type, {L}, {are} {ms}.",
    "Further mentions of {L} are {ms}.",
    "To {L} belong {ms} as well.",
    "The type {L} fits {ms} for similar reasons.",
    "Equally I count {ms} as {L}.",
)

# Acceptance of a span with two types, and with more.
ACCEPT_BOTH = _frames(
    "{m} has two types at once: it is {is_L}, as {c}, and it is also {is_K}, as {d}.",
    "Two types meet in {m}: {L}, because {c}, and {K}, because {d}.",
    "Both {L} and {K} are right for {m}: for the one, {c}; for the other, {d}.",
    "As far as {m} is concerned, {c}, which makes it {L}, and {d}, which makes it {K} too.",
)
ACCEPT_ALL = _frames(
    "{m} is of several types at once, {ls}: {c}.",
    "Several types meet in {m}, namely {ls}, and {c}.",
    "All of {ls} are right for {m}: {c}.",
)

# Put behind a mention that occurs more than once.
REPEATED = ("{m} ({times})", "{m} (it occurs {times})", "{m} ({times} in this sense)")
# Put around a mention that is a part of a longer one.
NESTED = ("the {m} within the longer name", "{m} as a part of the longer name", "the {m} that the longer name contains")

# A second reason.
AND_ALSO = ("{c}, and {d}", "{c}, and besides {d}", "{c}, and moreover {d}", "{c}, and at the same time {d}")

# The reasons.  "it" is the mention.
CLAUSES: Mapping[str, tuple[str, ...]] = {
    "copula": (
        "the sentence itself says of it {w}",
        "the words that follow, {w}, define it",
        "it is explained by what comes next, {w}",
    ),
    "apposition": (
        "it is explained by {w} right beside it",
        "the description {w} is set next to it",
        "the words {w}, put beside it, tell what it is",
    ),
    "heading": ("it stands after the heading {w}", "{w} with a colon introduces it", "the line announces it with {w}"),
    "title": (
        "the word {w} right before it is a word for {g}",
        "it has {w} in front of it, as {gs} do",
        "the word {w} introduces it, which is how one speaks of {g}",
    ),
    "noun_before": (
        "the noun {w} right before it tells what it is",
        "it is introduced by {w}, a word for {g}",
        "the word {w} stands before it and names the sort of thing",
    ),
    "named": ("the word {w} before it announces a name, that of {g}", "it is the name given after {w}"),
    "noun_of": ("the word {w} leads up to it and tells what it is", "it is what {w} refers to"),
    "noun_after": (
        "the noun {w} right after it tells what it is",
        "it comes in front of {w}, which names the sort of thing",
        "the word {w} follows, a word for {g}",
    ),
    "currency": (
        "it puts a figure together with {w}, a sign of money",
        "{w} turns the figure in it into a sum of money",
    ),
    "percent": ("the sign {w} makes its figure a share of a hundred", "its figure carries {w}"),
    "unit": ("it is a figure with the unit {w}", "the unit {w} turns the figure into a measure"),
    "span": ("it measures time, with {w} in it", "{w} in it counts time"),
    "calendar": ("{w} in it is a word of the calendar", "it tells the time by {w}"),
    "calendar_word": ("it is a word of the calendar itself", "the calendar has it among its words"),
    "span_word": ("it is a measure of time itself",),
    "year": ("its four digits are those of a calendar year", "four digits like these stand for a year"),
    "clock": ("it has the hours and minutes of a time of day", "its figures are set as on a clock"),
    "digits": ("it is written in figures, as {gs} are", "its figures are those of {g}"),
    "number": ("it is itself a word for a number", "being a word for a number, it counts or ranks something"),
    "number_word": ("{w} in it is a word for a number", "it counts, with {w} in it"),
    "mail": ("it has the form of an e-mail address, with a sign between user and host",),
    "web": ("it has the form of a web address", "its dots are those of an address on the web"),
    "handle": (
        "the sign {w} in front is how an account is addressed",
        "it begins with {w}, like the name of an account",
    ),
    "hashtag": ("the sign {w} in front marks a tag or a reference", "it begins with {w}, as tags and references do"),
    "file": ("the ending {w} in its spelling is that of a file or a dotted name", "its spelling closes with {w}"),
    "identifier": ("its spelling with {w} is that of an identifier in code", "{w} in its spelling is a sign of code"),
    "short_form": (
        "it is a short form in capitals, as {gs} often have",
        "its capitals make a short form of a longer name",
    ),
    "code": ("its letters and digits together are in the style of {gs}", "it is a code of letters and digits"),
    "head_last": (
        "its last word, {w}, says what it is",
        "the name ends in {w}, a word for {g}",
        "its head noun is {w}",
    ),
    "head_first": ("the name begins with {w}, a word for {g}", "its first word, {w}, says what it is"),
    "head_inner": ("the word {w} within the name says what it is", "the name contains {w}, a word for {g}"),
    "honorific": ("the word {w} after it is a form of address for people", "it is followed by the honorific {w}"),
    "particle_place": ("the particle {w} after it marks where something happens",),
    "particle_person": ("the word {w} after it presents it as the one that the sentence is about",),
    "joined": (
        "it continues the list with {w} as an equal",
        "it is coordinated with {w}, which is of the same sort",
        "a list puts it on a level with {w}",
    ),
    "alias": ("in brackets it gives {w} a second name", "the brackets make it another name of {w}"),
    "acts": (
        "the word {w} after it is what one says of {gs}",
        "it is followed by {w}, as is usual with {gs}",
        "the word {w} has it as its subject, which suits {gs}",
    ),
    "quotes": ("the quotation marks around it are those of a title", "it stands in quotation marks, as titles do"),
    "owner": ("the {x} after it marks it as an owner", "by the {x} after it something is said to be its own"),
    "ending": ("it ends in {w}, as many words for {gs} do", "its ending {w} is typical of {gs}"),
    "theme": (
        "the sentence also uses the word {w}, and that is what the type is about",
        "the word {w} elsewhere in the sentence shows that this type is in play",
        "it fits in with {w}, which the sentence mentions and the type is about",
    ),
    "wider": (
        "after the comma it names the larger one, in which the one before it lies",
        "it is put behind a comma as the larger of two, which holds the one before it",
    ),
    "pronoun": ("{w} leads up to it, and that speaks of {g}", "it is whom {w} refers to"),
    "goes_with": ("the word {w} after it goes with {gs}", "it is followed by {w}, as is usual with {gs}"),
    "modifies": ("it says of what origin {w} is", "it describes {w} and says to whom that belongs"),
    "around_name": (
        "it is written as a name and, between {w} and {x}, best read as that of {g}",
        "with {w} before and {x} after it, the name reads as that of {g}",
        "its capital marks a name, best read beside {w} and {x} as that of {g}",
    ),
    "around_word": (
        "with {w} before and {x} after it, it reads as a word for {g}",
        "in the company of {w} and {x} it is best read as {g}",
        "between {w} and {x} it has the sense of {g}",
    ),
    "after_name": (
        "it is written as a name and, after {w}, best read as that of {g}",
        "after {w} the name reads as that of {g}",
        "its capital marks a name, best read after {w} as that of {g}",
    ),
    "after_word": ("after {w} it reads as a word for {g}", "standing after {w}, it is best read as a word for {g}"),
    "before_name": (
        "it is written as a name and, before {w}, best read as that of {g}",
        "before {w} the name reads as that of {g}",
        "its capital marks a name, best read before {w} as that of {g}",
    ),
    "before_word": ("before {w} it reads as a word for {g}", "standing before {w}, it is best read as a word for {g}"),
    "among_name": ("it is written as a name, and in a sentence with {w} it reads as that of {g}",),
    "among_word": (
        "in a sentence with {w} it reads as a word for {g}",
        "beside {w} in the same sentence it is best read as a word for {g}",
    ),
    "alone_name": (
        "it is written as a name and reads as that of {g}",
        "taken by itself, the name reads as that of {g}",
    ),
    "alone_word": ("taken by itself, it reads as a word for {g}", "its own form is that of a word for {g}"),
}

# The same reasons in brackets, for mentions that are listed together.
BRIEF: Mapping[str, str] = {
    "copula": "defined as {w}",
    "apposition": "explained by {w}",
    "heading": "under {w}",
    "noun_of": "after {w}",
    "noun_after": "before {w}",
    "acts": "before {w}",
    "goes_with": "before {w}",
    "modifies": "said of {w}",
    "wider": "after a comma, as the larger one",
    "joined": "in the same list",
    "owner": "with {x} after it",
    "theme": "in keeping with {w}",
    "around_name": "between {w} and {x}",
    "around_word": "between {w} and {x}",
    "before_name": "before {w}",
    "before_word": "before {w}",
    "among_name": "along with {w}",
    "among_word": "along with {w}",
    "head_last": "with {w} in it",
    "head_first": "with {w} in it",
    "head_inner": "with {w} in it",
    "currency": "with {w} in it",
    "percent": "with {w}",
    "unit": "with {w}",
    "span": "with {w} in it",
    "calendar": "with {w} in it",
    "number_word": "with {w} in it",
    "file": "ending in {w}",
    "ending": "ending in {w}",
    "identifier": "with {w} in it",
    "honorific": "before {w}",
    "particle_place": "before {w}",
    "particle_person": "before {w}",
    "alias": "in brackets after {w}",
    "calendar_word": "a word of the calendar",
    "span_word": "a measure of time",
    "number": "a word for a number",
    "year": "four digits",
    "clock": "hours and minutes",
    "digits": "in figures",
    "short_form": "a short form",
    "code": "letters and digits",
    "quotes": "in quotation marks",
    "alone_name": "a name by itself",
    "alone_word": "a word by itself",
    "mail": "an e-mail address",
    "web": "a web address",
    "handle": "an account",
    "hashtag": "a tag",
}
BRIEF_DEFAULT = "after {w}"

# Dismissal of what tempts.
CANDIDATES: Mapping[str, tuple[Frame, ...]] = {
    "twin": _frames(
        "Care is needed with {w} in lower case: it is an ordinary word there and stays out.",
        "Lower-case {w} is an everyday word and has to be kept apart from the name.",
        "An ordinary word like {w}, in lower case, is left aside.",
    ),
    "lookalike": _frames(
        "Although {w} can be a name elsewhere, in lower case it is a common word here and stays out.",
        "In lower case {w} is no name here but a common word, and it is left out.",
        "Lower-case {w} might tempt, but it is a common word here and is left out.",
    ),
    "reading": _frames(
        "The name {w} might suggest {L}, but what stands around it leads elsewhere.",
        "Elsewhere {w} can name {g}, but the context here rules out {L}.",
        "By itself {w} might be taken for {g}, but {L} is ruled out by the words around it.",
        "One could think of {L} because of {w}, but its surroundings rule that out.",
    ),
    "title": _frames(
        "Although written with a capital, {w} only introduces what follows and stays out.",
        "Only an introduction to the next word, {w} is left out.",
        "Nor do I include {w}, which merely leads up to what follows.",
    ),
    "capitals": _frames(
        "Written in capitals, {w} tempts the eye, but no type on offer describes it.",
        "Despite its capitals {w} names nothing that is asked for.",
        "Capitals alone decide nothing, so {w} is left out.",
    ),
    "name": _frames(
        "Although {w} is capitalised, no type on offer describes it, and it stays out.",
        "A capital alone decides nothing: {w} is passed over.",
        "Capitalised as it is, {w} still fits no type that is asked for.",
        "Tempting as it looks, {w} is left out, for nothing asked for describes it.",
    ),
    "initial": _frames(
        "Only its place at the beginning gives {w} a capital, so it is no name.",
        "Nor is {w} a name, since it is capitalised merely as a first word.",
        "Standing first is the only reason for the capital of {w}, which is left out.",
    ),
    "figure": _frames(
        "The figure {w} merely counts {x} and is left out.",
        "Counting {x} is all that {w} does, so it stays out.",
        "No type on offer asks for {w}, which only counts {x}.",
    ),
    "ordinary_two": _frames(
        "Words such as {w} and {x} are common vocabulary and name nothing that is asked for.",
        "Neither {w} nor {x} names anything that is asked for.",
        "Common words like {w} and {x} stay out.",
        "Everything else, from {w} to {x}, is ordinary wording.",
    ),
    "ordinary_one": _frames(
        "A word such as {w} is common vocabulary and names nothing that is asked for.",
        "Ordinary words like {w} stay out.",
    ),
}

# Dismissal of types, by the reason.
ABSENT: Mapping[str, tuple[Frame, ...]] = {
    "general": _frames(
        "Nothing in the sentence is a mention of {ls}.",
        "No word or phrase stands for {ls}.",
        "Not one word or phrase is a mention of {ls}.",
        "There is no mention of {ls}.",
        "I find none of {ls}.",
    ),
    "figures": _frames(
        "Not a single figure is written, so there is no {ls}.",
        "Without a digit in the text there is no {ls}.",
        "There is not one digit, and therefore no {ls}.",
    ),
    "calendar": _frames(
        "No figure and no word of the calendar occurs, so there is no {ls}.",
        "Without a figure or a word of the calendar there is no {ls}.",
    ),
    "nobody": _frames(
        "Nobody is named, so there is no {ls}.",
        "Nobody appears in the sentence who could be {ls}.",
        "There is nobody by name, hence no {ls}.",
    ),
    "claimed": _frames(
        "Since each candidate has its type already, nothing is left for {ls}.",
        "No candidate is left for {ls}, as each has its type already.",
        "Nothing remains that could be {ls}.",
    ),
    "general_noun": _frames(
        "The noun {w} does not name any particular one, so there is no {ls}.",
        "A mere {w} in general is no name, so there is no {ls}.",
        "Although the word {w} occurs, it is a common noun, and there is no {ls}.",
    ),
}

CLOSING = _frames(
    "That makes {count} in all.",
    "Altogether I count {count}.",
    "So the tally is {count}.",
    "Anything further is ordinary wording.",
    "With that, every type of the schema has been weighed.",
    "Thus the sentence is gone through.",
)
CLOSING_EMPTY = _frames(
    "Hence there is nothing to extract.",
    "So no mention of any type remains.",
    "The result is therefore empty.",
    "Thus none of the types is filled.",
    "Accordingly the list of mentions is empty.",
)
