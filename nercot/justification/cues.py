"""The English in which traces take, refuse and weigh: cue words as patterns over folded text.

In: slices of a trace's `low` text (trace.py).  Out: yes or no, or where.  Everything that depends on a language
stands here and in lexicon.py.
"""

from __future__ import annotations

import re
from enum import Enum


class Polarity(Enum):
    """What a clause says of the type that it names."""

    YES = 1
    NO = 2
    OPEN = 3


# Before a type within its clause.
_NOT_BEFORE = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|without|cannot|hardly|none|nobody|nothing|against|rather than|instead of|other than"
    r"|far from|excludes?|excluded|rul(?:es?|ed|ing) out|rejects?|scrap|drop(?:ped)?|unlike|avoid|isnt|lacks?|except"
    r"|would have been|had it been|if it (?:were|was)|misread(?:ing)?|mistake[ns]?|wrong(?:ly)?)\b|n't\b)"
)
_STILL_YES = re.compile(
    r"\b(?:no doubt|no question|not only|not just|not merely|nothing (?:but|other than|else than)|none other than"
    r"|no other than|why not|not to mention|no (?:problem|discussion|ambiguity|need|matter|reason)|without (?:a )?(?:doubt|question|hesitation)"
    r"|can(?:not|'t) be (?:anything|other)|n't (?:matter|change|help)|not (?:sure|certain) (?:if|whether))\b"
)
# After a type within its clause.
_NOT_AFTER = re.compile(
    r"^[\s\"'):=–→?|-]*(?:(?:type|slot|label|idea|field|category|reading|one|option|either|it|that|this|here|there|still|also|too|then)[\s\"',]+){0,3}"
    r"(?:(?:is|are|was|were|would be|would|does|do|has|had|makes?|can|could|seems?|remains?|stays?|gets?|must|should|will|'s|there's)[\s\"]*)?"
    r"(?:not\b(?! only| just| merely)|no\b(?!\.? ?\d| doubt| question| problem| discussion| matter)|n't|isn't|aren't|wasn't|weren't|doesn't|don't|didn't|won't|wouldn't|can't|cannot|couldn't|nope\b|none\b|nothing\b|never\b"
    r"|empty\b|excluded\b|ruled out|out\b|wrong\b|odd\b|unlikely\b|a mistake|a misreading|absurd|nonsense|off the table|nowhere|blank\b|vacant\b"
    r"|a (?:bad|poor) fit|no sense)"
)
_NOT_LATER = re.compile(
    r"^[^,;:.(]{0,60}\b(?:would be|is|was|seems|feels|looks) (?:an? |just |simply |clearly )*"
    r"(?:mistake|wrong|misreading|error|nonsense|odd|too far|stretch|unlikely|off|out of (?:the )?question|ruled out|excluded|absurd)"
)
_OPEN = re.compile(
    r"\b(?:(?:could|might|may|can|would)(?: also| well| just| still| possibly| even| then| easily| probably| equally| have)* (?:be|been|stand|refer|count|mean|name|denote|go|fit|qualify|indicate|suggest|pass|serve|look|sound|make|take|belong|read|argue|call|see|say|treat|consider|fall)"
    r"|perhaps|maybe|possibly|tempted|tempting|either|whether|if|unsure|undecided|usually|normally"
    r"|elsewhere|alternatively|sounds? like|one (?:may|might|could)|in theory|in principle|at first|initially|candidates?|options?"
    r"|start with|started with|first (?:thought|instinct|impulse|guess|idea)|thought of|consider(?:ed|ing)?|wonder(?:ed|ing)?|possibilit(?:y|ies)"
    r"|like|as if|similar to|resembles?|readings?|not sure|unclear|debatable|arguabl[ey]|offers?|potentially|otherwise|suppose it|in another|hesitat\w+|torn between)\b"
)
_DECIDED = re.compile(
    r"\b(?:can only be|could only be|must be|has to be|have to be|cannot be anything|in that case|i'd|i would (?:say|call|go|take|label|tag|count)"
    r"|so i|decide[ds]?|settle[ds]?|settling|conclude[ds]?|final(?:ly)?|hence|therefore|thus|i (?:take|go|keep|choose|pick|label|tag|count|treat|use|call|read|consider|classify|put|mark|prefer|accept|add|list|give|assign|opt))\b"
)

