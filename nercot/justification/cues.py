"""The English in which traces take, refuse and weigh: patterns over the folded text of one sentence.

In: slices of a trace's `low` text (trace.py).  Out: yes or no, or where.  Everything that depends on a language
stands here and in lexicon.py.  A pattern that is dear has a set of words without which it cannot match.
"""

from __future__ import annotations

import re
from collections.abc import Set
from enum import Enum

from nercot.justification.trace import word_set


class Polarity(Enum):
    """What a clause says of the type that it names."""

    YES = 1
    NO = 2
    OPEN = 3


def _any(words: str) -> str:
    """Alternatives from a list in which `_` stands for a space."""
    return "|".join(word.replace("_", " ") for word in words.split())


# -- a type in its clause

_NOT_BEFORE = re.compile(
    rf"\b(?:{_any('no never neither nor without hardly none nobody nothing against')}"
    rf"|{_any('rather_than instead_of other_than far_from exclude excludes excluded excluding ruling_out rules_out')}"
    rf"|{_any('ruled_out rejects scrap dropped unlike avoid except would_have_been had_it_been misread misreading')}"
    r"|mistake[ns]?|wrong(?:ly)?)\b"
    r"|(?:n't|\bnot|\bcannot)(?=\s*$|\W+(?:a|an|the|any|in(?! (?:the|this|our) (?:list|schema|sentence|text|query|set|offer))|under|of|as|for|to|one|really|quite|exactly|even|so much"
    r"|be|being|been|count|counts|call|treat|see|take|tag|label|make|consider|say|classify|read|think|believe|put"
    r"|include|list|add|mark|annotate|mean|refer|name|belong|qualify|want|speak|find|regard|view|deem|rank|accept|recogni[sz]e|repeat|give|write|use|keep|assign|copy|file|sort|enter|need|necessarily|strictly|also|yet"
    r"|actually|going to|about to|just an?|her|him|it|them|this|that|my|your|mere|some|another|\w+ly)\b)"
)
_STILL_YES = re.compile(
    r"\b(?:no (?:doubt|question|problem|discussion|ambiguity|need|matter|reason|way around)|not (?:only|just|merely)"
    r"|nothing (?:but|other than|else than)|none other than|no other than|why not|not to mention"
    r"|without (?:a )?(?:doubt|question|hesitation)|can(?:not|'t) be (?:anything|other)|n't (?:matter|change|help)"
    r"|not (?:sure|certain) (?:if|whether))\b"
)
_AFTER = (
    r"^[\s\"'):=–→?|-]*"
    r"(?:(?:type|slot|label|idea|field|category|reading|one|option|either|it|that|this|here|there|still|also|too|then"
    r")[\s\"']+){0,3}"
)
_NOT_AFTER = re.compile(
    _AFTER + r"(?:(?:is|are|was|were|would be|would|does|do|has|had|makes?|can|could|seems?|remains?|stays?|gets?|must"
    r"|should|will|'s|there's)[\s\"]*)?"
    r"(?:not\b(?! only| just| merely)|no\b(?!\.? ?\d| doubt| question| problem| discussion| matter)|n't|isn't|aren't"
    r"|wasn't|weren't|doesn't|don't|didn't|won't|wouldn't|can't|cannot|couldn't|nope\b|none\b|nothing\b|never\b|nil\b"
    r"|empty\b|excluded\b|ruled out|out\b(?! of the \w+ is)|wrong\b|odd\b|unlikely\b|a mistake|a misreading|absurd"
    r"|nonsense|off the table|nowhere|blank\b|vacant\b|being (?:too|just|only|merely)\b|a (?:bad|poor) fit|no sense)"
)
_NOT_LATER = re.compile(
    r"^[^,;:.(]{0,60}\b(?:would be|is|was|seems|feels|looks) (?:an? |just |simply |clearly )*"
    r"(?:mistake|wrong|misreading|error|nonsense|odd|too far|stretch|unlikely|off|out of (?:the )?question|ruled out"
    r"|excluded|absurd)\b"
)
_OPEN = re.compile(
    r"\bone (?:could|might|may|can) (?:also |well |even )?(?:say|argue|claim|object|think|read|see)\b|\b(?:(?:could|might|may|(?<!i )can|would)"
    r"(?: also| well| just| still| possibly| even| then| easily| probably| equally| have)*"
    r" (?:be|been|stand|refer|count|mean|name|denote|go|fit|qualify|indicate|suggest|pass|serve|look|sound|make|take"
    r"|belong|read|argue|call|see|say|treat|consider|fall|imagine|claim|think)"
    r"|perhaps|maybe|possibly|tempted|tempting|either|whether|if|unsure|undecided|usually|normally|sometimes|often|occasionally|elsewhere"
    r"|alternatively|sounds? like|one (?:may|might|could)|in theory|in principle|at first|initially|candidates?"
    r"|options?|start with|started with|first (?:thought|instinct|impulse|guess|idea)|thought of|consider(?:ed|ing)?"
    r"|wonder(?:ed|ing)?|possibilit(?:y|ies)|(?:almost|looks?|a bit|just|kind of|something) like|as if"
    r"|similar to|resembles?|(?<!second )(?<!closer )(?<!careful )readings?|not sure|unclear|debatable"
    r"|arguabl[ey]|offers?|potentially|otherwise|suppose it|in another|hesitat\w+|torn between|temptation"
    r"|(?:a|the) trap|trip me|fall for|invites?|misle\w+)\b"
)
_DECIDED = re.compile(
    r"\b(?:can only be|could only be|must be|has to be|have to be|cannot be anything|in that case|either way"
    r"|in any case|anyway|regardless|i'd"
    r"|i would (?:say|call|go|take|label|tag|count)|so i|decide[ds]?|settle[ds]?|settling|conclude[ds]?|final(?:ly)?"
    r"|hence|therefore|thus|i (?:take|go|keep|choose|pick|label|tag|count|treat|use|call|read|consider|classify|put"
    r"|mark|prefer|accept|add|list|give|assign|opt))\b"
)
_OPEN_AFTER = re.compile(
    r"^[\s\"')]*(?:(?:would|could|might|may)(?: also| then)? (?:be|have|count|fit|work|do|come)\b"
    r"(?! (?:empty|wrong|a mistake|odd))"
    r"|(?:type )?(?:at first|on the face|on the surface|in theory|in principle|perhaps|maybe|possibly)\b"
    r"|(?:is|are|exists?)(?: both| also| all)? (?:on offer|offered|available|an option|options|possible|candidates?"
    r"|in the (?:schema|list|offer)|among|on the (?:list|menu))\b)"
)
# A decision that is put off: what is weighed in such a sentence is open again.
UNDECIDED = re.compile(
    r"\b(?:open question|remains? open|leave (?:it|that|this) open|can(?:'t|not) (?:tell|decide|say|settle)|undecided"
    r"|hard to (?:say|tell|decide)|not sure(?! (?:if|whether) (?:to|i))|no idea|come back to|return to|get back to"
    r"|later|either way is|could go either way|toss-?up|your guess)\b"
)


