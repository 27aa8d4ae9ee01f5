"""What a trace says, sentence by sentence: which mention it takes as which type, refuses, or leaves open.

In: the trace, where it speaks of mentions, the names of the types.  Out: Statements, the events of every mention in
order, and where a type is said to have no mention.  Judges nothing: verdicts.py decides which event counts.

A sentence is read as a row of mention groups ("X, Y and Z") and type names.  A type belongs to the group that it
stands next to, else to the one before it, else to what the sentences before spoke of ("They", "all three", a bare
"City."), or, at the head of a line, to what follows ("Locations: ...").  An event is firm where this leaves one
reading; the others count as support only.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from nercot.justification import cues
from nercot.justification.contests import Argument, Contest, Part, compare, part_of
from nercot.justification.cues import Polarity
from nercot.justification.drafts import Draft
from nercot.justification.events import EVERY, Count, Event, Slot, Statements
from nercot.justification.hits import Hit, find_hits
from nercot.justification.lexicon import HEADS, NAMES, Types
from nercot.justification.mentions import Reference, Surface
from nercot.justification.places import ANY, Places
from nercot.justification.subjects import Group, Mentions, Subjects
from nercot.justification.trace import Sentence, Trace, quotation, word_set


class Context(NamedTuple):
    """A type at the head of a line or a list; `open`: it reaches beyond its line."""

    labels: dict[int, int]
    line: int
    paragraph: int
    open: bool


class Bound(NamedTuple):
    """The mentions that a type's name is about."""

    mentions: Mentions = ()
    firm: bool = False
    faint: bool = False
    direct: bool = False
    beside: bool = False
    sure: bool = False