# A type that has no mention at all.
_EMPTY_BEFORE = re.compile(
    r"(?:^|[.;,:(]|\b(?:and|so|but|with|are|is|has|have|see|find|there's|there is|there are|there was|hence))\s*"
    r"(?:clearly |definitely |obviously |really |also |still |explicitly )?"
    r"(?:no|not any|not a|without|without any|zero|nothing for|none for|nothing under|nothing (?:that (?:is|counts as|qualifies as|could be|would be)|like|of)|(?:any|a single)?)"
    r"\s*(?:a |an |any |the |real |actual |named |explicit |specific |single |particular )*[\"']?$"
)
_OTHERS = re.compile(
    r"\b(?:other|others|else|more|further|additional|another|beyond|besides|apart|except|except for|remaining|rest|second|separate|extra|left)\b"
)

ANSWER_NO = re.compile(
    r"^\W*(?:and |but |well,? |hmm,? |oh,? |i'd say |i think |probably |surely |clearly )*"
    r"(?:no|nope|nah|not|neither|none|nothing|nobody|hardly|never|don't|doesn't|isn't|wrong)\b"
)
ANSWER_YES = re.compile(
    r"^\W*(?:and |but |well,? |hmm,? |oh,? |i'd say |i think |probably )*"
    r"(?:yes|yep|yeah|sure|surely|indeed|of course|certainly|right|correct|true|ok|okay|fine|absolutely|definitely|obviously|it is|it does|they are|i'd say so|i think so|why not)\b"
)