# A whole mention that is left undecided.
POSTPONED = re.compile(
    r"\b(?:(?:really |still |honestly |just |quite )*not (?:really |at all |quite )?sure\b(?! (?:if|whether) (?:to|i))"
    r"|(?:i'm|i am|still) (?:unsure|torn|undecided)|i (?:honestly |really |just )*(?:can't|cannot|couldn't) (?:really |honestly "
    r"|quite )*(?:say|tell|decide|settle)\b|both (?:readings? |types? |options? )?(?:have (?:their|something)|are (?:defensible"
    r"|possible|plausible))|(?:either|both|each) (?:one |of them )?(?:is|are|would be) (?:defensible|arguable)|could be either"
    r"|(?:come|get|return) back to (?:it|him|her|this|that|them)\b(?! (?:later,? (?:so|and)))|leave (?:it|that|this) (?:open|for later)"
    r"|(?:remains?|stays?) open|open question|which way this goes|toss-?up|back and forth|(?:can't|cannot) make up my mind|on the fence|jury is (?:still )?out"
    r"|(?:hard|difficult|impossible|tricky) to (?:say|tell|decide|call)\b(?!.{0,80}\b(?:but|so|still|yet|anyway|otherwise)\b)"
    r"|(?:argue|speaks?|case) for (?:both|either)\b|keep wavering|no way of knowing|anyone's guess)"
)
POSTPONING = word_set(
    "forth mind fence jury wavering knowing guess sure unsure torn undecided say tell decide settle both defensible arguable either back open goes toss"
)
_NOT_DONE = re.compile(r"(?:n't|\bnot|\bcannot) \w+")