# What leads to a verdict: "..., so novel", "it has to be an organization".
_CONCLUDES = re.compile(
    r"(?:[→:=]|\b(?:so|hence|thus|therefore|ergo|i\.e\.?|is|are|was|be|it's|that's|he's|she's|they're|as|i'd say|i say|(?:have to|must|will|'ll) say|(?:context|grammar|verb|wording|text|syntax|rest|position) (?:says|demands|requires|suggests|wants|needs|favou?rs|points to|calls for|speaks for|argues for)|verdict|settled|final"
    r"|(?:goes|go|going|moves?|belongs?|filed?|put|falls?|comes?|counts?) (?:it |them |him |her )?(?:to|under|in|into|with|as)"
    r"|(?:mov|chang|switch|correct|revis|turn)(?:e|es|ed|ing|s)? (?:it|this|that|them|him|her|these|those) (?:over )?(?:to|into)"
    r"|(?:settle|go|opt|decide|vote|lean|plump) (?:on|for|with)|making (?:it|him|her|them)|makes (?:it|him|her|them)"
    r"|(?:call|label|tag|mark|take|read|treat|count) (?:it|them|him|her|this|that|these) ?(?:as)?))"
    r"[\s\"'(]*(?:(?:an?|the other|the|clearly|simply|another|the other|also|one more|just|both|all|my|our|a kind of|really|rather|probably)[\s\"'(]+)*$"
)
_NUMERALS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NUMERALS |= {str(number): number for number in range(2, 21)}
_NUMBER = re.compile(
    rf"(?<!step )(?<!after )(?<!than )(?<!from )(?<!by )(?<!into )(?<!type )(?<!option )(?<![\w.,(])({'|'.join(_NUMERALS)}) (?:(?!of |or |and |more |other |possible |kinds )[\w-]+ )?$"
)
_NUMBERED = re.compile(
    rf"\b({'|'.join(_NUMERALS)}) (?:names|mentions|entities|items|strings|spans|entries|candidates|of them)\b"
)
_NUMBER_OF = re.compile(
    rf"(?<!the )(?<!than )(?<!of )\b({'|'.join(_NUMERALS)}) (?:names|mentions|entities|items|strings|spans|entries|cases|instances)"
    r" (?:of|under|for|in|with|that are)(?: the)?(?: type| label| category| class)?(?: of)? [\"']?$"
)
_ALL_ARE = re.compile(r"\b(?:all|each)(?: of (?:them|these|which|those))?(?: is| are| being)?(?: an?)? $")
_MANY = word_set(
    "all both each every everything everyone they these those them rest other others two three four five six seven eight "
    "nine ten names ones are pair"
)
# A rule, and nothing about this sentence.
_GENERAL = word_set("always usually typically generally often normally rule rules whenever wherever scheme would")
# A name that is no mention.
_OTHER_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}")
_REPEATED = re.compile(r"[\s\"')]*(?:again|a second time|twice|once more)\b")
_DITTO = re.compile(
    r"[\s\"')]*(?:[:,=→–-]|is|are|gets?|goes)[\s\"'(]*(?:the |an? )?"
    r"(?:ditto|likewise|same(?: (?:again|here|type|label|category|thing|story|kind|class|box))?)[\s\"'.!)]*$"
)
_COMPARING = word_set("same like goes holds applies equally analogous parallel similar")
_TAKES_IT = re.compile(
    r"\b(?:take|keep|include|add|list|tag|mark|label|put|give|count) (?:it|them|him|her|this|that|these|those)\b"
)
_FOR_IT = re.compile(r"[\s\"')]*\b(?:for|fits?|covers?|of|to|with) (?:it|him|her|them)\b")
# "I'm changing this to event": it is said of what was spoken of, whatever the reason in between was about.
_CHANGES_IT = re.compile(
    r"\bi(?:'m|'ll|'d| am| will| would)? (?:\w+ )?(?:chang|mov|switch|correct|revis|turn|amend|re-?fil|re-?assign|re-?label)\w* (?:it|this|that|him|her)"
    r" (?:over )?(?:to|into|as|under)(?: an?| the)? [\"']?$"
)
_DENIED = re.compile(r"n't\b|\b(?:not|no|never|nor|neither|hardly)\b")
_SAID_OF = re.compile(r"\b(?:said|decided|concluded|wrote|true|valid|noted) (?:of|for|about|on|with) (?:the )?[\"' ]*$")
_ITEM_NUMBER = re.compile(r"\W*(?:the )?(?:number|item|no\.|point|nr\.?|#)? ?\(?(\d{1,2})\b")
_IT_ONLY = re.compile(r"\b(?:it|this|that|the idea|the thought)\b")
_TO_SEE = re.compile(r" (?:to|if|in|not to)\b")
_CONJUNCTION = re.compile(r"\b(?:or|nor|and)\b")
_PHRASE_BEGINS = re.compile(
    r"(?:^|[,.:;!?–(→=|\n-])[\s\"']*(?:(?:so|hence|thus|also|again|and|an?|the|of course|clearly) )*[\"']?$"
)
_PHRASE_ENDS = re.compile(r"[\"')]*\s*(?:$|[.;!|\n)])")
_ITEM_HEAD = re.compile(r"\s*\(?(\d{1,2})[.):]\s")
_BULLET = re.compile(r"[\s\"'):]*\n\s*(?:[-•·✓✔+>]|\d{1,2}[.)]) ")
_BULLET_HERE = re.compile(r"\s*(?:[-•·✓✔+>]|\d{1,2}[.)]) ")
_HEDGED = re.compile(r"\b(?:perhaps|maybe|possibly|whether|suppose|what if)\b[^,;:]*$")
# "He sits in a port, but he isn't one."
_QUOTED_SUBJECT = re.compile(r"\"[^\"\n]{1,30}\" (?:is|are|was|were|does|do|has|should|must|can|could|will)?\W*$")
# A sentence whose subject is a quotation.
_QUOTES_FIRST = re.compile(r"[ (]*(?:(?:and|but|while|also|then)[ ,]+)*(?:the )?\"")
_DASH = re.compile(r"\s+[–-]\s+[\"'(]*(?:the |an? )?[\"'(]*")
# What may end a sentence that is a verdict: "Village, I'd say."
_TERSE = re.compile(
    r"[\s\"')]*,?[\s]*(?:then|here|too|again|as well|indeed|obviously|clearly|it is|for sure|of course|i'd say|i think|once more"
    r"|certainly|naturally|no doubt)[\s.!)]*$"
)
_ONE_OR_SO = word_set("one so")
_SO_IS = re.compile(r"\bso (?:is|are|was|were|does|do|has|must be) (?:the |an? )?[\"']?$")
_IS_ONE = re.compile(
    r"[\"' ]*\b(?:is|are|makes|being) (?:also |certainly |clearly )?one\b(?: too| as well| here| of (?:them|those|these))?(?=[\s\"')]*(?:[.,;:!)]|$|and\b))"
)
_NOT_ONE = re.compile(r"(?:n't|\bnot|\bnever|\bhardly) one\b(?! of| would| can| might| could| may| has| word| name)")
# "same kind of thing as number 1": what is said of one mention holds for another.
_SAME_AS = re.compile(
    r"\b(?:same (?:\w+ ){0,3}?(?:as|for|with|goes for|applies to|holds for|story as|again)|just like|(?:goes|holds|applies) (?:also )?for"
    r"|like|equally|as is|analogous to|parallel to|similar to)\b"
)
_TOTAL = word_set("everything all every each")
_FOR_ALL = re.compile(
    r"[\s\"')]*(?:type |label )?(?:for|on|to) (?:everyone|everybody|everything|(?:every|each) (?:single )?(?:one|name|mention)"
    r"|the whole (?:list|lot|row))\b(?! (?:but|except|else))"
)
_EVERYTHING = re.compile(
    r"\W*(?:so |then |hence |thus |well,? |ok,? |that means )*(?:everything|all (?:of )?(?:the |these |those |them)?(?:names?|mentions?|strings?|items?|candidates?|entities|of them"
    r"|listed)?|every (?:single )?(?:name|one|mention|string|item)|each (?:and every )?(?:name|one|mention)(?: of them)?)"
    r"(?: (?:here|in (?:here|the sentence|it|this sentence|the text|this text|the list)|that follows|listed|mentioned|else))* (?:is|are|counts? as|goes under|goes in|belongs? to|falls under) "
)
_IT_IS = re.compile(
    r"\b(?:it|that|this|he|she|they|these|those)(?:'s| is|'re| are| was| were| counts as| must be| has to be)"
    r"(?: \w+ly| also| still| just| rather| then| really| always)*(?: an?| the| another)?[\s\"']*$"
)
_FIRST_PERSON = re.compile(r"\W*(?:(?:and|but|so|also|well|hmm|ok|okay|now|then|still)\W+)*i(?:'d|'ve|'m|'ll)? ")
_DECIDES = re.compile(
    r"\b(?:it|this|that|him|her|them|these|those|one|take|label|tag|mark|call|go|going|say|settle|choose|pick|keep|put|count"
    r"|list|classify|treat|file|assign|use|vote|opt|lean|conclude|decide|give|add|pull|annotate|extract|read|accept|prefer"
    r"|move|place|sort|have only|end)\b"
)
_TYPE_KEY = re.compile(
    r"[\"')\]\s]*(?:(?:side|slot|type|types|names?|mentions?|entit(?:y|ies)|here|we have|found|first)\s*){0,2}"
    r"[\"')\]\s]*(?P<mark>[:=→–?.]|-\s|\s-\s)"
)
_HEADING = re.compile(r"[\s#>\d.)•·-]*")
_WHICH = re.compile(
    r"\W*(?:and |now |so |then |next )*(?:(?:which|what|any|are there(?: any)?|is there(?: an?y?)?|how about"
    r"|what about)"
    r"(?: other| the| kinds? of)?|who|where|when) ?[\"']?$"
)
_NOTHING = re.compile(
    r"[\s\"']*(?:no|none|nothing|nope|empty|nobody|nowhere|-|–|n/a|not|nil|nada|never|clearly a|hence none|\[\])\b"
    r"|\s*(?:\[\]|[–-]\s*$)"
)
_DENIES_ALL = re.compile(
    r"\W*(?:for (?:an?|it|this|that|the|him|her)\b|none of|neither|nothing (?:in|of|among)|it\b|this\b|that\b"
    r"|not? (?:in|any of))"
)
# What may follow a mention that is listed, and a type that is a verdict.
_BESIDE = re.compile(
    r"(?:\(|\b(?:of|from|by|in|at|for|to|with|on|than)) [\"']?(?:the )?[\"']?$|\([\"']?$|\((?:of|from|by|in) [\"']?$"
)
_LISTED = re.compile(r"[\s\"')]*(?:[,;.(–\n/]|and\b|-\s|$)")
_CLOSES = re.compile(
    r"[\s\"')\]]*(?:$|[.,;:!?(–→|=×✔]|-\s|x\d|(?:and|or|but|here|too|then|again|instead|rather|because|since|type"
    r"|label|slot"
    r"|name|by|of|in|with|for|at|on|from|that|which|who|not|than|as|it|so|though|although|even|rather|either|obviously"
    r"|literally|this|now|also|anyway|way|one|wins?|fits?|beats|prevails|works|applies|suits|it is|then|without|whose|where|per|just|twice|if (?:there|any|ever|you))\b|s\b)"
)
_DIRECT = re.compile(
    r"[\s\"']*(?:,? ?(?:then|so|therefore),? )?(?:is what|(?:that |which )?(?:fits|suits|is right for|covers)|[:=(→]|is|are|for|would be|here is|called|named|like|such as|namely)?[\s\"'(]*(?:the |an? )?[\s\"'(]*"
)
_ADJACENT = re.compile(
    r"[\s\"')\]]*(?:(?:[,(:=→–/|-]|is|are|was|were|as|an?|the|one(?: more)?|also|both|all|each|another|a (?:second|third)|two|three|clearly"
    r"|obviously|surely|certainly|simply|just|so|hence|thus|therefore|must be|has to be|type|under|too|again|counts as"
    r"|goes under|of course|i'd say|definitely|which|who|it is|it is for|i\.e\.?)[\s\"'(]+)*[\s\"'(,:=→–]*"
)
_PREPOSITION = re.compile(
    r"\b(?:of|in|at|near|from|by|for|with|on|below|above|behind|between|than|about|before|after|during|outside|inside"
    r"|within|to|like) (?:the |an? |its |their |his |her |this |that |some |any |our |what )?"
    r"(?:(?!be |an? |being |say |call |go |take |tag |label |settle |choose |use |pick |mark |read |see |make |become )[\w-]+ )?[\"']?$"
)
# "A kind of city" is said of the mention itself.
_KIND_OF = ("kind ", "type ", "sort ", "name ", "names ", "form ", "piece ", "class ", "out ")
_AS_TYPE = re.compile(
    r"\b(?:speaks?|counts?|stands?|argues?|points?|qualif(?:y|ies)|goes|go|belongs?|falls?|put|sorted|filed"
    r"|assign(?:ed)?|mapped|over|come|comes|up|settl(?:e|ed|ing)|decid(?:e|ed|ing)|land(?:ed)?|opt(?:ed)?|vot(?:e|ed)|lean(?:ed|ing)?|plump(?:ed)?"
    r"|refers?|left|leaves?|ends?|ended|stick|stay|mov(?:e|es|ed|ing)|switch(?:ed|ing)?|chang(?:e|ed|ing)|correct(?:ed|ing)?|revis(?:e|ed|ing)|tip(?:s|ped)?|scales?|turn(?:s|ed|ing)?|going|went|deal(?:ing)?|talk(?:ing)?|speaking)"
    r" (?:(?:it|him|her|them|this|that|these|those|my mind) )?(?:in|to|with|for|on|under|into|of|towards?)\b|\b(?:sense|meaning|role|case|instance|example|function) of\b|\bout of\b|\b(?:that's|it's|one|another|something|this is|is|are|they're|those are) for\b"
)
_CHAIN = re.compile(r"[\s\"',/)(]*(?:(?:or|and|nor|an?|the|,|/|\+)[\s\"'(]*)*")
_TWICE = re.compile(
    r"\b(?:both|twice|and again|two types|both types|second type|double duty|in two roles|and under|one of each"
    r"|and as an?)\b|\+"
)
_CONCEDES = re.compile(r"[,;)] ?(?:but|though|yet|however|only)\b")
_CONCESSIONS = word_set("but though yet however only")
_DOUBLE = re.compile(r"\b(?:both|again|as well|also|twice|and under|and as|two types|second type|too)\b|\+")
_TOGETHER = re.compile(
    r"\b(?:all|both|each|every|these|those|they|them|their|everything|everyone|together|two|three|four|five|six|seven"
    r"|eight|nine"
    r"|ten|eleven|twelve|(?<![(\w.,-])\d{1,2}(?![\w).,:-])|the pair|trio|ones|either|neither|any of)\b"
)
# Of what belongs to a mention: "Verdi's opera", "Verdi 's is an opera", but not "Verdi's a composer".
_OWNS = re.compile(r" ?'s (?!(?:an?|the|not|just|clearly|obviously|simply|definitely|also)\b)")
_LATTER = re.compile(
    r"\bthe (former|latter|first|second)\b(?: (?:option|reading|type|label|sense))?(?: it is)?(?=\W*(?:$|[.,;:!)]|one\b|then\b|here\b|for\b|as\b))"
)
_RANKS = word_set("former latter first second")
_ONLY = re.compile(
    r"\b(?:only|just) (?:keep|take|list|include|want|tag|mark|add|label)\b|\b(?:keep|take|list|include|tag|mark|add"
    r"|label) (?:only|just)\b"
)
_HE = re.compile(r"\W*(?:and |but |so |then )*(?:he|she|he's|she's)\b")
_HE_HAS = re.compile(r"\b(?:it|its|he|his|she|her|they|their|which|who|whose|called|described)\b")
_SINGULAR = re.compile(r"\b(?:it|it's|he|he's|she|she's|this)\b")
_TOGETHER_AFTER = re.compile(
    r"[\s\"')]*(?:[×x] ?(?P<n>\d)|(?:for|to|on) (?:both|all|each|every|the \w+ of them|the pair|the two|the lot|these two"
    r"|(?:the|these|those|all) (?P<count>three|four|five|six|seven|eight|nine|ten)\b))"
)
# A question about something that was spoken of, and not about the type as a whole: "couldn't he be a researcher?".
_ASKS_OF_ONE = re.compile(
    r"\b(?:is|are|was|were|could|can|would|should|does|do|might|may|will|has)(?:n't)? (?:he|she|it|they|this|that|these|those)\b"
)
_HOW_MANY = re.compile(r" (?:of )?(?:the |these |those )?(two|three|four|five|six|seven|eight|nine|ten)\b")
_PLURAL = word_set("they them their these those")
_TOGETHER_WORDS = ("both", "pair", "two")
_REVISES = re.compile(
    r"\W*(?:but )?(?:wait|actually|no,|on second thought|hold on|hmm|however|scrap|correction|rather|instead|at second"
    r"|then again|on reflection|strike that|oops|sorry|i was wrong|i reverse|but\b)"
)
_TAKEN_BACK = re.compile(
    r"^\W*(?:but |oh,? |hmm,? |ah,? )*(?:wait|actually|no,|on (?:second thought|reflection)|hold on|scrap|scratch|strike that|correction"
    r"|oops|sorry|i (?:was wrong|reverse|take (?:it|that) back)|let me revise|that (?:was|is) (?:wrong|too quick|a mistake|not right))\b"
)
# "That X is a city follows from ..." speaks of X.
_THAT = re.compile(r"\W*(?:and |but |so )?that (?:the )?[\"']?")
_PRONOUN = re.compile(
    r"\s*(?:it|them|this|that|these|those|one|both|all|either|any|him|her|each|such"
    r"|the (?:pair|two|three|lot|others?|rest|whole|thing|name|mention|span|string|term|candidate|former|latter|word"
    r"|phrase|item|token|entity)|none|nothing|neither|(?:all|any|both|each|none|either|neither|one) of (?:it|them"
    r"|these|those|the \w+))\b"
    r"(?!\s+(?!from |out |off |then |again |after )\w+\s+\w+\s+\w+)|\s*$"
    r"|\s*(?:here|too|as well|either|completely|entirely|altogether|for now|then|anyway|either way|from|an entry)\b"
)
# "The two build args": what was spoken of, in other words.
_COUNTED = re.compile(r"\s*(?:the|these|those|all) (?:both|two|three|four|five|six|seven|eight) (?!of )")
# A subject that stands for what was spoken of before, or none at all.
_IT = re.compile(
    r"\W*(?:(?:but|and|so|still|however|anyway|then|also|well|hmm|hm|now|wait|actually|no|yes|i think|i'd say|i guess"
    r"|to me|for me|in the end|clearly|obviously|probably|perhaps|again|on reflection|on second thought|after all"
    r"|either way|strictly speaking|strictly|as such|in this context|here|in this sentence)\W+)*"
    r"(?:(?:it|this|that|they|these|those|both|he|she|neither|which|all|all (?:of )?(?:them|these|those)"
    r"|(?:that|this) one|the (?:whole )?(?:thing|phrase|span|string|name|mention|word|term|pair|two|former|latter))"
    r"(?:'s|'re)?\W*(?:(?:is|are|was|were|has|have|can|could|will|would|should|seems?|looks?|sounds?|feels?|remains?"
    r"|stays?|gets?|really|just|simply|only|then|also|too|still|rather|more|clearly|be|to be|a|an|of)\W+)*)?"
)
# A sentence with a subject of its own: "the comma is ...", "the possessive stays ...".
_FOREIGN_SUBJECT = re.compile(
    r"\W*\b(?:and |but |so |then |also |in the \w+ |here |because |since )*(?:the|an?|its|their|his|her|this|that|these|those|my)"
    r" (?!(?:whole|thing|phrase|span|string|name|mention|word|term|pair|two|three|former|latter|one|first|second|third"
    r"|last|type|others?|rest|lot|candidates?|token|entity)\b)\w+"
)
# One entry of a tally: "two diseases, a drug, one city".
_TALLY = re.compile(r"(?:[,:;(]|\band) (?:an?|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})(?: [\w-]+)? $")
# "..., plus one location": what else there is.
_REMAINDER = re.compile(
    r"(?:[\s,;.])(?:and|plus) (?:one|two|three|four|five|six|seven|\d{1,2})(?: more| other)? [\"']?$"
)
_NEW_QUESTION = re.compile(
    r"[\s\"')]*,\s+(?!(?:or|and|nor|no|not|right|maybe|perhaps|possibly|probably|i guess|is it|isn't it|i think)\b)(?:\S+\s+)+\S+\?"
)
_OPENS_CLAUSE = re.compile(r"[\s\"')]*[,;.] (?:and |while |but |then |whereas )?(?:the )?[\s\"'(]*")
# A mention that only says where or of what something else is: "a candidate in X, politician".
_PLACED = re.compile(
    r"\w (?:in|at|of|from|near|by|with|on|against|for|to|between|outside|inside|under|than|like) (?:the )?[\"']?$"
)
# "..., in touch with X, another band": what follows the comma is said of X.
_ANOTHER = re.compile(r"\b(?:another|one more|a (?:second|third|further)|also an?)\b")
_TWO_ACTS = re.compile(r"\b(?:and|but)\b")
# An object of its own before a mention: "drop the article and it's X".
_ASIDE = re.compile(r"\b(?:and|but|so|it|it's|that|which|as|since|because|when|while)\b")
_QUOTED = re.compile(r"\"[^\"]*\"")
# So near before a predicate a type is its subject: "planet doesn't fit".
_TYPE_SUBJECT = 3
# The longest piece of a passage that is shown as evidence, in characters.
_REACH = 300
# A mention that stands farther before a type, in characters, is not what it is compared for.
_NEAR = 12
# A sentence so short has no subject but what was spoken of: "Difficult to decide."
_TERSE_SIZE = 30
# No sentence that means something names more types; a text made to be slow does.
_MAX_HITS = 40
_MARKS = ("✔", "✓", "☑", "✅", "✗", "✘", "❌")