# What traces do with a string that they do not want; the object follows, or stands before `out`.
_VERB = (
    r"skip(?:ping|ped|s)?|drop(?:ping|ped|s)?|exclud(?:e|ing|ed|es)|omit(?:ting|ted|s)?|ignor(?:e|ing|ed|es)|discard(?:ing|ed|s)?"
    r"|disregard(?:ing|ed|s)?|reject(?:ing|ed|s)?|remov(?:e|ing|ed|es)|rul(?:e|ing|ed) out|dismiss(?:ing|ed)?|scrap(?:ping|ped)?"
    r"|let go of|pass(?:ing)? on|leav(?:e|ing) out|left out|throw(?:ing)? out|strike|cross out|do without|steer clear of|exempt"
)
_TAKEN = (
    r"tak(?:e|ing)|includ(?:e|ing)|list(?:ing)?|add(?:ing)?|count(?:ing)?|tag(?:ging)?|label(?:l?ing)?"
    r"|extract(?:ing)?|annotat(?:e|ing)|mark(?:ing)?|keep(?:ing)?|giv(?:e|ing)|pull(?:ing)?|return(?:ing)?"
    r"|record(?:ing)?|accept(?:ing)?|mak(?:e|ing) it"
)
REFUSAL = re.compile(
    rf"\b(?:(?P<verb>{_VERB})(?:\s+|$)(?P<object>[^,;:.()–→]*)"
    r"|(?:leav(?:e|ing)|left|keep(?:ing)?|kept|let(?:ting)?|set(?:ting)?|put(?:ting)?)\s+(?P<between>[^,;:.()–→]{0,60}?)\s*\b(?:out|off|aside|untagged|unlabel+ed|unmarked|unannotated|alone|go)\b"
    rf"|(?:(?:do|does|did|will|would|can|could|should|need|must|shall|is|are|was|were|be|am|i'm) ?(?:not|n't)|won't|can't|cannot|not|never)"
    rf"\s+(?:really |quite |going to |to |be |want to |even |actually |also |worth |get |it |them |separately |i )*(?P<not>{_TAKEN})(?:\s+|$)(?P<thing>[^,;:.()–→]*)"
    r")"
)
# Predicates that refuse the subject of their clause.
NO_MENTION = re.compile(
    r"\b(?:(?:not|n't|no|hardly|never)\s+(?:really |even |actually |quite )?(?:an?|any|the|of|in|any of|one of|of any)?\s*(?:[\w-]+ ){0,2}?"
    r"(?:entit(?:y|ies)|names?\b(?! \w+ed)|mentions?|proper (?:noun|name)s?|naming|interest|relevant|needed|asked(?: for)?|requested|wanted|types? (?:that|here|for)|concern)"
    r"|(?:no|without an?y?|lacks? an?|has(?:n't| no)|have(?:n't| no)|got no|there(?:'s| is) no|i've (?:got )?no|don't have an?y?|doesn't have an?y?)\s*(?:such |fitting |matching |suitable |own |separate )*"
    r"(?:types?|slots?|labels?|class(?:es)?|categor(?:y|ies)|tags?|box|home|field) (?:for|that|here|of|in|fits?|covers?)?"
    r"|(?:does|do|did) ?(?:not|n't) (?:count|fit|qualify|belong|apply|matter|name|interest)"
    r"|none of (?:the|these|those|them|my|our)|neither of|fits? (?:none|nothing|no type|nowhere|neither)|neither (?:type|label|fits|of)"
    r"|(?:not|never|n't) (?:really |even |also |separately |to be |be |being |get |getting )*(?:named|taken|included|listed|added|counted|tagged|label+ed|extracted|annotated|marked|kept|given|pulled|returned|recorded|accepted)"
    r"|(?:is|are|was|gets?|be|been|being|remains?|stays?|left|both|all|simply|just) (?:left out|skipped|dropped|excluded|omitted|ignored|discarded|rejected|removed|ruled out|disregarded)"
    r"|(?:too )?(?:generic|vague|unspecific|nameless|unnamed)\b|common nouns?|out of scope|not worth"
    r"|nobody asks|isn't asked|not asked|(?:a )?(?:would|will) be (?:a )?(?:mistake|wrong|noise|overkill|nonsense|too much|odd|a stretch|an error)"
    r"|(?:just|only|merely) (?:a |an )?(?:description|descriptive|descriptor|adjective|modifier|pronoun|common|generic|filler|verb|title)"
    r")"
)
NO_VERDICT = re.compile(
    r"(?:^|[,:–(→=?|]\s*|\b(?:so|hence|thus|therefore|verdict|final|and|but|well|then|is|are)\s+)"
    r"(?:out|no|nope|nah|none|neither|nothing|skip|skipped|excluded|ignored?|omit(?:ted)?|dropped|rejected|discarded|left out|not (?:one|taken|included|tagged|listed|counted|used|here)|-|–|x|n/a|irrelevant|nil|nada|not? (?:it|that|this))"
    r"\s*[\"'.,;!)|]*\s*$"
)
# Why a refusal may be about another place of the same string.
ELSEWHERE = re.compile(
    r"\b(?:inside|within|part of|in the (?:name|title|bracket|compound)|contained|nested|different (?:occurrence|mention|one)|(?:first|second|other|third|last|later|earlier) (?:one|occurrence|mention|time|place)"
    r"|again|twice|repeat(?:ed)?|once|only as|as part|separate(?:ly)?|by itself|on its own|alone|another occurrence|same (?:string|mention|surface|name))\b"
)
SAME = re.compile(r"\b(?:same|likewise|ditto|similarly|as above|idem|too|as well|also|identical|equally|belongs with|goes with|along with)\b")
# The type is weighed by what follows it.
_OPEN_AFTER = re.compile(r"^[\s\"')]*(?:would|could|might|may)(?: also| then)? (?:be|have|count|fit|work|do|come)\b(?! (?:empty|wrong|a mistake|odd))")
HYPOTHETICAL = re.compile(
    r"^\W*(?:alternatively|alternatives?|one (?:option|could|might|may)|options?|or (?:else )?|if |had |were |elsewhere|in another|another (?:option|reading|possibility)|possibilit|either |candidates?|i (?:start|started|begin) with|at first|first (?:thought|glance|instinct|impulse|guess)|initially|my first|suppose|strictly|on the one hand|some (?:would|might|may)|one school|the naive|naively)"
)
REVISION = re.compile(
    r"\b(?:wait|actually|on second thought|hold on|however|but|no,|rather|instead|scrap|change|changed|second glance|correction|correct that|revis\w+|reconsider\w*|hmm|hm|then again|on reflection|after all|let me re\w+|strike that|oops|sorry|i was wrong|that's wrong|better)\b"
)
ACCEPTANCE = re.compile(
    r"✔|✓|☑|✅|\b(?:i(?:'ll| will|'d)? (?:also |still |just )?(?:keep|include|take|add|list|count|accept|extract|mark|tag|copy|want|give|use)(?! (?:out|off|aside))|(?:gets?|is|are|goes|go) (?:kept|included|taken|in|listed|counted|added)|include (?:it|them|that|this)|keep (?:it|them|that|this)|counts?|qualif(?:y|ies)|valid|in\s*[.:]|in$|yes|belongs?)\b"
)