_FILLED = re.compile(
    r"[\s\"']*(?:slot |type |label |list |field |column )?(?:isn't|is not|won't be|doesn't stay|doesn't remain|is no longer) (?:left )?empty"
)
_MISTAKEN = word_set(
    "mistake wrong misreading error nonsense odd far stretch unlikely off question ruled excluded absurd"
)
_NOT_HERE = re.compile(
    r"^[^.;:]{0,60}[,;(–] ?(?:but |though |yet )?not (?:here|in (?:this|the|our)|for (?:this|me|us)|now|this time)"
)


def polarity(before: str, after: str, question: bool, words: Set[str]) -> Polarity:
    """What a clause says of the type between `before` and `after`; `words`: those of the sentence."""
    if "empty" in words and _FILLED.match(after):
        return Polarity.OPEN if question else Polarity.YES
    negative = not NEGATING.isdisjoint(words)
    denied = (
        not DENYING.isdisjoint(words) and _NOT_BEFORE.search(before) is not None and _STILL_YES.search(before) is None
    )
    if (
        denied
        or _NOT_AFTER.match(after)
        or (not _MISTAKEN.isdisjoint(words) and _NOT_LATER.match(after))
        or ("not" in words and _NOT_HERE.match(after))
    ):
        return Polarity.OPEN if question else Polarity.NO
    if question or _OPEN_AFTER.match(after):
        return Polarity.OPEN
    if negative and _NOT_DONE.search(before) is not None and _STILL_YES.search(before) is None:
        return Polarity.OPEN
    if not OPENING.isdisjoint(words) and _OPEN.search(before) and not _DECIDED.search(before):
        return Polarity.OPEN
    return Polarity.YES


_OTHERS = re.compile(
    r"\b(?:other|others|else|more|further|additional|another|beyond|besides|apart|except|remaining|rest|second|separate"
    r"|extra|left)\b"
)
_NONE_BEFORE = re.compile(
    r"(?:^|[\s(,;:])(?:no|not any|without|zero|nothing for|none for|nothing under)\s+"
    r"(?:(?!the |its |this |that |word |term |label |part )\w+ ){0,2}$"
)
_UNUSED = re.compile(
    r"\b(?:against|without|avoid|refrain from|not|n't|drop|skip|abandon) (?:using|use|taking|applying|apply|filling|assigning"
    r"|assign|fill)(?: the| any)? [\"']?$"
)
_NONE_END = re.compile(
    r"\W*(?:type|slot|label|category|tag|here|in|is|are|at all|name|names|mention|mentions|mentioned|named|given"
    r"|appears?|present|then|this|involved|[.,;)]|$)"
)
_NONE_AFTER = re.compile(
    r"[\s\"'):]*(?:(?:slot|type|label|side|list|too|also|as well|here)[\s,]+)*"
    r"(?:[:=–→-]|is|are|remains?|stays?|has|gets?|there is|there's)?\s*"
    r"(?:left |kept |just |also |then |clearly |simply |still |totally |hence |so |therefore )*"
    r"(?:(?:(?:slot|list|type|label|column|field) )?(?:free|unused|vacant)\b|empty|none|nothing|no\b(?! doubt|\.? ?\d)|nope"
    r"|\[\]|[–-]\s*$|n/a|nil|nada|nobody|blank|absent"
    r"|(?:(?:is|are) not|isn't|aren't) (?:needed|used|applicable|required|filled|relevant|an option)"
    r"|(?:doesn't|does not|don't|do not) apply|(?:goes|go) unused|drops? out"
    r"|(?:not|isn't|aren't) (?:mentioned|named|present|given|here|there|in)\b)"
)


def says_empty(before: str, after: str) -> bool:
    """Whether a sentence says of the type between `before` and `after` that it has no mention at all."""
    if _OTHERS.search(before[-40:]) or _OTHERS.search(after[:40]):
        return False
    if _UNUSED.search(before[-40:]):
        return True
    if _NONE_BEFORE.search(before[-40:]):
        return _NONE_END.match(after) is not None
    return _NONE_AFTER.match(after) is not None


# -- sentences

