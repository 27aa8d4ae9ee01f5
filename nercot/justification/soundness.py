"""Whether a trace is reasoning about its sentence at all, and whether it leans on an answer it was given.

In: the trace, the sentence, the mentions.  Out: one line that says what is wrong, or None.  Never judges whether
the reasoning is right, nor whether it is good: hesitating, repeating a point and long lists are no fault.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import eq

from nercot.justification.lexicon import types_of
from nercot.justification.statements import find_hits
from nercot.justification.trace import Trace, read_trace, word_set
from nercot.records import Entity

# Where more than this share of the words are different ones, nothing loops.
_VARIED = 0.4
_MIN_LOOP = 20
# So many turns of the same words are a loop, if they are this many words; fewer are a habit.
_TURNS = 4
_MIN_RUN = 16
# Characters of a piece that has to come back in a loop.
_SAMPLE = 12
_MIN_STUTTERS = 5
_MIN_DRIFT = 40

_REFUSES = re.compile(
    r"\b(?:as an? (?:ai|language model|large language model|assistant)\b|i(?:'m| am) (?:sorry|afraid|unable)\b"
    r"|(?:cannot|can't) (?:help|assist|comply)|i (?:do not|don't) have (?:access|the ability))"
)
_INSTRUCTS = re.compile(
    r"\b(?:you are an? |your task|task:|extract (?:all|the|every|named)|(?:respond|answer|reply) (?:with|in|only)"
    r"|output (?:format|only|the|a)|return (?:only|a|the)|(?:entity )?types?:|sentence:|input:|instructions?:|use only"
    r"|do not (?:add|include|output|write)|in json|json (?:object|format)|think step|copy each|exactly as)"
)
_COMMANDS = word_set("extract respond reply output return json task instructions expert copy answer")
_CONTENT = re.compile(r"[^\W\d_]{4,}")
# Words that a trace about annotation has, whatever its sentence.
_ABOUT = word_set(
    "sentence text entity entities name names named type types label labels mention mentions list nothing none tag "
    "tags "
    "category categories schema annotate extract extraction token tokens span spans word words phrase noun nouns"
)


def degeneration(cot: str, sentence: str, schema: Sequence[str], entities: Sequence[Entity]) -> str | None:
    """Why the trace is no reasoning about this sentence, or None."""
    trace = read_trace(cot)
    words = list(filter(None, trace.words))
    if len(trace.vocabulary) < 12 and sum(map(str.isalpha, words)) < 2:
        return "the trace is empty"
    return _loop(words, trace.low) or _salad(words, trace) or _elsewhere(trace, words, sentence, schema, entities)


def _loop(words: Sequence[str], low: str) -> str | None:
    """Words that come again and again at one distance: the length of the loop."""
    if not any(low.count(low[at : at + _SAMPLE]) >= _TURNS for at in range(0, len(low) - _SAMPLE, len(low) // 12 + 1)):
        return None
    middle = len(words) // 2
    half = min((words[:middle], words[middle:]), key=lambda part: len(set(part)))
    if len(words) < _MIN_LOOP or len(set(half)) > _VARIED * len(half):
        return None
    plain = ["0" if word.isdigit() else word for word in (half if middle > 2 * _MIN_LOOP else words)]
    last: dict[tuple[str, ...], int] = {}
    distances: Counter[int] = Counter()
    for index, piece in enumerate(zip(plain, plain[1:], plain[2:], plain[3:], strict=False)):
        if piece in last:
            distances[index - last[piece]] += 1
        last[piece] = index
    for period, _ in distances.most_common(3):
        turns = (_TURNS - 1) * period
        run = 0
        for one, other in zip(plain, plain[period:], strict=False):
            run = run + 1 if one == other else 0
            if run >= max(_MIN_RUN, turns):
                return f"the trace loops: {' '.join(half[-period:])[:60]!r} over and over"
    return None


def _salad(words: Sequence[str], trace: Trace) -> str | None:
    """Words without grammar: the same word twice in a row again and again, or numbers in place of words."""
    if len(words) > 30 and sum(map(str.isdigit, words)) * 10 > 7 * len(words):
        return "the trace is a row of numbers"
    if sum(map(eq, words, words[1:])) < _MIN_STUTTERS:
        return None
    pairs = zip(trace.words, trace.words[1:], strict=False)
    stutters = sum(one == two and one.isalpha() for one, two in pairs)
    if stutters >= _MIN_STUTTERS and stutters * 20 > len(words):
        return f"the trace stutters: {stutters} words come twice in a row"
    return None


def _elsewhere(
    trace: Trace, words: Sequence[str], sentence: str, schema: Sequence[str], entities: Sequence[Entity]
) -> str | None:
    """A text that shares neither a mention nor words with the sentence, or repeats only the prompt."""
    low = trace.low
    if not _COMMANDS.isdisjoint(trace.vocabulary) and (detail := _echo(low, sentence, entities)):
        return detail
    content = {word.lower() for word in _CONTENT.findall(sentence)}
    if any(entity.text.lower() in low for entity in entities):
        return _drift(words, content) if trace.english else None
    shared = content & trace.vocabulary
    if "sorry" in low or "language model" in low or "can't" in low or "cannot" in low or "unable" in low:
        refuses = _REFUSES.search(low) is not None
    else:
        refuses = False
    if refuses and len(shared) * 3 <= len(content):
        return "the trace refuses or answers another request"
    if len(words) <= 25:
        return None
    if len(content) >= 4 and len(shared) * 8 <= len(content) and trace.english and (entities or not shared):
        return "the trace is about another sentence"
    if _ABOUT.isdisjoint(trace.vocabulary) and not find_hits(trace, types_of(tuple(schema)), ()):
        return "the trace is about another task"
    return None


def _drift(words: Sequence[str], content: set[str]) -> str | None:
    """A text that begins with the sentence and goes on about something else for most of its length."""
    anchors = [index for index, word in enumerate(words) if word in content or word in _ABOUT]
    last = anchors[-1] if anchors else 0
    if len(words) - last > max(_MIN_DRIFT, len(words) // 2):
        return f"the trace turns to something else: {' '.join(words[last + 1 : last + 12])!r}"
    return None


def _echo(low: str, sentence: str, entities: Sequence[Entity]) -> str | None:
    rest = low.replace(sentence.lower(), " ")
    pieces = [piece for piece in re.split(r"\n+|(?<=[.!?]) ", rest) if piece.strip()]
    asking = sum(_INSTRUCTS.search(piece) is not None for piece in pieces)
    if asking >= 2 and asking * 2 >= len(pieces) and not any(entity.text.lower() in rest for entity in entities):
        return "the trace repeats the prompt"
    return None


# Words without which no sentence speaks of an answer key: one of the first, or one of each of the others.
_KEY_WORDS = word_set(
    "gold golden truth key answer answers reference references annotation annotations annotated annotator annotators "
    "annotator's annotators' solution solutions extraction extractions expected target labeller backwards backward hint "
    "reverse-engineer reverse engineer tagged labelled labeled markup mark-up justify rationale beforehand advance told "
    "result scheme picked labellers labeler labelers grader key's sheet answered solved correct"
)
_LISTED_WORDS = frozenset("mentions json entities labels tags spans list result results output version already".split())
_GIVEN_WORDS = frozenset(
    "given provided supplied attached handed they already match matches identical accompanying enclosed appended accepted "
    "prompt message system user gave gives came comes come shown sent received told knew known beforehand advance".split()
)
_KEY = r"(?:answers?(?: key)?|annotations?|annotated (?:version|text|sentence|copy|data|spans)|tagged (?:version|text|sentence|copy|data)|label+ed (?:version|text|sentence|copy|data)|solutions?|extractions?|answer list|entity list|entities|spans|key|ground[- ]truth|gold(?:en)?)"
_GIVEN = r"(?:given|provided|supplied|attached|accompanying|handed|enclosed|existing|finished|completed|ready-made|pre-?filled|prepared|known|stored|hidden|original|official)"
_SOURCE = r"(?:user|prompt|input|task|data ?set|data|corpus|row|record|file|instructions?|request|message|template|system|example|sheet|they)"
_FOREIGN_LEAK = re.compile(
    r"标准答案|参考答案|正确答案|给定的?答案|给出的答案|已给的?答案|正解(?:データ|ラベル)|模範解答"
    r"|\bэталон\w*"
    r"|\bправильн\w+ ответ\w*"
    r"|\bготов\w+ (?:ответ|разметк)\w*"
    r"|\bразметк\w+ (?:уже|дан|прилож|приш)"
    r"|\bmusterlösung"
    r"|\bvorgegeben\w* (?:antwort|lösung|annotation)"
    r"|\b(?:réponse|solution|annotation)s? (?:attendue|fournie|donnée)s?"
    r"|\brespuesta (?:correcta|dada|esperada)"
)
# What an answer is called where somebody is said to have handed it over.
_THING = (
    r"(?:answers?|annotations?|mark-?up|solutions?|extractions?|labell?ing|(?:entity |label |answer |type )?lists?|tags|labels"
    r"|entities|mentions|spans|json|output|results?|key|sheet|version|file|column|gold)"
)
_HANDED = r"(?:give[ns]?|gave|handed|hands|shown|shows|supplied|supplies|provided|provides|sent|told|listed|lists|passed|attached|attaches|included|includes)"
_LEAKS = tuple(
    re.compile(pattern)
    for pattern in (
        # the annotated version, the corrected copy
        r"\b(?:the|this|that|an?|its|their|my) (?:already )?(?:annotated|tagged|label+ed|marked-up|corrected|solved|filled-in|pre-?annotated|completed) (?:version|text|copy|sentence|data|example|spans|entities|answer|output|file)\b(?! (?:corpora|data ?sets?|corpus))",
        # the markup that came with the sentence
        rf"\b{_THING} (?:that |which )?(?:(?:i|we) (?:was|were|have been|had been) )?(?:came|come|comes|was|were|is|are|has been|have been) (?:already |also )?(?:in |along |right |attached |supplied |provided |given |sent |handed |included |printed )*(?:with|to me|beside|next to|below|above|alongside|underneath) (?:the |this |my |it\b)?",
        # I was told / shown / given the answer
        rf"\b(?:i|we) (?:was|were|am|have been|had been|'ve been|'m) (?:already |also |just )?{_HANDED}\b[^.?!\n]{{0,60}}\b(?:answers?|extractions?|solution|correct|right|result|annotations?|entities(?! (?:types?|from|in the))|spans|which (?:entities|spans|mentions|strings))\b(?! (?:types?|format|schema|key \"|should|must be (?:json|in)))",
        r"\b(?:i|we)(?:'ve| have|'d| had)? (?:already |also )?(?:know|knew|seen?|saw|got|received|peeked at|looked up|been told) (?:what )?(?:the |their |its )?(?:correct |right |final |expected |official |true )(?:answer|extraction|solution|entities|labels?|result|output|list|spans)\b",
        r"\b(?:answer|extraction|entities|labels?|solution|result|output|list)s?\b[^.?!\n]{0,40}\b(?:beforehand|in advance|up front|ahead of time|in front of me|at hand)\b",
        # the list you sent along, what you gave me as the right result
        rf"\b(?:{_THING}|scheme|solution sheet) (?:that |which )?(?:you|they|the user|someone|somebody|i was|i got|we were) (?:have |has |had |'ve |just |kindly )*(?:{_HANDED}|got)\b",
        r"\b(?:you|they|user|someone|somebody) (?:have |has |had |just )*(?:given|gave|sent|handed|passed|shown|showed|told)\b[^.?!\n]{0,30}\bas (?:the |an? )?(?:right|correct|expected|final|true)\b",
        r"\b(?:the|your|this|that|its|their) (?:finished|marking|solution|solutions|model|official|filled-in|ready-made) (?:list|results?|schemes?|sheet|answers?|solutions?|key)\b",
        # a column of a table
        r"(?:^|\|)\s*(?:gold|key|reference|expected|target)(?: (?:labels?|types?|answers?))?\s*\|",
        # what the annotator picked
        r"\b(?:the|this|these|their|our|human|official) (?:annotators?|labell?ers?|graders?|curators?|(?:answer )?key|reference|solution|gold|sheet|answer) (?:here |has |have |had |also |only |already |actually |clearly |seems? to |appears? to )*(?:pick(?:s|ed)?|chose|choose[s]?|mark(?:s|ed)?|want(?:s|ed)?|expect(?:s|ed)?|list(?:s|ed)?|settled|took|takes?|went|goes|says?|said|select(?:s|ed)|decided|tag(?:s|ged)|agree[sd]?|assign(?:s|ed)|kept|keeps)\b(?! (?:is|would|might|may|could)\b)",
        # the user gave these entities
        r"\b(?:user|prompt|task|message|input|instructions?|system|question|they|someone|somebody|row|record|example|template) (?:also |already |has |have |had |itself |here |even |kindly |helpfully )*(?:gave|gives|given|provided|provides|handed|hands|listed|lists|supplied|supplies|told|tells|showed|shows|included|includes|contains|states|names|attached) (?:me |us )?(?:already )?(?:these|those|the|all|all the|both|what|which|with|its|an?)? ?(?:following |correct |right |final |true |complete |finished |expected |\w+ )?(?:entities|answers?|solution|mentions|extraction|annotations?|spans|label for (?:each|every|it)|labels? of (?:each|every|the (?:mention|entit)))\b(?! (?:types?|format|key|schema|labels?|categories|classes|should|must|from|in json|as json|list of types))",
        # all that is left is to say why
        r"\b(?:i'm|i am|i have|i've got|i need|need|left|remains?|have|do|want(?:s|ed)?|job|task|asked|supposed|must|should|only|just) (?:now |only |just |is |me |then )*(?:to |is to )?(?:add|supply|give|write|justify|explain|reconstruct|rationali[sz]e|invent|produce|find|make up|come up with|provide|fill in|work out) (?:is |the |a |an |some |in |out |up )*(?:justify|justif\w+|reason(?:ing|s)? (?:for|behind|that (?:leads?|fits?|gets?)|to (?:reach|match|fit))|why(?= (?:they|each|it) (?:is|are|was|were)\b)|why[.,;]|rationale|them (?:all )?(?:one by one|afterwards|backwards)|explanation(?:s)? (?:for (?:them|it|each|these)|that))",
        r"\bi(?:'m| am|'ll| have to| need to| should| must)? (?:to |just |only |now )*(?:justify|rationali[sz]e) (?:them|these|those|it|each|this list|the list)\b",
        # handing back what somebody else chose
        r"\b(?:hand back|return|reproduce|copy|repeat|give back|land on|arrive at|end up with|get to) (?:exactly )?(?:the )?(?:same|very) (?:\w+ )?(?:\w+ )?(?:(?:that |which )?(?:the |they|was|were|is|are|i was|it)|as (?:the|in|they))\b",
        r"\b(?:gold(?:en)?|ground[- ]truth)[- ](?:standard|labels?|annotations?|answers?|entit\w+|spans?|tags?|list|data|set|output|solution|extraction|reference)\b",
        r"\b(?:the|their|its|this|that|my|our) ground[- ]truth\b|\bgold (?:says|has|lists|marks|wants|is)\b|\b(?:the|match(?:es|ing)?|in|to) (?:the )?gold\b(?! (?:medal|coin|mine|rush|standard of|price|ore|ring|bar|watch|disc|record))",
        r"\banswer[- ]key\b|\breference (?:answers?|annotations?|labels?|solutions?|outputs?|lists?|entit\w+|extractions?|json|says|has|lists|marks|wants|treats|calls)\b",
        r"\b(?:expected|target|desired|intended|required) (?:answers?|annotations?|entit(?:y|ies)|labels|extractions?|solutions?|spans|results?|output)\b(?! (?:format|structure|schema|style|types?|layout|is a json|should))(?=[^.?!\n]{0,60}\b(?:is|are|says?|has|have|lists?|contains?|includes?|marks?|wants?|shows?|given|provided|treats?|as|so|must|match|reach|get|arrive|derive|already)\b)",
        rf"\b{_GIVEN} {_KEY}\b(?! (?:types?|format|schema|structure|categor|labels?|class))",
        rf"\b{_KEY} (?:that |which |as )?(?:i|we)(?:'ve| have| had)? (?:was|were|been|am|are|got|received|have|see)?\s*(?:been )?(?:given|handed|shown|provided|supplied|sent|told|received|before me|in front)\b",
        rf"\b{_KEY} (?:is|are|was|were|has been|have been|comes?|came) (?:already )?(?:given|provided|supplied|attached|handed|included|known|listed|there|with|below|above|in the (?:prompt|input|data))\b",
        rf"\b{_KEY}(?: [\w']+){{0,3}} (?:at|in|on|from|below|above|under|with|of) (?:the )?(?:(?:very )?(?:bottom|end|foot|top|back|head|beginning) of )?(?:the |this |my |our )?{_SOURCE}\b(?! (?:types?|labels?))",
        rf"\b{_SOURCE}(?: (?:has|have|had|already|also|itself|here|helpfully))* (?:attach(?:es|ed)|suppl(?:y|ies|ied)|provid(?:es?|ed)|includ(?:es?|ed)|g(?:ives?|ave|iven)|hand(?:s|ed)|contains?|comes? with|came with|shows?|lists?|states?|says?|tells?)(?: (?:me|us|already|also|with))*(?: (?:the|an?|its|their|this|all|both|what))?(?: [\w'-]+)? (?:answers?|annotations?|solutions?|extractions?|correct \w+|entities (?:to|that|already)|gold|answer key|key|spans)\b",
        r"\bthey(?:'ve| have)? already (?:have|had|got|annotated|tagged|label+ed|marked|listed|gave|given|decided)\b|\b(?:already|previously|pre-?)[ -]?(?:annotated|tagged|label+ed) (?:in|by|as|for|with|there|here|text|sentence|version)\b",
        r"\b[bi]-(?:per|loc|org|misc|[a-z]{3,})\b[^.\n]{0,80}\b(?:tags?|tagged|come|carr(?:y|ies)|column|input|tokens?|given|label\w*|marked)\b|\b(?:tags?|tagged|columns?|tokens?|input|carr(?:y|ies)|label\w*)\b[^.\n]{0,80}\b[bi]-(?:per|loc|org|misc|[a-z]{3,})\b",
        rf"\b(?:identical|match(?:es|ed|ing)?|agree(?:s|d|ment)?|consistent|conform\w*|coincide\w*|in line|accord\w*|compar(?:e|ed|ing)|reproduce|same as|reach|arrive at|check(?:ed|ing)?|verif\w+)(?: (?:it|this|that|them|my \w+|mine|to|with|against|up|the|their|its|what|same))* (?:{_GIVEN} )?(?:(?:one|list|labels?|tags?|types?|entities|answer|output|result|version|spans) (?:that )?(?:they|i was|i am|i've been|we were|already|given|provided|supplied|in the (?:data|prompt|input))|annotations?\b(?! (?:guide|style|conv|pract|rule|scheme))|answer key|solution|gold|reference\b|ground truth|expected \w+)",
        r"\b(?:the|this|that|their|his|her|original|official|human|previous|existing|corpus|dataset's) (?:annotations?|annotators?|label+ers?|solution|answer sheet|extraction) (?:here |for this \w+ |above |below |also |clearly |already |actually )?(?:says?|mark(?:s|ed)|label+ed|tag(?:s|ged)|ha[sd]|have|gave|gives?|chose|puts?|lists?|treats?|treated|shows?|indicates?|include[sd]?|contains?|wants?|calls?|expects?|is|are|uses|used|counts?|counted|names?|leaves?|left|omits?|omitted|skips?|skipped|only)\b(?! (?:usually|often|would|might|may|could|tend|typically|to be found))",
        rf"\b(?:according to|per|following|based on|as in|copied from|from|thanks to|guided by|judging by|going by|given|see|look(?:ing|ed)? (?:at|up)|consult(?:ing|ed)?|peek(?:ing|ed)? at) (?:the|their|its|this|that|my) (?:{_GIVEN} )?(?:annotations?\b(?! (?:guide|style|conv|pract|rule|scheme|instr))|answer(?:s| key| sheet)?\b(?! (?:format|schema))|solution|gold|reference (?!to)|ground truth|key\b|extraction)",
        r"\b(?:reason|work|argue|go|justif\w+|think)(?:ing|s|ed)? (?:it |them )?backwards?\b(?=[^.\n]{0,80}\b(?:from|answer|result|label|list|given|annot\w+)\b)|\breverse[- ]engineer\w*\b(?=[^.\n]{0,60}\b(?:answer|label|annot\w+|reason\w*|output|list|extraction)\b)",
        r"\b(?:answer|result|output|label|outcome|list|entities|extraction)s? (?:is|are|was|were) (?:already )?(?:known|fixed|given|provided|settled|decided|handed)\b(?=[^.\n]{0,80}\b(?:so|justif\w+|explain\w*|rationali[sz]\w*|just|only|need|reason\w*|have to|must|already|to me|in advance|beforehand)\b)",
        r"\b(?:justif\w+|explain\w*|rationali[sz]\w*|motivat\w+|defend\w*|back up|support|arrive at|derive|lead(?:s|ing)? (?:up )?to|walk (?:up )?to) (?:why )?(?:the |this |that |these |those |each of the |all )?(?:{g} )?(?:labels? (?:given|provided|shown)|annotations?|given (?:labels?|answers?|tags?|entities|list)|provided \w+|answer key|known \w+|gold \w+|expected \w+)\b".replace(
            "{g}", _GIVEN
        ),
        r"\b(?:the|this|that|answer) key\b(?! \")[^.\n]{0,60}\b(?:contains?|says?|has|lists?|passed|came|comes|with|below|above|given|shows?|wants?|reads?)\b",
        rf"\b{_KEY} (?:that(?:'s| is| was| came| comes| has been)? |which (?:is |was )?)?(?:i got |i have |we got )?(?:passed (?:along|on)|appended|enclosed|sent along|along with|came (?:with|along)|in front of me|next to|below|above|underneath)\b",
        r"\b(?:annotators?'?s?'?|labell?ers?'?s?'?|previous|earlier|their) (?:own )?(?:labels?|tags?|choices?|decisions?|answers?|lists?|marks?)\b(?! (?:usually|often|would|might|may|could|tend))(?=[^.\n]{0,80}\b(?:i got|i have|given|along|it's|it is|there|as|says?|has|have|shows?|put|marks?)\b)",
        r"\b(?:hint|note|remark|comment)\b[^.\n]{0,60}\b(?:entities|answers?|labels?|which|what)\b[^.\n]{0,40}\b(?:accepted|expected|correct|wanted|right|counted|scored)\b",
        r"\b(?:target|expected|answer|solution|output|label|gold) (?:line|column|field|row|cell|section|block|entry)\b[^.\n]{0,40}\b(?:reads?|says?|has|shows?|contains?|lists?|already|is)\b",
        r"\b(?:has|have|had|was|is|are|being|been) (?:been )?(?:label+ed|annotated|tagged|marked)(?: as [\w\"'-]+)? (?:in|by) the (?:data ?set|data|corpus|annotat\w+|gold|input|prompt|source|original|file|training)\b",
    )
)
_GENERAL = re.compile(
    r"\b(?:guidelines?|(?:annotation|tagging|labell?ing) schemes?|conventions?|usually|often|normally|typically|generally|tend(?:s)? to|most (?:annotators|corpora|schemes|datasets)|some annotators|many (?:annotators|corpora|datasets)|other (?:annotators|corpora|datasets)|in (?:conll|ontonotes|this sort of|such) |no (?:annotation|answer|gold|key|solution|reference)|without (?:an?y? )?(?:annotation|answer key|gold|solution))\b"
)


_SUSPECT = _KEY_WORDS | _LISTED_WORDS


def leak(cot: str, sentence: str) -> str | None:
    """The words that speak of an answer the trace was given, or None.

    General talk of guidelines and of how things are usually annotated is no leak, nor are words that the
    sentence itself is about.
    """
    trace = read_trace(cot)
    foreign = None if trace.low.isascii() else _FOREIGN_LEAK.search(trace.low)
    if foreign is not None and foreign[0] not in sentence.lower():
        return f"the trace speaks of a given answer: {foreign[0]!r}"
    if not _may_leak(trace.vocabulary):
        return None
    about = _KEY_WORDS.intersection(_CONTENT.findall(sentence.lower()))
    for text in _suspects(trace):
        if _GENERAL.search(text):
            continue
        for pattern in _LEAKS:
            match = pattern.search(text)
            if match is not None and about.isdisjoint(_CONTENT.findall(match[0])):
                return f"the trace speaks of a given answer: {match[0][:80]!r}"
    return None


def _suspects(trace: Trace) -> Iterator[str]:
    """The sentences that may speak of an answer key."""
    low, reach = trace.low, 0
    for index in [index for index, word in enumerate(trace.words) if word in _SUSPECT]:
        at = trace.starts[index]
        if at < reach:
            continue
        start = max(low.rfind(mark, 0, at) for mark in (". ", "? ", "! ", "\n")) + 1
        stops = [stop for mark in (". ", "? ", "! ", "\n") if (stop := low.find(mark, at)) >= 0]
        reach = min(stops, default=len(low))
        first = bisect_left(trace.starts, start)
        if _may_leak(frozenset(trace.words[first : bisect_left(trace.starts, reach, first)])):
            yield low[start:reach]


def _may_leak(words: frozenset[str]) -> bool:
    if not _KEY_WORDS.isdisjoint(words):
        return True
    return not _LISTED_WORDS.isdisjoint(words) and not _GIVEN_WORDS.isdisjoint(words)