_CLAUSE_STARTS = (
    ",",
    ";",
    ":",
    "–",
    "(",
    "→",
    "=",
    "|",
    " - ",
    " but ",
    " so ",
    " hence ",
    " thus ",
    " because ",
    " since ",
    " although ",
    " though ",
    "?",
)
_CLAUSE_END = re.compile(
    r"[,;:–()→=|?]|\.(?:\s|$)| - | (?:but|so|hence|thus|because|since|although|though|and|or|which|that|while|whereas) "
)


def clause_start(low: str, start: int, at: int) -> int:
    """Where the clause around `at` begins, not before `start`."""
    best = start
    for mark in _CLAUSE_STARTS:
        place = low.rfind(mark, start, at)
        if place >= 0:
            best = max(best, place + len(mark))
    return best


def clause_end(low: str, at: int, end: int) -> int:
    """Where the clause around `at` ends, not behind `end`."""
    match = _CLAUSE_END.search(low, at, end)
    return match.start() if match else end


def polarity(before: str, after: str, question: bool) -> Polarity:
    """What a clause says of the type between `before` and `after`."""
    denied = _NOT_BEFORE.search(before) is not None and _STILL_YES.search(before) is None
    if denied or _NOT_AFTER.match(after) or _NOT_LATER.match(after):
        return Polarity.OPEN if question else Polarity.NO
    if question:
        return Polarity.OPEN
    if _OPEN_AFTER.match(after):
        return Polarity.OPEN
    if _OPEN.search(before) and not _DECIDED.search(before):
        return Polarity.OPEN
    return Polarity.YES


def says_empty(before: str, after: str) -> bool:
    """Whether a sentence says of the type between `before` and `after` that it has no mention at all."""
    if _OTHERS.search(before[-40:]) or _OTHERS.search(after[:40]):
        return False
    if re.search(
        r"(?:^|[\s(,;:])(?:no|not any|without|zero|nothing for|none for|nothing under)\s+(?:\w+ ){0,2}$", before[-40:]
    ):
        return (
            re.match(
                r"\W*(?:type|slot|label|category|tag|here|in|is|are|at all|name|names|mention|mentions|mentioned|named|given|appears?|present|then|this|involved|[.,;)]|$)",
                after,
            )
            is not None
        )
    return (
        re.match(
            r"[\s\"'):]*(?:(?:slot|type|label|side|list|too|also|as well|here)[\s,]+)*(?:[:=–→-]|is|are|remains?|stays?|has|gets?|there is|there's)?\s*"
            r"(?:left |kept |just |also |then |clearly |simply |still |totally )?(?:empty|none|nothing|no\b(?! doubt)|nope|\[\]|–|n/a|nil|nada|nobody|blank|absent|not (?:mentioned|named|present|given|here|there|in)|isn't (?:mentioned|named|there|in|given)|aren't (?:mentioned|named|there|in|given))",
            after,
        )
        is not None
    )