ANSWER_NO = re.compile(
    r"^\W*(?:and |but |well,? |hmm,? |oh,? |i'd say |i think |probably |surely |clearly )*"
    r"(?:no|nope|nah|not|neither|none|nothing|nobody|hardly|never|don't|doesn't|isn't|wrong)\b"
)
ANSWER_YES = re.compile(
    r"^\W*(?:and |but |well,? |hmm,? |oh,? |i'd say |i think |probably )*"
    r"(?:yes|yep|yeah|sure|surely|indeed|of course|certainly|right|correct|true|ok|okay|fine|absolutely|definitely"
    r"|obviously|it is|it does|it can|they are|they do|he is|she is|he does|i'd say so|i think so|why not)\b"
)
ENDS_YES = re.compile(
    r"[:,–-] (?:so |then |and |clearly |i'd say )*(?:yes|yep|yeah|sure|of course|certainly|indeed)[ .!)]*$"
)
# "It does end in -burg, but no."
ENDS_NO = re.compile(
    r"[,;:–-] (?:but|yet|though|still|however)[ ,]+(?:then |again |here |i'd say |i think |still |clearly ){0,2}"
    r"(?:no|nope|nah|not (?:here|this one|for me|really|enough|quite|that))[ .!)]*$"
)
HYPOTHETICAL = re.compile(
    r"^\W*(?:alternatively|i(?:'d| would) have (?:said|put|taken|called|guessed|expected|thought)|alternatives?|one (?:option|could|might|may)|options?\b|or (?:else )?|if |had |were "
    r"|elsewhere|in another|another (?:option|reading|possibility)|possibilit|either (?!way)|candidates?|at first"
    r"|i (?:start|started|begin) with|first (?:thought|glance|instinct|impulse|guess)|initially|my first|suppose"
    r"|strictly|on the one hand|some (?:would|might|may)|one school|the naive|naively|could one)"
)
# "If the war is an event, the peace is one too": a conclusion.
ALSO = re.compile(
    r"^\W*(?:and |but |so )*if\b[^?]*\b(?:too|as well|also|likewise|so is|so are|so does|so must)\b[^,;]{0,30}$"
)
SAME = re.compile(
    r"\b(?:same|likewise|ditto|similarly|as above|idem|too|as well|also|identical|equally|belongs with|goes with"
    r"|along with)\b"
)
SAME_TYPE = re.compile(
    r"\b(?:same (?:kind|type|thing|category|label|box|slot|class|sort|story|reasoning|verdict|again|here|as)|ditto"
    r"|likewise)\b"
)
ACCEPTANCE = re.compile(
    r"[✔✓☑✅]|\b(?:i(?:'ll| will|'d)? (?:also |still |just )?"
    r"(?:keep|include|take|add|list|count|accept|extract|mark|tag|copy|want|give|use)(?! (?:out|off|aside))"
    r"|(?:gets?|is|are|goes|go) (?:kept|included|taken|in|listed|counted|added)|include (?:it|them|that|this)"
    r"|keep (?:it|them|that|this)|counts?|qualif(?:y|ies)|valid|in(?=\s*(?:[.:!)]|$))|yes|belongs?|(?:it|they) stays?)\b"
)

# -- refusals

