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

from nercot.justification.lexicon import HEADS, types_of
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
# So many sentences, a sixth of them different ones, are a loop.
_MIN_PIECES = 18

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
    return (
        _loop(words, trace.low)
        or _again(trace)
        or _salad(words, trace)
        or _elsewhere(trace, words, sentence, schema, entities)
    )


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


def _again(trace: Trace) -> str | None:
    """The same few sentences in changing order."""
    if len(trace.words) > 4 * len(trace.vocabulary):
        pieces = [piece for piece in re.split(r"[\n.!?]+\s*", trace.low) if len(piece) > 12]
        if len(pieces) >= _MIN_PIECES and len(set(pieces)) * 6 <= len(pieces):
            return f"the trace says the same again and again: {pieces[0][:60]!r}"
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
    foreign = not any(word.isascii() for word in content)  # the trace may well translate it
    if (
        len(content) >= 4
        and not foreign
        and len(shared) * 8 <= len(content)
        and trace.english
        and (entities or not shared)
    ):
        return "the trace is about another sentence"
    hits = () if not _ABOUT.isdisjoint(trace.vocabulary) else find_hits(trace, types_of(tuple(schema)), ())
    if _ABOUT.isdisjoint(trace.vocabulary) and not any(max(hit.labels.values()) >= HEADS for hit in hits):
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
    if any(entity.text.lower() in rest for entity in entities):
        return None
    pieces = [piece for piece in re.split(r"\n+|(?<=[.!?]) ", rest) if piece.strip()]
    asking = sum(_INSTRUCTS.search(piece) is not None for piece in pieces)
    if asking >= 2 and asking * 2 >= len(pieces):
        return "the trace repeats the prompt"
    return None