# What stands before a type that another one takes the place of: "instead of planet, team".
_INSTEAD = re.compile(r"\b(?:instead of|rather than|unlike|apart from|as opposed to|not)(?: an?| the)? $")


def read_statements(
    trace: Trace,
    types: Types,
    surfaces: Sequence[Surface],
    references: Sequence[Reference],
    places: Places,
    drafts: Sequence[Draft] = (),
) -> Statements:
    """What the trace says of its mentions."""
    if drafts:
        references = [one for one in references if not _drafted(drafts, one.start)]
    reader = _Reader(trace, types, surfaces, references, places, drafts)
    waiting = list(reversed(drafts))
    for sentence in trace.sentences([(reference.start, reference.end) for reference in references]):
        while waiting and waiting[-1].start < sentence.end:
            reader.take_draft(waiting.pop())
        if not drafts or not (_drafted(drafts, sentence.start + 1) and _drafted(drafts, sentence.end - 2)):
            reader.read(sentence)
    reader.settle()
    return reader.statements


def _together_word(match: re.Match[str], low: str) -> str:
    """What says how many are meant: the number of "all three", else the word itself."""
    number = _HOW_MANY.match(low, match.end())
    return number[1] if number is not None else match[0]


def _drafted(drafts: Sequence[Draft], at: int) -> bool:
    """Whether a place is within a draft."""
    index = bisect_left(drafts, (at + 1,)) - 1
    return index >= 0 and at < drafts[index].end