_VERB = _any(
    "skip skips skipped skipping drop drops dropped dropping exclude excludes excluded excluding omit omits omitted "
    "omitting ignore ignores ignored ignoring discard discards discarded discarding disregard disregards disregarded "
    "reject rejects rejected rejecting remove removes removed removing ruling_out rule_out ruled_out dismiss dismissed "
    "dismissing scrap scrapped scrapping let_go_of pass_on passing_on leave_out leaving_out left_out throw_out "
    "throwing_out strike cross_out do_without steer_clear_of exempt forget_about pass_over passing_over give_up forgo "
    "forego "
    "part_with bypass bypassing spare skip_over"
)
_TAKE = _any(
    "take taking include including list listing add adding count counting tag tagging label labelling labeling extract "
    "extracting annotate annotating mark marking keep keeping give giving pull pulling return returning record "
    "recording accept accepting make_it deserve deserves"
)
_TAKEN = _any(
    "named taken included listed added counted tagged labelled labeled extracted annotated marked kept given pulled "
    "returned recorded accepted filled used assigned populated wanted needed"
)
_OBJECT = r"[^,;:.()–→]*"
REFUSAL = re.compile(
    rf"\b(?:(?P<verb>{_VERB})(?:\s+|$)(?P<object>{_OBJECT})"
    r"|(?:leav(?:e|ing)|left|keep(?:ing)?|kept|let(?:ting)?|set(?:ting)?|tak(?:e|ing)|took|pull(?:ing)?(?! \w+ out of (?:the |its |his |her )?[\"'])"
    r"|put(?:ting)?)\s+(?P<between>(?:(?!\b(?:leave|leaving|keep|let|set|put) )[^,;:.()–→]){0,60}?)"
    r"\s*\b(?:out|off|aside|untagged|unlabel+ed|unmarked|unannotated|alone|go)\b"
    r"|(?:(?:do|does|did|will|would|can|could|should|need|must|shall|is|are|was|were|be|am|i'm) ?(?:not|n't)|won't"
    r"|can't|cannot|not|never)\s+"
    r"(?:really |quite |going to |to |be |want to |even |actually |also |worth |get |it |them |separately |i )*"
    rf"(?P<not>{_TAKE})(?:\s+|$)(?P<thing>{_OBJECT})"
    rf"|(?:{_TAKE}) (?P<none>(?:none|neither|nothing)\b{_OBJECT}))"
)
# What is only weighed: "I was about to leave it out", "should I skip it".
WEIGHED = re.compile(
    r"\b(?:about to|wanted to|going to(?! be)|was to|tempted to|inclined to|could|might|may|thought of|think of|considered|considering"
    r"|instinct (?:is|was) to|impulse (?:is|was) to|should i|do i|would i|shall i|whether to|if i|i'd have|i would have|first)"
    r"(?: \w+){0,2} $"
)
# Predicates that refuse the subject of their clause.
NO_MENTION = re.compile(
    r"^\W*(?:just |only |all |mere(?:ly)? )?(?:roles?|pronouns?|descriptions?|descriptors?|fillers?)(?: (?:and|or) [\w-]+)?\W*$|"
    rf"n't (?:really |even |also |separately )*(?:to )?(?:be |being |get |getting )(?:{_TAKEN})\b|"
    r"\b(?:(?:not|n't|no(?! (?:more|other|others|further|additional|new|second|extra)\b)|hardly|never)\s+(?:really |even |actually |quite )?(?:an?|any|the|of|in|any of|one of|of any)?"
    r"\s*(?:[\w-]+ ){0,2}?(?:entit(?:y|ies)|names?\b(?! \w+ed)|mentions?|proper (?:noun|name)s?|naming|interest"
    r"|relevant|needed|asked(?: for)?|requested|wanted|types? (?:that|here|for)|concern)"
    r"|(?:no|without an?y?|lacks? an?|has(?:n't| no)|have(?:n't| no)|got no|there(?:'s| is) no|i've (?:got )?no"
    r"|don't have an?y?|doesn't have an?y?)\s*(?:such |fitting |matching |suitable |own |separate )*"
    r"(?:types?|slots?|labels?|class(?:es)?|categor(?:y|ies)|tags?|box|home|field) (?:for|that|here|of|in|fits?"
    r"|covers?)?"
    r"|(?:does|do|did) ?(?:not|n't) (?:count|fit|qualify|belong|apply|matter|name|interest|deserve)"
    r"|none of (?:the|these|those|my|our) (?:\w+ )?(?:types?|labels?|slots?|categories|classes|options?|boxes)"
    r"|none of (?:them|these|those) (?:fits?|applies|covers?)|fits? (?:none|nothing|no type|nowhere|neither)"
    r"|neither (?:type|label|fits)"
    r"|(?:not|never|n't) (?:really |even |also |separately |to be |be |being |get |getting )*"
    rf"(?:{_TAKEN})"
    r"|(?:is|are|was|gets?|be|been|being|remains?|stays?|left|both|all|simply|just) "
    r"(?:left out|skipped|dropped|excluded|omitted|ignored|discarded|rejected|removed|ruled out|disregarded)"
    r"|(?:too )?(?:generic|vague|unspecific|nameless|unnamed)\b|(?:common|plain|ordinary|everyday|simple|mere|normal"
    r"|general) (?:nouns?|words?|adjectives?|verbs?|terms?)"
    r"|out of scope|not worth|nobody asks"
    r"|isn't asked|not asked|(?:a )?(?:would|will) be (?:a )?"
    r"(?:mistake|wrong|noise|overkill|nonsense|too much|odd|a stretch|an error)"
    r"|(?:just|only|merely) (?:an? )?"
    r"(?:description|descriptive|descriptor|adjective|modifier|pronoun|common|generic|filler|verb|title))"
)
# Ways to say politely that something is left out.
_POLITE = _any(
    "stays_out stays_outside remains_outside stay_outside stay_out kept_out keep_it_out keep_them_out no_entry "
    "not_in_the_answer "
    "not_part_of_the_answer off_the_list off_my_list outside_the_schema outside_the_scope beyond_the_scope off-topic "
    "beside_the_point of_no_use no_use_for no_room_for no_place_for no_home_for has_no_place not_our_business "
    "a_stretch "
    "far-fetched too_far too_weak too_thin not_enough isn't_enough not_convinced i_resist i_refrain i_abstain "
    "i_decline "
    "i_let_it_be let_it_be give_it_a_miss has_to_go have_to_go better_left over-annotat overkill "
    "won't_appear won't_make_it doesn't_make_it don't_make_it doesn't_make_the isn't_going_in not_going_in crossed_out "
    "i'd_not i_would_not i'd_rather_not_have i'd_rather_not_list i'd_rather_not_tag i'd_sooner_not i_dare_not i_don't_dare no_mention no_entity not_eligible ineligible "
    "disqualified disqualifies unconvincing stays_unlabelled stays_unlabeled remains_unlabelled unannotated untagged "
    "irrelevant not_helpful not_useful doesn't_concern don't_concern isn't_for_us not_for_us i_stay_away stay_away_from"
)
NOT_WANTED = re.compile(rf"\b(?:{_POLITE})\b")
CONCESSION = re.compile(r"\s*\w*\s*[,;–]? ?(?:but|yet|though|still|however|all the same|nevertheless)\b")
NO_VERDICT = re.compile(
    r"(?:^\W*|[,:–(→=?|]\s*|\b(?:so|hence|thus|therefore|verdict|final|and|but|well|then|is|are)\s+)"
    rf"(?:{_any('out no nope nah none neither nothing skip skipped excluded ignore ignored omit omitted dropped')}"
    r"|rejected|discarded|left out|not (?:one|taken|included|tagged|listed|counted|used|here|it|that|this)|no it|-|–|x"
    r"|n/a|irrelevant|nil|nada|✗|✘|❌|(?:it|this|that|they|he|she|one) (?:doesn't|isn't|don't|aren't|won't)|i(?:'ll| will)? leave (?:it|them|this|that)|i'd rather not|better not|rather not|i think not|i pass|no thanks|not for me)"
    r"\s*[\"'.,;!)|]*\s*$"
)
# A refusal at the head of the list of what it refuses: "Not taken: ...".
REFUSED_LIST = re.compile(
    r"^\W*(?:so |also |and |things |words |strings |what |which |i )*(?:(?:am |are |is |was |were |be )?"
    rf"(?:not|never)(?: \w+)? (?:{_TAKEN})|left out|leaving out|leave out|{_VERB}|non-entities|no entities)(?: \w+){{0,3}}:"
)
# What is refused is to list the same thing a second time.
REPEATS = re.compile(
    r"(?<!the )(?<!my )(?<!this )\b(?:give|list|add|take|repeat|include|need|count|copy) (?:it |them |that )?(?:again|once more|twice|a second time)\b"
)
# Why a refusal may be about another place of the same string.
ELSEWHERE = re.compile(
    r"\b(?:inside|within|part of|in the (?:name|title|bracket|compound)|contained|nested|separate(?:ly)?|by itself"
    r"|different (?:occurrence|mention|one)|(?:first|second|other|third|last|later|earlier|inner) (?:one|ones"
    r"|occurrence"
    r"|mention|time|place)|(?<!list )(?<!sentence )(?<!text )(?<!it )(?<!then )(?<!once )again|twice|repeat(?:ed)?|once|only as|as part|on (?:its|their|his|her) own|alone|apart|individually|one by one|another occurrence"
    r"|same (?:string|mention|surface|name))\b"
)