# Words without which no sentence speaks of an answer key: one of the first, or one of each of the others.
_KEY_WORDS = word_set(
    "gold golden truth key answer answers reference references annotation annotations annotated annotator annotators "
    "annotator's annotators' solution solutions extraction extractions expected target labeller backwards backward hint "
    "reverse-engineer reverse engineer tagged labelled labeled markup mark-up justify rationale beforehand advance told "
    "result scheme picked labellers labeler labelers grader key's sheet answered solved correct"
)
_LISTED_WORDS = word_set(
    "label whoever record row sample example demo model fields slots form template values entries annotation file data labels one asked record query row "
    "mentions json entities labels tags spans list result results output version already"
)
_GIVEN_WORDS = word_set(
    "explain justify account reconstruct retrace motivate plausible argue defend got received set consistent follow attached enclosed accompanying shows whoever output answer looking checking judging row's record's dataset's sample's example's below above beside supposed told fed pre prefilled "
    "prepared in by target filled metadata conversation annotators own silver bundled shipped ships along "
    "given provided supplied attached handed they already match matches identical accompanying enclosed appended accepted "
    "prompt message system user gave gives came comes come shown sent received told knew known beforehand advance"
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
# One of these stands in every match of the pattern above.
_FOREIGN_STEMS = word_set(
    "答案 正解 模範 эталон правильн готов разметк musterlösung vorgegeben attendue fournie donnée correcta dada esperada"
)
# What an answer is called where somebody is said to have handed it over.
_THING = (
    r"(?:answers?|annotations?|mark-?up|solutions?|extractions?|labell?ing|(?:entity |label |answer |type )?lists?|tags|labels"
    r"|entities|mentions|spans|json|output|results?|key|sheet|version|file|column|gold)"
)
_HANDED = r"(?:give[ns]?|gave|handed|hands|shown|shows|supplied|supplies|provided|provides|sent|told|listed|lists|passed|attached|attaches|included|includes)"
# What a finished answer is made of, whose it is, and what it is about.
_PARTS = r"(?:labels?|tags?|annotations?|entities|answers?|spans|extractions?|json|output|list|results?|mark-?up|mentions|solutions?|entries|fields)"
_ROW = r"(?:sentence|text|row|record|passage|query|example|item|tweet|entry|sample|input)"
_LEAKS = tuple(
    re.compile(pattern)
    for pattern in (
        # the labels for this sentence were provided; the entities that were handed to me
        rf"\b{_PARTS} (?:for|of|in|to|on) (?:this|the|each) (?:{_ROW}|mention|word|name)s? (?:were|was|are|is|have been|had been|has been) (?:already |also )?(?:provided|given|supplied|attached|handed|sent|known|fixed|settled|filled in)\b",
        rf"\b(?<!types and )(?:{_PARTS}|types) (?:that |which )?(?:(?:were|was|are|is|have been|had been|i was|i'm|i am|we were) )?(?:already )?(?:handed|given|supplied|provided|sent|shown|passed|served) (?:to (?:me|us)|in advance|beforehand)\b",
        r"\bi(?: was|'m| am|'ve been| have been|'ve| have| got) (?:already |also )?(?:given|handed|shown|sent|told|fed) (?:the|a|an|all|all the|their|these) (?:final |correct |complete |finished |ready |right |full |whole )?(?:answers?|solutions?|json|labels|entities|output|results?|annotations?|tags|extractions?|list(?! of (?:types|labels|categories)))\b(?! (?:types?|format|schema|set|to (?:choose|use|pick)))",
        rf"\b(?:consistent with|agree\w* with|in line with|match\w*|fits?|conform\w* to|follow\w*|faithful to) (?:the )?(?:given|provided|supplied|existing) (?:{_PARTS})\b(?! (?:types?|format|schema|set))",
        rf"\b(?:attached|enclosed|accompanying) {_PARTS}\b",
        rf"\b{_PARTS} (?:that )?i (?:got|received|was given|was handed|was sent|was shown|have been given|have before me|have in front of me)\b(?! (?:from the (?:schema|sentence)|to choose))",
        r"\b(?:entities|answers?|spans|extractions?|annotations?|mentions|solutions?|results?),? as (?:provided|given|supplied|handed)\b",
        r"\b(?:whoever|the person who|the one who|somebody|someone|people who) (?:has |had |have )?(?:prepared|annotated|labell?ed|tagged|marked|made|created|filled in) (?:this|the|it|these)\b",
        r"\blabels? (?:for|of) [^.?!\n]{1,30} (?:has been|was|is already|had been|has already been) (?:set|given|fixed|filled|chosen)\b",
        r"\b(?:that|which|what|as) the (?:record|row|file|data ?set|key|annotation|reference|answer sheet) (?:already |itself )?(?:has|lists?|says?|contains?|gives?|wants?|shows?|marks?|asks for)\b",
        r"\banswer sheet\b",
        rf"\bknow (?:already )?(?:that |what )?the (?:right|correct|true|final) {_PARTS}\b",
        # looking at the reference, in the solution it comes under team
        r"\b(?:look(?:ing|ed)? at|check(?:ing|ed)?|seen? from|judging (?:by|from)|going by|by|from|as|per) the (?:reference|solution|answer|annotation|gold|annotated \w+|given (?:labels|answer|entities|tags|list))s?(?:,|\b (?:shows?|says?|has|have|i (?:see|can see|know)))",
        r"\bin the (?:reference|solution|answer|key|annotation|gold|labels|tags)s?,? [^.?!\n]{2,40} (?:comes?|is|are|stands?|appears?|goes|sits|figures?|counts?|was|were|has|have|gets?|carries|bears) (?:under|as|with|in|marked|tagged|labell?ed|listed|given|there|a|an|the)\b",
        # the row's labels, the dataset's own answer, the sample output
        r"\b(?:row|record|example|data ?set|corpus|sample|file|item|entry|source|publisher|task)'?s (?:own )?(?:labels?|answers?|annotations?|tags|output|entities|lists?|results?|solution|key)\b(?! (?:types?|format|schema|set|are (?:person|city)))",
        r"\b(?:sample|example|model|demo) (?:output|answer|solution|result|annotation) (?:shows?|says?|has|have|lists?|gives?|marks?|contains?|here|already)\b",
        # the expected list contains it
        rf"\b(?:the|this|that|its|their) (?:expected|target|official|known|intended|finished|desired|hidden|stored) {_PARTS} (?:already |also |here |clearly )?(?:contains?|has|have|lists?|includes?|says?|marks?|wants?|puts?|shows?|leaves|names|gives|omits|lacks|calls|treats)\b",
        # the result that I'm supposed to explain
        rf"\b{_PARTS} (?:that |which )?i(?:'m| am|'ve been| was) (?:supposed|asked|told|meant|expected|required|here) to (?:explain|justify|reach|arrive|argue|defend|motivate|account|back up|support|derive)\b",
        # the tags attached to the text, the JSON below the sentence
        rf"\b(?:tags|labels|annotations?|mark-?up|json|entities|spans) (?:\w+ )?(?:attached to|below|above|beside|next to|accompanying|under|following|stored with|delivered with) (?:the|this) {_ROW}\b",
        r"\bthey(?:'ve| have|'d)? (?:have|had|put|list|listed|marked|tagged|annotated|labell?ed|got)?[^.?!\n]{0,40} in the (?:file|data|key|record|annotations?|answer|gold)\b",
        r"\b(?:pre-?filled|filled-in|filled-out|pre-?populated|prepared) (?:fields?|slots?|form|lists?|answers?|template|values?|entries|labels?)\b",
        # the list that came with the text, the tags in the metadata, the one from the annotators
        rf"\b{_THING} (?:\w+ )?(?:(?:that |which )?(?:is |was |were |are |came |comes )?(?:\w+ )?(?:supplied|provided|sent|attached|shipped|bundled|enclosed|included|delivered|handed|printed|given)) (?:to me |to us )?(?:along |together )?(?:with|alongside|beside|in) (?:the |this |my )?(?:text|sentence|passage|input|prompt|task|request|record|row|data|query|item|example)\b",
        rf"\b{_THING} (?:\w+ )?(?:in|from|of) (?:the |its |this )?(?:metadata|side ?car|annotators?|labell?ers?|curators?|header|conversation|thread|column|record|row|previous turn|dump)\b",
        r"\b(?:one|list|those|version|that) (?:from|of|by) (?:the |our |their |its )?(?:annotators?|labell?ers?|curators?|experts?)\b",
        r"\b(?:silver|weak|noisy|distant|crowd|pre-?existing|upstream|original) (?:tags?|labels?|annotations?|spans|entities|list|output)\b[^.?!\n]{0,40}\b(?:ha(?:s|ve)|says?|puts?|marks?|lists?|gives?|shows?|contains?|agrees?|is|are|treats?)\b",
        # the record's own output, what was filled in beforehand
        r"\b(?:record|row|example|item|entry|sample|line|query|instance)(?:'s)? (?:own )(?:output|answer|labels?|annotations?|tags?|entities|list|result)\b",
        r"\b(?:was|were|been|is|are) (?:already )?(?:filled in|entered|put in|recorded|ticked|annotated|tagged|pre-?filled|written down) (?:there |here |for (?:this|the|it) ?\w* ?)?(?:beforehand|in advance|already|earlier|before me|by (?:the |a |an )?(?:annotators?|humans?|experts?|others?|somebody|someone))\b",
        # asked to explain how one gets there
        r"\b(?:asked|told|supposed|required|here|job is|task is|only have|just have|all i have|my part is|all that remains is|only need) to (?:explain|show|justify|account for|reconstruct|retrace|motivate|make (?:it|this|that|them) (?:plausible|look)|argue)(?: (?:it|them|this|that|these|out))?(?: (?:how|why|the way|the path|the route|what leads|the steps))? (?:one|you|we|somebody|someone|to|i|they|the annotator) (?:gets?|got|comes?|came|arrives?|arrived|goes|went|ends? up|picked|chose)\b",
        r"\b(?:only|just|merely|all i|simply) (?:have|need|had|got|need) to make (?:it|this|that|them) (?:plausible|sound|look|believable|convincing)\b",
        r"\b(?:cut|answer|span|result|list|label|type|spelling|boundary|set) (?:that |which )?(?:i|we) (?:need|have|am supposed|'m supposed|must|should|ought|had) (?:to )?(?:arrive at|reach|land on|end (?:up|in)|get to|come out at|reproduce|lead to|defend|justify|hit)\b",
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
        r"\b(?:the|this|that|their|his|her|original|official|human|previous|existing|corpus|dataset's) (?:annotations?|annotators?|label+ers?|solution|answer sheet|extraction) (?:here |for this \w+ |above |below |also |clearly |already |actually )?(?:says?|mark(?:s|ed)|label+ed|tag(?:s|ged)|ha[sd]|have|gave|gives?|chose|puts?|lists?|treats?|treated|shows?|indicates?|include[sd]?|contains?|wants?|calls?|expects?|is|are|uses|used|counts?|counted|names?|leaves?|left|omits?|omitted|skips?|skipped|only)\b(?! (?:to|that|simple|clear|obvious|usually|often|would|might|may|could|tend|typically|to be found))",
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
    r"\b(?:guidelines?|(?:annotation|tagging|labell?ing) schemes?|conventions?|usually|often|normally|typically|generally|tend(?:s)? to|most (?:annotators|corpora|schemes|datasets)|some annotators|many (?:annotators|corpora|datasets)|other (?:annotators|corpora|datasets)|in (?:conll|ontonotes|wikiann|ace|this sort of|such)\b|no (?:annotation|answer|gold|key|solution|reference)|without (?:an?y? )?(?:annotation|answer key|gold|solution))\b"
)


_SUSPECT = _KEY_WORDS | _LISTED_WORDS


def leak(cot: str, sentence: str) -> str | None:
    """The words that speak of an answer the trace was given, or None.

    General talk of guidelines and of how things are usually annotated is no leak, nor are words that the
    sentence itself is about.
    """
    trace = read_trace(cot)
    suspicious = not trace.low.isascii() and any(stem in trace.low for stem in _FOREIGN_STEMS)
    foreign = _FOREIGN_LEAK.search(trace.low) if suspicious else None
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