class _Reader:
    """Reads the sentences in order and remembers what was asked and what stands at the head of a line."""

    def __init__(
        self,
        trace: Trace,
        types: Types,
        surfaces: Sequence[Surface],
        references: Sequence[Reference],
        places: Places,
        drafts: Sequence[Draft],
    ) -> None:
        self.statements = Statements(len(surfaces), places)
        self._trace = trace
        self._surfaces = surfaces
        self._low = trace.low
        self._places = places
        words = frozenset(n for n, one in enumerate(surfaces) if not one.listed and one.text.islower())
        self._subjects = Subjects(trace, references, places, words)
        self._hits = [
            hit for hit in find_hits(trace, types, references) if not drafts or not _drafted(drafts, hit.start)
        ]
        self._at = 0
        self._words: frozenset[str] = frozenset()
        self._marked = any(mark in trace.low for mark in _MARKS)
        self._context: Context | None = None
        self._verdict: dict[int, int] = {}
        self._asked: tuple[dict[int, int], Mentions] | None = None
        self._asked_surely = False
        self._asked_at = 0
        self._denied: frozenset[int] = frozenset()
        self._aside = self._also = False
        self._items: dict[str, Group] = {}
        self._unanswered = self._late = self._shown = self._asked_of_one = False
        self._line = 0
        self._pair: list[int] = []
        self._contest: Contest | None = None

    def read(self, sentence: Sentence) -> None:
        """Takes in one sentence."""
        if self._places:
            line = self._low.rfind("\n", 0, sentence.start) + 1
            self.statements.within = (line, sentence.start, sentence.end)
        groups = self._subjects.enter(sentence)
        hits = self._take_hits(sentence)
        self._leave_context(sentence)
        text = self._low[sentence.start : sentence.end]
        asks = text.rstrip(" \"')").endswith("?")
        if groups or hits:
            self._words = self._words_of(sentence)
            self._read_full(sentence, groups, hits)
        elif not self._subjects.idle or self._asked is not None or self._context is not None:
            self._words = self._words_of(sentence)
            self._read_bare(sentence)
        if not asks and not cues.POSTPONING.isdisjoint(self._words) and cues.POSTPONED.search(text) is not None:
            self._postpone(sentence, groups)
        if _QUOTES_FIRST.match(text) is not None and self._subjects.lead(groups) is None:
            self._aside = True
        elif sentence.line != self._line or any(not group.quoted for group in groups):
            self._aside = False
        size = sum(group.end - group.start for group in groups)
        if asks:
            self._unanswered = not groups or sentence.end - sentence.start - size > 10
        elif groups or sentence.line != self._line:
            self._unanswered = False
        self._line = sentence.line

    def take_draft(self, draft: Draft) -> None:
        """Takes in a list of a draft of the answer."""
        event = Event(Polarity.YES, draft.label, draft.start, draft.end, True, direct=True, beside=True)
        self.statements.add(draft.mentions, event, draft.start)
        for mention in draft.mentions:
            self.statements.lines[mention].add(self._line)

    def _postpone(self, sentence: Sentence, groups: Sequence[Group]) -> None:
        """ "I'm not sure about it": what was spoken of is open again, whatever was said of it."""
        lead = self._subjects.lead(groups)
        text = self._low[sentence.start : sentence.end]
        if lead is None and _FOREIGN_SUBJECT.search(text) is not None:
            return
        subject = lead or self._subjects.key
        mentions = subject.mentions if subject is not None else self._subjects.meant()
        if not mentions and len(text) < _TERSE_SIZE and self._subjects.topic_line == sentence.line:
            mentions = self._subjects.recent()
        if len(mentions) == 1:
            event = Event(Polarity.OPEN, EVERY, sentence.start, sentence.end, True, again=True)
            self.statements.add(mentions, event)

    def _words_of(self, sentence: Sentence) -> frozenset[str]:
        starts = self._trace.starts
        first = bisect_left(starts, sentence.start)
        return frozenset(self._trace.words[first : bisect_left(starts, sentence.end, first)])

    def _take_hits(self, sentence: Sentence) -> list[Hit]:
        begin = self._at
        while self._at < len(self._hits) and self._hits[self._at].start < sentence.end:
            self._at += 1
        return self._hits[max(begin, self._at - _MAX_HITS) : self._at]

    def _read_bare(self, sentence: Sentence) -> None:
        """A sentence that names neither a mention nor a type may still refuse or take what was spoken of."""
        text = self._low[sentence.start : sentence.end]
        self._subjects.turn_away((), ())
        self._contend((), sentence.start)
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer(text, sentence, asked, named=False)
        self._choose(sentence, (), (), text)
        if self._ends_with(text, "?"):
            if not self._subjects.refers():
                self._subjects.forget()
        elif cues.HYPOTHETICAL.match(text) is None:
            self._refuse(sentence, (), (), None, text, asked)
            self._accept(sentence, (), text)
            if self._items:
                self._compare(sentence, (), text)
        if self._context is not None and self._ends_with(text, ":"):
            self._context = self._context._replace(open=True)

    def _read_full(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        text = self._low[sentence.start : sentence.end]
        question = self._ends_with(text, "?")
        self._subjects.turn_away(groups, [(hit.start, hit.end) for hit in hits])
        self._contend(groups, sentence.start)
        asked, self._asked = self._asked, None
        self._denied = frozenset()
        if asked is not None:
            self._answer(text, sentence, asked, named=any(not group.quoted for group in groups))
        supposes = cues.HYPOTHETICAL.match(text) is not None
        self._also = supposes and cues.ALSO.match(text) is not None
        guess = question or (supposes and not self._also)
        lead = self._subjects.lead(groups)
        heading = self._enter_context(sentence, groups, hits, text, question)
        if self._context is not None and groups and not guess:
            self._apply_context(sentence, groups, hits)
        blanket = not _TOTAL.isdisjoint(self._words) and _EVERYTHING.match(text) is not None
        if (
            not blanket
            and hits
            and not groups
            and len({label for hit in hits for label, level in hit.labels.items() if level}) > 2
        ):
            self._count(sentence, hits)
        elif hits and not heading:
            self._assign(sentence, groups, hits, text, guess)
        self._choose(sentence, groups, hits, text)
        if not guess:
            self._refuse(sentence, groups, hits, lead, text, asked)
            if not hits:
                self._accept(sentence, groups, text)
            self._compare(sentence, groups, text)
            self._deny_one(sentence, groups, hits, lead, text)
        self._finish(sentence, groups, hits, lead, question)

    def _deny_one(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, text: str
    ) -> None:
        """ "He sits in a port, but he isn't one": the type that was named last is refused."""
        denied = _NOT_ONE.search(text) if "one" in self._words else None
        if denied is None:
            if not _ONE_OR_SO.isdisjoint(self._words):
                self._affirm_one(sentence, groups, hits, text)
            return
        at = sentence.start + denied.start()
        before = [hit for hit in hits if hit.end <= at and max(hit.labels.values()) >= HEADS]
        subject = lead or self._subjects.key
        mentions = subject.mentions if subject is not None else self._subjects.meant()
        if not before or any(group.end <= at and group is not lead and not group.quoted for group in groups):
            return
        for label, level in before[-1].labels.items():
            event = Event(Polarity.NO, label, sentence.start, sentence.end, level >= HEADS, direct=True)
            self.statements.add(mentions, event)
            self._argue(mentions, Argument(label, Part.LOST, sentence.start, sentence.end))

    def _affirm_one(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str) -> None:
        """ "If the war is an event, the peace is one too"."""
        said = _IS_ONE.search(text) if "one" in self._words else None
        if said is None:
            self._affirm_so(sentence, groups, hits)
            return
        at = sentence.start + said.start()
        before = [hit for hit in hits if hit.end <= at and max(hit.labels.values()) >= HEADS]
        own = [group for group in groups if at - 3 <= group.end <= at and not group.quoted]
        labels = before[-1].labels if before else self._verdict
        for label, level in labels.items() if own else ():
            event = Event(Polarity.YES, label, sentence.start, sentence.end, level >= HEADS, direct=True)
            self.statements.add(own[-1].mentions, event)

    def _affirm_so(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        """ "PVC is a polymer, and so is nitrile"."""
        for group in groups[:_MAX_HITS]:
            if group.quoted or not _SO_IS.search(self._low, max(sentence.start, group.start - 24), group.start):
                continue
            before = [hit for hit in hits if hit.end <= group.start and max(hit.labels.values()) >= HEADS]
            if before:
                for label, level in before[-1].labels.items():
                    event = Event(
                        Polarity.YES, label, before[-1].start, group.end, level >= HEADS, direct=True, beside=True
                    )
                    self.statements.add(group.mentions, event)

    def _compare(self, sentence: Sentence, groups: Sequence[Group], text: str) -> None:
        """ "Same kind of thing as Jordan": takes what was said of the other mention."""
        if _COMPARING.isdisjoint(self._words):
            return
        same = _SAME_AS.search(text)
        if same is None or _DENIED.search(text, 0, same.end()) is not None:
            return
        at = sentence.start + same.end()
        others = [group for group in groups if at <= group.start < at + 25 and not group.quoted]
        others += [
            group
            for group in groups[:_MAX_HITS]
            if _SAID_OF.search(self._low, max(sentence.start, group.start - 40), group.start)
        ]
        before = [group for group in groups[:_MAX_HITS] if group.end <= at and group not in others and not group.quoted]
        topic = before[-1].mentions if before else self._subjects.recent()
        if self._subjects.key is not None and not before:
            topic = self._subjects.key.mentions
        item = _ITEM_NUMBER.match(self._low, at, sentence.end)
        if not others and item is not None and item[1] in self._items:
            others = [self._items[item[1]]]
        if not others or not topic or set(topic) & set(others[0].mentions):
            return
        events = self.statements.events[others[0].mentions[0]][-_MAX_HITS:]
        upto = sentence.start + same.start()
        known = [e for e in events if e.kind is Polarity.YES and e.label != EVERY and e.start < upto]
        firm = [event for event in known if event.firm and event.direct] or known
        if firm:
            label = firm[-1].label
            event = Event(Polarity.YES, label, sentence.start, sentence.end, firm[-1].firm, direct=True)
            self.statements.add(topic, event)

    def _choose(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str) -> None:
        """ "It's the latter": the types that were named last, in their order."""
        after = hits[-1].end - sentence.start if hits else 0
        latter = _LATTER.search(text, after) if not _RANKS.isdisjoint(self._words) else None
        self._name_types(hits)
        named = {group.mentions for group in groups if not group.quoted}
        key = self._subjects.key
        mentions = key.mentions if key is not None else self._subjects.meant()
        if latter is None or len(self._pair) < 2:
            return
        if named and not _IT_IS.search(text, 0, latter.start()):
            if not hits:
                return  # "X is the first": of the mentions
            mentions = mentions if key is not None else next(iter(named)) if len(named) == 1 else ()
        chosen = self._pair[0 if latter[1] in ("former", "first") else 1]
        event = Event(Polarity.YES, chosen, sentence.start, sentence.end, True, direct=True)
        self.statements.add(mentions, event)
        for label in self._pair:
            part = Part.WON if label == chosen else Part.LOST
            self._argue(mentions, Argument(label, part, sentence.start, sentence.end))

    def _name_types(self, hits: Sequence[Hit]) -> None:
        """Remembers the two types that were named last, in their order."""
        for hit in hits:
            for label, level in hit.labels.items():
                if level == NAMES:
                    self._pair = [*(one for one in self._pair if one != label), label][-2:]

    def _finish(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], lead: Group | None, question: bool
    ) -> None:
        self._subjects.remember(groups, lead)
        head = _ITEM_HEAD.match(self._low, sentence.start) if lead is not None else None
        if head is not None and lead is not None:
            self._items[head[1]] = lead
        if lead is not None and not question:
            for mention in lead.mentions:
                self.statements.leads[mention] = self.statements.leads[mention] or (sentence.start, sentence.end)
        for group in groups:
            for mention in group.mentions:
                if not group.quoted or self._heads(sentence, group):
                    self.statements.lines[mention].add(sentence.line)
        if question and hits:
            bracket = self._low.rfind("(", hits[0].end, sentence.end)
            labels = {label: level for hit in hits if hit.start > bracket for label, level in hit.labels.items()}
            self._shown = '"' in self._low[sentence.start : sentence.end]
            self._asked_of_one = _ASKS_OF_ONE.search(self._low, sentence.start, hits[-1].start) is not None
            plain = tuple(m for group in groups if not group.quoted for m in group.mentions)
            plain = plain or tuple(m for group in groups for m in group.mentions)
            self._asked_at = sentence.start
            self._asked_surely = len(plain) == 1 or (not plain and self._subjects.sure())
            self._asked = (labels, plain or self._subjects.meant())

    def _heads(self, sentence: Sentence, group: Group) -> bool:
        """Whether a quotation is what its line, or what follows a colon, is about."""
        quote = quotation(self._trace.quotes, group.start, group.end)
        before = self._low[max(0, quote[0] - 40) : quote[0]].rstrip(" \"'(") if quote is not None else "."
        return (
            not before
            or before.endswith(("\n", ":", "–", "•", "-", "→"))
            or _ITEM_HEAD.search(before[-4:] + " ") is not None
        )

    def _ends_with(self, text: str, mark: str) -> bool:
        return text.rstrip(" \"')").endswith(mark)

    # -- types at the head of a line

    def _leave_context(self, sentence: Sentence) -> None:
        context = self._context
        if context is None:
            return
        left = sentence.line != context.line and not context.open
        if left or sentence.paragraph > context.paragraph + 1:
            self._context = None

    def _enter_context(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, question: bool
    ) -> bool:
        """Takes note of a type at the head of a line or list; whether the sentence is nothing but that."""
        if not hits:
            return False
        tail = text.rstrip(" \"')")
        line, paragraph = sentence.line, sentence.paragraph
        first, last = hits[0], hits[-1]
        if not groups and self._is_heading(sentence, first, tail):
            self._context = Context(last.labels, line, paragraph, not self._rest(sentence.end))
            return True
        if (
            not question
            and self._subjects.opens_line()
            and last.end - sentence.start > len(tail) - 3
            and self._is_listed(sentence.end)
        ):
            self._context = Context(last.labels, line, paragraph, True)
            return all(self._trace.plain[group.start : group.end].islower() for group in groups)
        if question and not groups and _WHICH.match(self._low, sentence.start, first.start):
            self._context = Context(last.labels, line, paragraph, False)
            return False
        if tail.endswith((":", "–")) and not (groups and groups[-1].start > last.end):
            self._context = Context(last.labels, line, paragraph, True)
            return False
        if groups and groups[0].start < first.start:
            return False
        mark = _TYPE_KEY.match(self._low, first.end, sentence.end)
        if mark is None or mark["mark"] == "." or first.start - sentence.start > 40:
            return False
        if (len(hits) > 1 and hits[1].start < mark.end()) or _NOTHING.match(self._low, mark.end()):
            return False
        if mark["mark"] == "?" or self._subjects.opens_line() or not groups:
            asks = mark["mark"] == "?"
            self._context = Context(first.labels, line, paragraph, not asks and not self._rest(mark.end()))
        return False

    def _is_heading(self, sentence: Sentence, first: Hit, tail: str) -> bool:
        """A line that is a type and nothing else, or opens with a type as a sentence of its own."""
        if not self._subjects.opens_line() or not _HEADING.fullmatch(self._low, sentence.start, first.start):
            return False
        ends = first.end - sentence.start
        return len(tail) <= ends + 3 or (
            len(tail) <= ends + 4 and tail.endswith(".") and bool(self._rest(sentence.end))
        )

    def _is_listed(self, at: int) -> bool:
        """Whether the next line is an item of a list, and this one is none."""
        this = self._low.rfind("\n", 0, at - 1) + 1
        return _BULLET.match(self._low, at) is not None and _BULLET_HERE.match(self._low, this) is None

    def _rest(self, at: int) -> str:
        """What follows on the same line."""
        stop = self._low.find("\n", at)
        return self._low[at : stop if stop >= 0 else len(self._low)].strip(" \"'")

    def _apply_context(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit]) -> None:
        """Gives the mentions of a line or list the type at its head."""
        context = self._context
        assert context is not None
        own = context.line == sentence.line and hits and hits[0].labels == context.labels
        mark = _TYPE_KEY.match(self._low, hits[0].end, sentence.end) if own else None
        head = mark.end() if mark is not None else sentence.start
        for group in groups:
            alone = not any(hit.start > group.end and hit.labels.keys() - context.labels for hit in hits)
            leads = group is not groups[0] or self._subjects.lead([group]) is not None or group.start - head < 4
            listed = _LISTED.match(self._low, group.end, sentence.end + 1) is not None
            beside = _BESIDE.search(self._low, head, group.start) is not None or self._bracketed(head, group.start)
            firm = alone and leads and listed and not beside and not group.quoted
            for label, level in context.labels.items():
                event = Event(Polarity.YES, label, group.start, group.end, firm and level >= HEADS, direct=firm)
                self.statements.add(group.mentions, event, group.start)

    # -- types in a sentence

    def _assign(self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, guess: bool) -> None:
        events: list[tuple[Mentions, Event, int]] = []
        closed = self._closed(sentence, hits)
        undecided = not cues.DEFERRING.isdisjoint(self._words) and cues.UNDECIDED.search(text) is not None
        revises = _REVISES.match(text) is not None
        several = len(hits) > 1 and any(hit.labels.keys() - hits[0].labels for hit in hits[1:])
        double = several and _DOUBLE.search(text) is not None
        twice = several and _TWICE.search(text) is not None
        tally = (
            len(hits) > 2 and sum(_TALLY.search(self._low, sentence.start, hit.start) is not None for hit in hits) > 1
        )
        conceding = not _CONCESSIONS.isdisjoint(self._words)
        previous: Hit | None = None
        foreign = text.lstrip(" (").startswith('"')
        kinds = self._kinds(sentence, groups, hits, text, guess)
        if twice and self._contest is not None:
            self._contest.several = True
        if self._contest is not None and _TAKEN_BACK.search(text) is not None and Polarity.YES in kinds:
            self._contest.revise()
        parts = self._parts(sentence, hits, kinds)
        for hit, closes, kind, (part, compared) in zip(hits, closed, kinds, parts, strict=True):
            bound = self._bind(sentence, groups, hit, previous)
            self._weigh(sentence, groups, hit, part, compared, bound)
            unsure = not groups and not self._subjects.sure()
            if bound.firm and unsure and kind is Polarity.NO:
                bound = bound._replace(firm=False, direct=False)
            if bound.firm and kind is Polarity.NO and groups and not self._spoken_of(groups, bound.mentions):
                bound = bound._replace(firm=False)
            if bound.firm and kind is Polarity.NO and not groups and self._aside:
                bound = bound._replace(firm=False, direct=False)
            if bound.firm and foreign and kind is Polarity.NO and not self._spoken_of_plainly(groups, bound.mentions):
                bound = bound._replace(firm=False, direct=False)
            if bound.firm and not bound.direct and self._concludes(sentence, hit):
                bound = bound._replace(direct=True)
            if bound.firm and _REMAINDER.search(self._low, max(sentence.start, hit.start - 20), hit.start):
                bound = bound._replace(firm=False, direct=False)
            if (not bound.mentions or not groups) and self._note_empty(sentence, hit):
                kind = Polarity.NO
            contrasts = previous is not None and " but " in self._low[previous.end : hit.start]
            double = double and not contrasts
            start, end = self._evidence(hit, groups)
            for label, level in hit.labels.items():
                if level < HEADS and label in self._denied:
                    continue  # "A disease? No, a symptom."
                firm = (
                    bound.firm and level >= HEADS and not tally and (closes or bound.beside or kind is not Polarity.YES)
                )
                if firm and conceding and _CONCEDES.search(self._low, hit.end, min(hit.end + 90, sentence.end)):
                    firm = kind is not Polarity.YES
                if kind is Polarity.NO and _REPEATED.match(self._low, hit.end, sentence.end):
                    firm = False
                again = undecided if kind is Polarity.OPEN else revises
                event = Event(
                    kind,
                    label,
                    start,
                    end,
                    firm,
                    bound.faint,
                    double=double or (unsure and not bound.sure),
                    twice=twice,
                    again=again,
                    direct=bound.direct,
                    named=level >= HEADS,
                    beside=bound.beside,
                )
                events.append((bound.mentions, event, hit.start))
            if kind is Polarity.YES:
                self._verdict = hit.labels
                self._name(sentence, hit, bool(groups))
                self._fill(sentence, hit)
            previous = hit
        self._settle(events, double)

    # -- what a passage settles on

    def settle(self) -> None:
        """Ends a passage: the type that it settles on is said of its mentions."""
        contest, self._contest = self._contest, None
        won = contest.winner() if contest is not None else None
        if contest is None or won is None:
            return
        for mention in contest.mentions:
            events = self.statements.events[mention]
            said = [event for event in events[-_MAX_HITS:] if event.label == won.label]
            place, end = (said[-1].place, max(won.end, said[-1].end)) if said else (ANY, won.end)
            start = contest.at if 0 < won.start - contest.at < _REACH else won.start
            events.append(Event(Polarity.YES, won.label, start, end, True, direct=True, place=place, beside=True))

    def _contend(self, groups: Sequence[Group], at: int) -> None:
        """Begins a passage where a sentence has another subject than the ones before."""
        mentions = self._subject_of(groups, at)
        if self._contest is not None and self._contest.mentions == mentions:
            return
        self.settle()
        at = next((group.start for group in groups if group.mentions == mentions), at)
        self._contest = Contest(mentions, at) if mentions else None
        lead = self._subjects.lead(groups)
        if self._contest is not None and lead is not None and self._subjects.opens_line():
            self._contest.keyed = self._subjects.is_key(lead)

    def _subject_of(self, groups: Sequence[Group], at: int) -> Mentions:
        subjects = self._subjects
        lead = subjects.lead(groups)
        if lead is not None:
            return () if lead.part else lead.mentions
        plain = {() if group.part else group.mentions for group in groups if not group.quoted}
        that = bool(groups) and _THAT.fullmatch(self._low, at, groups[0].start) is not None
        stands_first = subjects.stands_first() and not that
        keyed = any(subjects.is_key(group) for group in groups if not group.quoted and not group.part)
        if plain and not stands_first and (keyed or subjects.key is None):
            return plain.pop() if len(plain) == 1 else ()
        return subjects.key.mentions if subjects.key is not None else subjects.meant()

    def _argue(self, mentions: Mentions, argument: Argument) -> None:
        if self._contest is not None and (not mentions or mentions == self._contest.mentions):
            self._contest.note(argument)

    def _parts(self, sentence: Sentence, hits: Sequence[Hit], kinds: Sequence[Polarity]) -> list[tuple[Part, bool]]:
        """The part of each type of a sentence in the argument, and whether it has it against another type."""
        if self._contest is None:
            return [(Part.SAID, False)] * len(hits)
        low, before = self._low, list[str]()
        alone: list[Part] = []
        start = sentence.start
        for hit, kind in zip(hits, kinds, strict=True):
            before.append(low[max(start, hit.start - 160) : hit.start])
            yes, no = kind is Polarity.YES, kind is Polarity.NO
            alone.append(part_of(yes, no, before[-1], low[hit.end : min(hit.end + 70, sentence.end)]))
            start = hit.end
        parts = list(alone)
        for index in range(len(hits) - 1):
            gap = low[hits[index].end : hits[index + 1].start]
            parts[index : index + 2] = compare(parts[index], parts[index + 1], before[index], gap)
        return [(part, part is not one) for part, one in zip(parts, alone, strict=True)]

    def _weigh(
        self, sentence: Sentence, groups: Sequence[Group], hit: Hit, part: Part, compared: bool, bound: Bound
    ) -> None:
        """Takes note of a type in the argument about the mention that a passage is about."""
        if compared and not any(hit.start - _NEAR < group.end <= hit.start for group in groups):
            bound = Bound()  # it is said of the subject, whatever else the sentence names
        elif (groups and not bound.mentions) or (bound.faint and not compared and part in (Part.SAID, Part.LOST)):
            return
        if part is Part.SAID and not (bound.firm or bound.direct or self._concludes(sentence, hit) or self._alone(hit)):
            return
        key = _TYPE_KEY.match(self._low, hit.end, sentence.end) if hit.start - sentence.start < 4 else None
        if key is not None and groups and groups[0].start >= hit.end:
            return
        end = hit.end if part is not Part.LOST else cues.clause_end(self._low, hit.end, sentence.end)
        for label, level in hit.labels.items():
            if level >= HEADS:
                self._argue(bound.mentions, Argument(label, part, hit.start, end))

    def _alone(self, hit: Hit) -> bool:
        """Whether a type is a phrase of its own: "..., a person."."""
        after = _PHRASE_ENDS.match(self._low, hit.end) is not None
        return after and _PHRASE_BEGINS.search(self._low, max(0, hit.start - 20), hit.start) is not None

    def _concludes(self, sentence: Sentence, hit: Hit) -> bool:
        return _CONCLUDES.search(self._low, max(sentence.start, hit.start - 40), hit.start) is not None

    def _kinds(
        self, sentence: Sentence, groups: Sequence[Group], hits: Sequence[Hit], text: str, guess: bool
    ) -> list[Polarity]:
        """What the sentence says of each type; in a row ("A or B", "A and B are on offer") it says the same of all."""
        kinds: list[Polarity] = []
        for hit in hits:
            turned = guess and " but " in self._low[sentence.start : hit.start] and not text.endswith("?")
            settled = guess and bool(groups) and self._settled(sentence, groups[0], hit)
            kinds.append(self._polarity(sentence, groups, hit, guess and not turned and not settled))
        for index in range(1, len(hits)):
            gap = self._low[hits[index - 1].end : hits[index].start]
            weighed = kinds[index - 1] is Polarity.OPEN and gap.rstrip(" \"'").endswith(" or")
            apart = kinds[index - 1] is Polarity.NO and self._apart(sentence, hits, index)
            if kinds[index] is Polarity.YES and not apart and (weighed or _CHAIN.fullmatch(gap)):
                kinds[index] = kinds[index - 1]
        for index in range(len(hits) - 2, -1, -1):
            if kinds[index] is not Polarity.YES or kinds[index + 1] is not Polarity.OPEN:
                continue
            if _CHAIN.fullmatch(self._low, hits[index].end, hits[index + 1].start):
                kinds[index] = Polarity.OPEN
        return kinds

    def _apart(self, sentence: Sentence, hits: Sequence[Hit], index: int) -> bool:
        """Whether a type is no part of the row of refused types before it: "neither planet nor person, a team"."""
        gap = self._low[hits[index - 1].end : hits[index].start]
        if "," not in gap or _CONJUNCTION.search(gap) is not None:
            return False
        ended = index > 1 and _CONJUNCTION.search(self._low, hits[index - 2].end, hits[index - 1].start) is not None
        return ended or _INSTEAD.search(self._low, sentence.start, hits[index - 1].start) is not None

    def _settled(self, sentence: Sentence, subject: Group, hit: Hit) -> bool:
        """Whether a question is about something else: "X: a band, keep the article?"."""
        if "(" in self._low[hit.end : sentence.end] and subject.end <= hit.start:
            return True
        return (
            subject.end <= hit.start
            and self._subjects.is_key(subject)
            and _ADJACENT.fullmatch(self._low, subject.end, hit.start) is not None
            and _NEW_QUESTION.match(self._low, hit.end, sentence.end) is not None
        )

    def _closed(self, sentence: Sentence, hits: Sequence[Hit]) -> list[bool]:
        """Of each type whether it ends its phrase, as a verdict does; in a row ("A and B") the last decides."""
        closed = [_CLOSES.match(self._low, hit.end, sentence.end) is not None for hit in hits]
        for index in range(len(hits) - 2, -1, -1):
            if _CHAIN.fullmatch(self._low, hits[index].end, hits[index + 1].start):
                closed[index] = closed[index] and closed[index + 1]
        return closed

    def _polarity(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, guess: bool) -> Polarity:
        low = self._low
        start = cues.clause_start(low, sentence.start, hit.start)
        for group in groups:
            if start < group.end <= hit.start and not group.quoted:
                lead = low[start : group.start]
                denied = " not" in lead or "n't" in lead or _HEDGED.search(lead) is not None
                start = start if denied else group.end
        stop = cues.clause_end(low, hit.end, sentence.end)
        asks = low[hit.end : min(stop + 2, sentence.end)].lstrip(" \"')")[:1] == "?"
        after = low[hit.end : min(hit.end + 70, sentence.end)]
        before = low[start : hit.start]
        if '"' in before:
            before = _QUOTED.sub(" ", before)
        if self._also:
            before = before.replace("if ", " ")
        return cues.polarity(before, after, guess or asks, self._words)

    def _count(self, sentence: Sentence, hits: Sequence[Hit]) -> None:
        """A row of types without a mention: the schema, a tally, or "nothing in PER, LOC, ORG"."""
        before = self._low[sentence.start : hits[0].start]
        if cues.polarity(before, self._low[hits[-1].end : sentence.end], False, self._words) is not Polarity.NO:
            return
        if _DENIES_ALL.match(self._low, sentence.start, sentence.end):
            self._add_refusal(sentence, self._subjects.meant(), "")
        for hit in hits:
            self._note_empty(sentence, hit)

    def _name(self, sentence: Sentence, hit: Hit, grouped: bool) -> None:
        for label, level in hit.labels.items():
            if level >= HEADS:
                self.statements.decisions.append((hit.start, label, grouped))
                self.statements.named.setdefault((sentence.line, label), (hit.start, hit.end))

    def _fill(self, sentence: Sentence, hit: Hit) -> None:
        """Takes note of a type that is said of something, of how many, or of everything."""
        low = self._low
        if max(hit.labels.values()) < HEADS:
            return
        many = not _MANY.isdisjoint(self._words)
        counted = not _NUMERALS.keys().isdisjoint(self._words)
        number = _NUMBER.search(low, max(sentence.start, hit.start - 30), hit.start) if counted else None
        listed = _NUMBER_OF.search(low, max(sentence.start, hit.start - 40), hit.start) if counted else None
        said = self._concludes(sentence, hit)
        key = _TYPE_KEY.match(low, hit.end, sentence.end) if hit.start - sentence.start < 12 else None
        said = said and _GENERAL.isdisjoint(self._words)
        said = said or (key is not None and key["mark"] not in "?.")
        blanket = not _TOTAL.isdisjoint(self._words) and _EVERYTHING.match(low[sentence.start : hit.start]) is not None
        blanket = blanket or (" for " in low[hit.end : hit.end + 16] and _FOR_ALL.match(low, hit.end) is not None)
        for label, level in hit.labels.items():
            if level < HEADS:
                continue
            if blanket:
                self.statements.blanket.setdefault(label, (sentence.start, hit.end))
            if said:
                several = many or number is not None
                self.statements.slots.append(Slot(label, hit.start, hit.end, several))
            if listed is not None and level == NAMES and not quotation(self._trace.quotes, *listed.span()):
                self.statements.counts.append(Count(label, _NUMERALS[listed[1]], listed.start(1), hit.end))
            if counted and number is None and _ALL_ARE.search(low, max(sentence.start, hit.start - 30), hit.start):
                number = _NUMBERED.search(low, sentence.start, hit.start)
                if number is not None and not quotation(self._trace.quotes, *number.span()):
                    self.statements.counts.append(Count(label, _NUMERALS[number[1]], number.start(1), hit.end))
            elif (
                number is not None and low[hit.end - 1] == "s" and not quotation(self._trace.quotes, hit.start, hit.end)
            ):
                self.statements.counts.append(Count(label, _NUMERALS[number[1]], number.start(1), hit.end))

    def _evidence(self, hit: Hit, groups: Sequence[Group]) -> tuple[int, int]:
        start, end = hit.start, hit.end
        for group in groups:
            if abs(group.start - hit.start) < 300:
                start, end = min(start, group.start), max(end, group.end)
        return start, end

    def _settle(self, events: Sequence[tuple[Mentions, Event, int]], double: bool) -> None:
        """The last type that a sentence gives to a mention is its verdict, unless it gives both."""
        for index, (mentions, event, at) in enumerate(events):
            for mention in mentions:
                beaten = (
                    event.firm
                    and not double
                    and event.kind is Polarity.YES
                    and any(
                        other.firm and other.kind is Polarity.YES and other.label != event.label and mention in others
                        for others, other, _ in events[index + 1 :]
                    )
                )
                self.statements.add((mention,), event._replace(firm=False) if beaten else event, at)

    def _note_empty(self, sentence: Sentence, hit: Hit) -> bool:
        """Notes that a type is said to have no mention, if it is."""
        before = self._low[max(sentence.start, hit.start - 60) : hit.start]
        if NAMES not in hit.labels.values() or not cues.says_empty(before, self._low[hit.end : sentence.end]):
            return False
        for label, level in hit.labels.items():
            if level == NAMES:
                self.statements.empty[label] = hit.start
        return True

    # -- which mentions a type is about

    def _bind(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, previous: Hit | None) -> Bound:
        """The mentions that a type is about; of a word out of a mention nothing firm is said."""
        key = self._subjects.key
        if (
            key is not None
            and groups
            and self._low[sentence.start : hit.start].rstrip(" \"'").endswith("→")
            and groups[0].end <= hit.start
            and _FOREIGN_SUBJECT.match(self._low, sentence.start, sentence.end) is None
            and self._subjects.lead(groups) is None
            and self._subjects.continues()
        ):
            return Bound(key.mentions, True, direct=True)
        bound = self._bind_any(sentence, groups, hit, previous)
        pieces = {mention for group in groups if group.part for mention in group.mentions}
        whole = {mention for group in groups if not group.part for mention in group.mentions}
        if bound.firm and pieces and set(bound.mentions) <= pieces - whole:
            return bound._replace(firm=False)
        return bound

    def _bind_any(self, sentence: Sentence, groups: Sequence[Group], hit: Hit, previous: Hit | None) -> Bound:
        low = self._low
        before = [group for group in groups if group.end <= hit.start and not _OWNS.match(low, group.end, sentence.end)]
        before = [group for group in before if not group.part] or before
        following = next((group for group in groups if group.start >= hit.end), None)
        if before and all(self._is_clue(group) for group in before):
            after = _TOGETHER_AFTER.match(low, hit.end, sentence.end)
            if after is not None and (after["n"] or after["count"]):
                return self._bind_topic(sentence, hit)
        if following is not None and _DIRECT.fullmatch(low, hit.end, following.start):
            key = ":" in low[hit.end : following.start]
            listed = not key or _LISTED.match(low, following.end, sentence.end + 1) is not None
            return Bound(following.mentions, listed and (not following.quoted or not before), direct=True, beside=True)
        heads = not before and hit.start - sentence.start < 12
        if following is not None and heads and _DASH.fullmatch(low, hit.end, following.start):
            return Bound(following.mentions, True, direct=True, beside=True)
        if before and _ADJACENT.fullmatch(low, before[-1].end, hit.start):
            subject = self._subjects.key
            if subject is not None and self._is_evidence(sentence, before[-1], subject):
                return Bound(subject.mentions, True, direct=True)
            shown = [group for group in before if not group.quoted] if self._in_brackets(before[-1]) else []
            beside = (shown or before)[-1]
            placed = (
                self._subjects.lead([beside]) is None
                and _PLACED.search(low, max(sentence.start, beside.start - 40), beside.start) is not None
                and "," in low[beside.end : hit.start]
                and " so " not in low[beside.end : hit.start]
                and _ANOTHER.search(low, beside.end, hit.start) is None
            )
            key_lead = self._key_lead(groups) if placed else None
            if key_lead is not None and key_lead is not beside:
                return Bound(key_lead.mentions, True, direct=True)
            return Bound(beside.mentions, not placed, direct=not placed, beside=not placed)
        named_first = self._subjects.lead(before) is not None
        if before and not named_first and (all(group.quoted for group in before) or self._subjects.stands_first()):
            goes_on = _IT_IS.search(low, max(sentence.start, hit.start - 50), hit.start)
            if goes_on is not None and before[-1].end < goes_on.start() and not self._subjects.idle:
                topic = self._bind_topic(sentence, hit)
                if topic.mentions:
                    return topic
        inner = any(
            not low.endswith(_KIND_OF, sentence.start, found.start())
            for found in _PREPOSITION.finditer(low, max(sentence.start, hit.start - 40), hit.start)
        )
        inner = inner and _AS_TYPE.search(low, max(sentence.start, hit.start - 30), hit.start) is None
        last = before[-1] if before else None
        if (
            last is not None
            and previous is not None
            and last.start >= previous.end
            and not last.quoted
            and _OPENS_CLAUSE.fullmatch(low, previous.end, last.start)
        ):
            bound = Bound(last.mentions, True, direct=True)
        elif before and before[0] is self._key_lead(groups):
            bound = Bound(before[0].mentions, True, direct=True)
        elif before:
            bound = self._bind_before(before, previous)
        elif not groups or _TOGETHER.search(low, sentence.start, min(hit.start, groups[0].start)):
            bound = self._bind_topic(sentence, hit)
        else:
            bound = Bound()
        if groups and not before and not bound.mentions:
            bound = Bound(tuple(mention for group in groups for mention in group.mentions))
        return Bound(bound.mentions, False, True) if inner else bound

    def _spoken_of(self, groups: Sequence[Group], mentions: Mentions) -> bool:
        """Whether a sentence names one of the mentions outside a longer quotation, or none at all."""
        own = [group for group in groups if not set(group.mentions).isdisjoint(mentions)]
        return not own or any(not group.quoted for group in own)

    def _spoken_of_plainly(self, groups: Sequence[Group], mentions: Mentions) -> bool:
        """Whether a sentence names one of the mentions at all."""
        return any(not set(group.mentions).isdisjoint(mentions) for group in groups)

    def _is_clue(self, group: Group) -> bool:
        """Whether small words are quoted that the answer does not list."""
        quoted = self._low[group.start - 1 : group.start] == self._low[group.end : group.end + 1] == '"'
        return (
            quoted
            and self._trace.plain[group.start].islower()
            and not any(self._surfaces[one].listed for one in group.mentions)
        )

    def _is_evidence(self, sentence: Sentence, group: Group, key: Group) -> bool:
        """Whether words of the sentence are quoted for what the line is about: 'it has "mild effects": drug'."""
        mine = not set(group.mentions).isdisjoint(key.mentions) or self._subjects.lead([group]) is not None
        return self._is_clue(group) and not mine and _HE_HAS.search(self._low, sentence.start, group.start) is not None

    def _in_brackets(self, group: Group) -> bool:
        """Whether a quotation in brackets shows the mention before it."""
        return group.quoted and self._bracketed(0, group.start)

    def _bracketed(self, start: int, at: int) -> bool:
        """Whether a bracket is open at `at` that was opened shortly before."""
        floor = max(start, at - 80)
        return self._low.rfind("(", floor, at) > self._low.rfind(")", floor, at)

    def _key_lead(self, groups: Sequence[Group]) -> Group | None:
        lead = self._subjects.lead(groups)
        return lead if lead is not None and self._subjects.is_key(lead) else None

    def _bind_before(self, before: Sequence[Group], previous: Hit | None) -> Bound:
        fresh = [group for group in before if previous is None or group.start >= previous.end]
        plain = [group for group in (fresh or before) if not group.quoted] or list(fresh or before)
        key = self._subjects.key
        if key is not None and all(group.quoted for group in before):
            return Bound(key.mentions, True)
        if len({group.mentions for group in plain}) == 1:
            return Bound(plain[0].mentions, True, direct=plain[0] is self._subjects.lead(before))
        if not fresh:
            return Bound(before[-1].mentions)
        return Bound(tuple(mention for group in plain for mention in group.mentions))

    def _bind_topic(self, sentence: Sentence, hit: Hit) -> Bound:
        low, subjects = self._low, self._subjects
        opening = low[sentence.start : hit.start]
        mark = _TYPE_KEY.match(low, hit.end, sentence.end) if len(opening) < 12 else None
        if mark is not None and mark["mark"] not in "?.":
            return Bound()
        together = _TOGETHER.search(low, sentence.start, hit.start)
        after = _TOGETHER_AFTER.match(low, hit.end, sentence.end)
        singular = _SINGULAR.search(opening) is not None
        if (together is not None and not singular) or after is not None:
            word = _together_word(together, low) if together is not None else "all"
            if together is None and after is not None:
                word = after["n"] or after["count"] or next((one for one in _TOGETHER_WORDS if one in after[0]), "all")
            if word in _PLURAL and subjects.topic and subjects.topic_line == sentence.line and subjects.meant():
                topic = tuple(mention for group in subjects.topic for mention in group.mentions)
                sure = len(subjects.topic) == 1 and not subjects.topic[0].quoted
                return Bound(topic, sure, direct=sure and subjects.sure())
            mentions, sure = subjects.together(word)
            return Bound(mentions, sure, direct=sure, sure=sure)
        if _FOR_IT.match(low, hit.end, sentence.end):
            mentions = subjects.key.mentions if subjects.key is not None else subjects.recent()
            return Bound(mentions, True, direct=True, sure=True)
        if _CHANGES_IT.search(low, max(sentence.start, hit.start - 40), hit.start):
            return Bound(
                subjects.key.mentions if subjects.key is not None else subjects.meant(), True, direct=True, sure=True
            )
        if _HE.match(opening):
            return Bound(subjects.person())
        if _FIRST_PERSON.match(opening) and not _DECIDES.search(opening):
            return Bound(subjects.meant(), False, True)
        goes_on = subjects.continues()
        ends = sentence.end - hit.end < 3 or _TERSE.match(low, hit.end, sentence.end) is not None
        terse = len(opening) < 16 and ends
        same_line = subjects.topic_line == sentence.line
        if _OTHER_NAME.search(self._trace.plain, sentence.start + 2, hit.start):
            goes_on = terse = False
        if subjects.key is not None:
            firm = same_line and (goes_on or terse or (ends and opening.endswith(": ")))
            return Bound(subjects.key.mentions, firm, direct=firm)
        if not goes_on and not same_line:
            return Bound()
        mentions = tuple(mention for group in subjects.topic for mention in group.mentions)
        sure = len(subjects.topic) == 1 and not subjects.topic[0].quoted
        firm = sure and same_line and (goes_on or terse)
        return Bound(mentions, firm, direct=firm and (terse or singular or opening.lstrip().startswith("so ")))

    # -- answers to the trace's own questions, refusals and acceptances without a type

    def _answer(self, text: str, sentence: Sentence, asked: tuple[dict[int, int], Mentions], named: bool) -> None:
        labels, mentions = asked
        agrees = cues.ANSWER_YES.match(text) or cues.ENDS_YES.search(text)
        denies = cues.ANSWER_NO.match(text) or cues.ENDS_NO.search(text, max(0, len(text) - 60))
        kind = Polarity.NO if denies else Polarity.YES if agrees else None
        if kind is None:
            self._asked = asked if sentence.line == self._line and not self._late else None
            self._late = not self._late
            return
        self._late = False
        self._denied = frozenset(labels) if kind is Polarity.NO else frozenset()
        for label, level in labels.items():
            firm = level >= HEADS and (kind is Polarity.NO or (self._asked_surely and not named and len(labels) == 1))
            start = self._asked_at if firm and kind is Polarity.YES else sentence.start
            self.statements.add(mentions, Event(kind, label, start, sentence.end, firm, direct=firm))
            if firm and not named and (kind is Polarity.NO or len(labels) == 1):
                part = Part.LOST if kind is Polarity.NO else Part.WON
                self._argue(mentions, Argument(label, part, sentence.start, sentence.end))
            unspecific = not (mentions or named or self._shown or self._asked_of_one)
            if kind is Polarity.NO and unspecific and level == NAMES:
                self.statements.empty[label] = sentence.start

    def _refuse(
        self,
        sentence: Sentence,
        groups: Sequence[Group],
        hits: Sequence[Hit],
        lead: Group | None,
        text: str,
        asked: tuple[dict[int, int], Mentions] | None,
    ) -> None:
        words = self._words
        if lead is not None and (lead.part or self._other_word(lead)):
            return
        if lead is None and _QUOTES_FIRST.match(text) is not None:
            self._subjects.turn_to_other()
        base = sentence.start
        heading = cues.REFUSED_LIST.match(text) if ":" in text else None
        if heading is not None and not any(hit.start < base + heading.end() for hit in hits):
            for group in groups:
                if group.start >= base + heading.end() and not group.part and not group.quoted:
                    self._add_refusal(sentence, group.mentions, text)
            return
        for match in cues.REFUSAL.finditer(text) if not cues.REFUSING.isdisjoint(words) else ():
            typed = any(
                base + match.start() < hit.start < base + match.end() and max(hit.labels.values()) >= HEADS
                for hit in hits
            )
            if cues.WEIGHED.search(text, max(0, match.start() - 40), match.start()):
                continue
            if self._refuses_type(sentence, match, groups, hits):
                continue
            if not (match["not"] and typed):
                refused = self._object(sentence, match, groups, lead)
                if not refused and self._contest is not None:
                    self._contest.dismiss()
                end = base + match.end()
                self._add_refusal(sentence, tuple(one for one in refused if not self._taken_later(one, end)), text)
        found = cues.NO_MENTION.search(text) if not cues.UNWANTED.isdisjoint(words) else None
        if found is None and not cues.POLITENESS.isdisjoint(words):
            found = cues.NOT_WANTED.search(text)
        weighs = found is not None and hits and _TO_SEE.match(text, found.end()) is not None
        if found is not None and not weighs and cues.CONCESSION.match(text, found.end()) is None:
            start, end = base + found.start(), base + found.end()
            if not any(start < hit.end + _TYPE_SUBJECT and hit.start < end + 3 for hit in hits):
                self._add_refusal(sentence, self._subject(sentence, groups, lead, start), text)
        if (
            ("only" in words or "just" in words)
            and _ONLY.search(text) is not None
            and self._subjects.key is not None
            and groups
            and lead is None
        ):
            kept = {mention for group in groups for mention in group.mentions}
            if not kept & set(self._subjects.key.mentions):
                self._add_refusal(sentence, self._subjects.key.mentions, text)
        if self._marked or text.rstrip(" \"'.,;!)|").rpartition(" ")[2] in cues.LAST_WORDS:
            self._refuse_in_a_word(sentence, groups, hits, lead, text, asked)

    def _other_word(self, group: Group) -> bool:
        """Whether a mention with a capital is written small in quotes: 'the "will" as a document'."""
        plain, start = self._trace.plain, group.start
        capital = all(self._surfaces[mention].text[:1].isupper() for mention in group.mentions)
        return capital and plain[start].islower() and plain[start - 1 : start] == '"'

    def _refuses_type(
        self, sentence: Sentence, match: re.Match[str], groups: Sequence[Group], hits: Sequence[Hit]
    ) -> bool:
        """ "I considered planet but rejected it": the type is refused, and not what it was considered for."""
        start, end = sentence.start + match.start(), sentence.start + match.end()
        before = [hit for hit in hits if hit.end <= start and max(hit.labels.values()) >= HEADS]
        first_person = _FIRST_PERSON.match(self._low, sentence.start, start) is not None
        if groups or not before or not first_person or _IT_ONLY.search(self._low, start, end) is None:
            return False
        for label in before[-1].labels:
            self._argue((), Argument(label, Part.LOST, start, sentence.end))
        return True

    def _taken_later(self, mention: int, at: int) -> bool:
        """Whether the same sentence takes a mention behind the place `at`."""
        return any(
            event.firm and event.kind is Polarity.YES and event.end > at
            for event in self.statements.events[mention][-3:]
        )

    def _refuse_in_a_word(
        self,
        sentence: Sentence,
        groups: Sequence[Group],
        hits: Sequence[Hit],
        lead: Group | None,
        text: str,
        asked: tuple[dict[int, int], Mentions] | None,
    ) -> None:
        """ "..., so no.": it refuses the type that was asked about, else the mention."""
        match = cues.NO_VERDICT.search(text, max(0, len(text) - 80))
        if match is None or re.search(r"\b(?:whether|if)\b", text[: match.start()]):
            return
        bracket = text.rfind("(", 0, match.start())
        if bracket >= 0 and '"' in text[bracket : match.start()] and ")" not in text[bracket : match.start()]:
            return  # it is about what stands in the bracket
        if self._unanswered:
            return  # it answers a question about something else
        at = sentence.start + match.start()
        before = [group for group in groups if group.end <= at]
        subject = lead or (before[-1] if before and not before[-1].quoted else None)
        mentions = subject.mentions if subject is not None else ()
        if subject is None and not before and _FOREIGN_SUBJECT.match(text) is None:
            mentions = self._subjects.meant()
        near = [hit for hit in hits if hit.end > at - 60 and hit.start < at]
        if near:
            for label, level in near[-1].labels.items():
                refused = Event(Polarity.NO, label, sentence.start, sentence.end, level >= HEADS)
                self.statements.add(mentions if before else (), refused)
            return
        if asked is not None and subject is None:
            for label in asked[0]:
                self.statements.add(asked[1], Event(Polarity.NO, label, sentence.start, sentence.end, True))
        else:
            self._add_refusal(sentence, mentions, text)

    def _add_refusal(self, sentence: Sentence, mentions: Mentions, text: str) -> None:
        if not mentions or cues.REPEATS.search(text) is not None:
            return
        if self._contest is not None and set(mentions) & set(self._contest.mentions):
            self._contest.dismiss()
        soft = cues.ELSEWHERE.search(text) is not None
        self.statements.add(mentions, Event(Polarity.NO, EVERY, sentence.start, sentence.end, True, soft=soft))

    def _object(
        self, sentence: Sentence, match: re.Match[str], groups: Sequence[Group], lead: Group | None
    ) -> Mentions:
        """The mentions that a verb's object means."""
        name = next(name for name in ("object", "between", "thing", "none") if match[name] is not None)
        start, end = (sentence.start + at for at in match.span(name))
        verb = sentence.start + match.start()
        plain = [group for group in groups if not group.quoted and not group.part]
        first = next((group.start for group in plain if start <= group.start < end), end)
        if first < end and _ASIDE.search(self._low, start, first):
            return ()
        if name == "between" and _TWO_ACTS.search(self._low, start, end):
            return ()
        inside = tuple(mention for group in plain if start <= group.start < end for mention in group.mentions)
        if not inside and not groups and _COUNTED.match(self._low, start, end) is not None:
            self.statements.loose.append(verb)
            return ()
        if inside or not _PRONOUN.match(self._low, start, end):
            return inside
        before = [group for group in plain if group.end <= verb]
        if before:
            return lead.mentions if lead is not None and lead.end <= verb else before[-1].mentions
        together = _TOGETHER.search(self._low, start, end)
        if together is not None and together[0] not in ("they", "them", "their", "these", "those"):
            return self._subjects.together(_together_word(together, self._low))[0]
        return self._subjects.meant()

    def _subject(self, sentence: Sentence, groups: Sequence[Group], lead: Group | None, at: int) -> Mentions:
        """The mentions of which a predicate at `at` speaks: the subject, or what a pronoun or nothing stands for."""
        quoted = _QUOTED_SUBJECT.search(self._low, max(sentence.start, at - 40), at)
        if quoted is not None:
            own = [group for group in groups if quoted.start() <= group.start < at]
            return own[-1].mentions if own else ()
        if lead is not None and lead.end <= at:
            return lead.mentions
        if any(group.end <= at for group in groups):
            return ()
        if _IT.fullmatch(self._low, sentence.start, at):
            if self._subjects.topic and all(group.quoted for group in self._subjects.topic):
                return ()
            verbless = at == sentence.start and self._subjects.topic_line == sentence.line
            return self._subjects.recent() if verbless else self._subjects.meant()
        if not groups and _FOR_IT.search(self._low, at, sentence.end):
            return self._subjects.recent()
        return ()

    def _accept(self, sentence: Sentence, groups: Sequence[Group], text: str) -> None:
        """An acceptance without a type takes the type that was last weighed for the mention."""
        if not self._marked and cues.ACCEPTING.isdisjoint(self._words):
            return
        if not cues.REFUSING.isdisjoint(self._words) and cues.REFUSAL.search(text) is not None:
            return
        named = [mention for group in groups for mention in group.mentions]
        if not named and self._verdict and cues.SAME_TYPE.search(text) is not None and self._subjects.sure():
            named = list(self._subjects.meant())
        if (
            not named
            and self._verdict
            and _TAKES_IT.search(text) is not None
            and cues.SAME_TYPE.search(text) is not None
        ):
            named = list(self._subjects.recent())
        if named and self._verdict and cues.SAME.search(text) is not None:
            firm = cues.SAME_TYPE.search(text) is not None
            ditto = bool(groups) and _DITTO.match(self._low, groups[-1].end, sentence.end) is not None
            for label, level in self._verdict.items():
                firmly = firm and level >= HEADS
                event = Event(Polarity.YES, label, sentence.start, sentence.end, firmly, direct=not groups or ditto)
                event = event._replace(beside=ditto)
                self.statements.add(named, event)
        if cues.ACCEPTANCE.search(text) is None:
            return
        terse = len(text.strip()) < 14 and self._subjects.topic_line == sentence.line
        for mention in named or self._subjects.meant() or (self._subjects.recent() if terse else ()):
            weighed = next((e for e in reversed(self.statements.events[mention]) if e.label != EVERY), None)
            label = weighed.label if weighed is not None and weighed.kind is Polarity.OPEN else EVERY
            self.statements.add((mention,), Event(Polarity.YES, label, sentence.start, sentence.end))