_NEGATIONS = (
    "not no never neither nor none nobody nothing nope nah without hardly cannot can't won't don't doesn't didn't "
    "isn't "
    "aren't wasn't weren't shouldn't wouldn't couldn't hasn't haven't hadn't needn't mustn't ain't mightn't"
)
NEGATING = word_set(_NEGATIONS)
# A dear pattern is tried only where one of its words stands in the sentence.
DENYING = word_set(
    f"{_NEGATIONS} against rather instead other far exclude excludes excluded excluding ruling rules ruled rejects "
    f"scrap "
    "dropped unlike avoid except would had misread misreading mistake mistaken mistakes wrong wrongly is was seems "
    "feels "
    "looks empty excluded out odd unlikely a absurd nonsense off nowhere blank vacant nil being"
)
OPENING = word_set(
    "could might may can would perhaps maybe possibly tempted tempting either whether if unsure undecided usually "
    "normally sometimes often occasionally elsewhere alternatively sound sounds one in at initially candidate candidates option options start started "
    "first thought consider considered considering wonder wondered wondering possibility possibilities like as similar "
    "resemble resembles reading readings not unclear debatable arguable arguably offer offers potentially otherwise "
    "suppose hesitate hesitated hesitating torn temptation a the trap trip fall invite invites mislead misleads "
    "misleading"
) - {"a", "the", "in", "at"} | {"trap", "theory", "principle"}
DEFERRING = word_set("open can't cannot undecided hard sure idea back return later either toss guess")
REFUSING = word_set(
    f"{_NEGATIONS} skip skips skipped skipping drop drops dropping dropped exclude excludes excluded excluding omit "
    f"omits "
    "omitted omitting ignore ignores ignored ignoring discard discards discarded discarding disregard disregards "
    "disregarded reject rejects rejected rejecting remove removes removed removing ruling rule ruled dismiss dismissed "
    "dismissing scrap scrapped scrapping out let pass passing leave leaving left throw throwing strike cross steer exempt "
    "forget give forgo forego part bypass bypassing spare off aside untagged alone take include list keep count tag "
    "label extract annotate mark give return"
) - {"take", "include", "list", "keep", "count", "tag", "label", "extract", "annotate", "mark", "give", "return"}
UNWANTED = word_set(
    f"{_NEGATIONS} role roles pronoun pronouns description descriptions descriptor descriptors filler fillers lacks lack generic vague unspecific nameless unnamed common plain ordinary everyday simple mere "
    f"normal general scope nobody would will skipped dropped "
    "excluded omitted ignored discarded rejected removed disregarded left ruled just only merely asks got"
)
POLITENESS = word_set(
    "stays stay remains kept keep entry answer off outside scope beyond point use room place home business stretch "
    "far-fetched fetched weak thin enough convinced resist refrain abstain decline miss go left annotat overkill "
    "appear make going crossed not "
    "i'd would won't doesn't don't isn't mention entity eligible ineligible disqualified disqualifies unconvincing "
    "unlabelled unlabeled unannotated untagged irrelevant helpful useful concern us away far be"
)
# The words with which a verdict in a word ends.
LAST_WORDS = word_set(
    "out no nope nah none neither nothing skip skipped excluded ignore ignored omit omitted dropped rejected discarded one "
    "taken included tagged listed counted used here it that this - – x a n/a irrelevant nil nada not pass thanks me –no "
    "=no →no →none"
)
# The words of which one has to stand in a sentence that accepts.
ACCEPTING = word_set(
    "keep include take add list count accept extract mark tag copy want give use kept included taken in listed counted "
    "added counts qualify qualifies valid yes belongs belong same likewise ditto similarly above idem too well also "
    "identical equally with stay stays"
)

_CLAUSE_STARTS = (",", ";", ":", "–", "(", "→", "=", "|", "?", " - ", " but ", " so ", " hence ", " thus ", " because ")
_CLAUSE_LATER = (" since ", " although ", " though ", " while ", " whereas ")


def clause_start(low: str, start: int, at: int) -> int:
    """Where the clause around `at` begins, not before `start`."""
    best = start
    for mark in (*_CLAUSE_STARTS, *_CLAUSE_LATER) if at - start > 12 else _CLAUSE_STARTS[:9]:
        place = low.rfind(mark, best, at)
        if place >= 0:
            best = place + len(mark)
    return best


_CLAUSE_END = re.compile(
    r"[,;:–()→=|?]|\.(?:\s|$)| - | (?:but|so|hence|thus|because|since|although|though|and|or|which|that|while|whereas) "
)


def clause_end(low: str, at: int, end: int) -> int:
    """Where the clause around `at` ends, not behind `end`."""
    match = _CLAUSE_END.search(low, at, end)
    return match.start() if match else end
