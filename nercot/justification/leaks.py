"""Whether a trace leans on an answer that it was given.

In: the trace, the sentence.  Out: the words that give it away, or None.  Each sentence that may speak of an answer
key becomes a string with one letter a word, the word's class; the patterns are written in these letters.  So the
things (annotation, list, record ...), how they are said to be given (provided, that I was shown, for this row ...)
and what is done with them (it says, it agrees with, according to ...) combine freely.  Quotations and the words of
the annotated sentence stand for nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache

from nercot.justification.trace import Span, Trace, lower, plain, read_trace, word_set

# Which letter stands for which words; w: any other word, q: a word of the sentence or a quotation.
_CLASSES = {
    # What only an answer key is called, and what may be one.
    "K": "groundtruth answerkey",
    "M": "gold golden silver",
    "A": "annotation annotations markup solution solutions labelling labeling tagging reference references",
    "Z": "key",
    "L": "label labels tag tags",
    "E": "entities spans mentions extraction extractions",
    "&": "list lists items",
    "1": "one ones",
    "O": "answer answers output outputs result results response completion outcome",
    "2": "sheet version copy",
    "F": "json",
    "R": "record entry entries row metadata",
    "u": "field fields column columns document sample file attachment data",
    "D": "choice choices decision decisions verdict call reading",
    # Whose it is.
    "6": "cell section block slot",
    "C": "dataset corpus benchmark",
    "P": "annotator annotators labeller labellers labeler labelers curator curators grader graders tagger taggers",
    "W": "whoever",
    "7": "made prepared compiled built created",
    "8": "creators creator makers maker authors compilers team builders",
    "U": "user prompt task system instruction instructions request template message conversation input source question",
    "T": "they someone somebody you",
    "5": "theirs",
    "S": "their",
    "y": "my our mine final",
    "i": "i we me us",
    # Given, wanted, right, marked.
    "4": "shown handed sent",
    "g": "given provided gave gives assigned told",
    "9": "supplied attached accompanies accompany accompanied accompanying enclosed appended passed stored existing prefilled "
    "finished preannotated pretagged prelabelled prelabeled hands sends provides supplies attaches printed",
    "J": "got received",
    "z": "annotated tagged labelled labeled",
    "!": "marked bracketed extracted solved listed",
    "x": "expected desired wanted intended ideal",
    "%": "target",
    "0": "official original human manual curated handmade known",
    "c": "correct right true previous prior",
    "j": "came comes come sits stands lies appears",
    "l": "below above alongside underneath beneath along beforehand attached next beside after behind around",
    # What it does: it says, it takes, it contains, it has.
    "v": "says say said states marks puts put treats treated wants want tells tell confirms calls called",
    "t": "leave keep skip omit keeps kept leaves left skips skipped omits omitted ends begins starts begin splits separates separated counts "
    "takes took goes went chose chooses choose picked picks drops dropped agrees disagrees agree disagree settles "
    "settled decided decides assigns excludes excluded places placed files filed prefers encloses enclose",
    "V": "contains contain contained includes include included carries carry reads lacks lack shows show",
    "H": "has have had having",
    "b": "is are was were be been being am",
    # How it is used.
    "f": "per than according following since because judging compare compared comparing match matches matching "
    "matched consistent conform conforms tallies tally coincides coincide equal equals identical copy copied copying "
    "reproduce follow follows check checked checking verify verified looking look looked consult consulted peek peeked "
    "through contradict contradicts support supports stick respect fits fit accordance against line agreement based mirror going derive justify defend back agrees agree",
    "k": "know knew see saw seen knowing seeing",
    "e": "explain explained explaining explanation explanations justification reason reasons reasoning argument arguments argue arguing rationale why",
    "@": "as under",
    "o": "on at for with into among within",
    "I": "in from of by",
    ">": "to",
    # What takes it back, or makes it general talk.
    "m": "would might may could should will must can likely probably perhaps usually often normally typically",
    "Q": "if whether wonder wondering suppose imagine unclear unknown unless guess",
    "n": "not no without never any neither none nor",
    "G": "conll ontonotes ace genia guideline guidelines scheme schemes convention conventions corpora datasets practice",
    "Y": "type types category categories class classes schema schemas format formats structure layout style keys set sets names vocabulary inventory options process work step job effort exercise project phase stage",
    "B": "but though although however yet",
    # The small words between.
    "d": "the",
    "h": "this these those that",
    "a": "best only obvious natural usual common easy simple possible a an some most many other another each every",
    "s": "its his her",
    "3": "it",
    "=": "same",
    "r": "which who what",
    "p": "already just only also here clearly actually even itself now still simply therefore apparently together too "
    "both all own very up out exactly do does did",
    "N": "example sentence text tweet query item passage snippet post case review headline title abstract",
}
_CLASS = {word: letter for letter, words in reversed(_CLASSES.items()) for word in words.split()}
# The classes that stand for nothing where the sentence itself has the word.
_LEXICAL = frozenset("KMAZLE&1O2FRuD6CPW78g49z!x%c0UJ")
_OWNERS = word_set(
    "assistant data benchmark file sample question dataset corpus record row entry annotator labeller labeler curator grader teacher key reference"
)

# Words of a sentence that may speak of a key: one of the first, or one of each of a pair.
_TELLING = word_set(
    "data unannotated story excuse defend gold golden truth key annotation annotations annotated annotator annotators solution solutions labeller labellers "
    "labeler labelers curator curators grader graders expected target desired intended ideal backwards backward hint "
    "hints rationale beforehand metadata column columns reference references markup mark dataset corpus silver whoever "
    "arrive reach tags engineer filled supposed theirs explain justify rationalise rationalize pretend plausible reasoning reveal "
    "tagged labelled labeled prefilled pretagged preannotated prelabelled supplied handed attached derive wanted "
    "argument reason reverse rationalising human reconstruct fixed knowing"
)
_RECORDS = word_set(
    "data test training label labels tag record entry row sample example file document table field fields"
)
_LISTS = word_set(
    "answer answers list lists entities spans mentions items extraction extractions output outputs result results json "
    "version copy sheet outcome markup brackets choice decision"
)
_OTHERS = word_set(
    "one ones they user prompt system message task input mention say telling letting sentence training test question come came line cell slot"
)
_FINDING = word_set("found finding discovered")
_SAYING = word_set(
    "as under has have had says say said puts put treats treated carries leave leaves left lists contains includes in since "
    "because for tells told"
)
_GIVEN = word_set(
    "states against indicated given provided accompanying enclosed appended sent shown passed stored existing finished gave assigned told got "
    "received marked extracted original human correct official know knew their identical matches match agrees agree "
    "consistent model supposed contains includes according teacher arrive arrives from since because below above comes "
    "came come already prompt bottom fixed missing missed through to looking seeing judging says"
)
_HANDED = word_set(
    "given provided sent shown passed gave got received told tells marked already extracted bottom were tells through"
)
_SEEN = word_set(
    "annotated labels reach land have mind hand seen known knew decided identified reveal reveals after here"
)
_PAIRS = (
    (_RECORDS, _GIVEN | _SAYING),
    (_LISTS, _GIVEN | _SEEN),
    (_OTHERS, _HANDED | _LISTS | _SEEN),
    (_FINDING, frozenset(("as",))),
)
_SUSPECT = _TELLING.union(_RECORDS, _LISTS, _OTHERS, _FINDING)

_JOINED = re.compile(
    r"(ground[- ]truths?|gold[- ]standards?)|((?:answer|solution|marking|scoring)[- ](?:keys?|sheets?|schemes?))"
    r"|(data[- ]sets?\b|(?:training|test|train) (?:data|sets?|examples?))|(mark-up)|(pre-(?=filled|annotated|tagged|label))|((?:model|sample) (?=answer|output|solution))"
)
_JOINTS = ("", "groundtruth", "answerkey", "dataset", "markup", "", "provided ")
_SHORT = re.compile(r"\bcannot\b|n't\b|'(?:m|re|ve|ll|d)\b|\b(?:it|that|this|what|there|here|who|he|she|one)'s\b")
_LONG = {"cannot": "can not", "n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would"}
_TOKEN = re.compile(r"[^\W_]+(?:'s?)?|[,:;|–\"]")

# The patterns, in the letters above; <NAME>: a part.
_PARTS = {
    # That it was handed over: "(that) I was given", "they sent", "the user gave me", "which came with the text",
    # "supplied with it", "in the prompt", "below the sentence".
    "HANDED": "(?:[rh]?i[bH]+p*g|[rh]?ip*J|[rh]?iHp*[JpO]|[rh]?d?[UT]p*H?p*[gJH]|[rh]?[bH]*p*g(?!I[dh][NY]|Y|i?@)"
    "|[rh]?[bH]*p*j(?=[pc]*[ol])|[rh]?b*p*(?:lw?)?od?(?:wo)?d?[UR]|[rh]?b*p*lo?[dh]?[NRUw])",
    "FOR": "(?:o[dh]w?[N1RUC]|[^vtVHbmiB,>]{0,3})",
    "SAYS": "p*n?p*[vtVHE](?!>|b)",
    "AS": "(?:H(?:3|[dq]?q+)|[vtVE](?:3|d?q+|dw))p*@",
}
# In a pattern, the letter of a class stands for those of its kinds as well.
_KINDS = {"o": "oI", "g": "g49", "c": "c0", "x": "x%", "R": "Ru", "z": "z!", "E": "E&", "O": "O2", ",": ",:"}


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern with its parts and the kinds of its classes put in."""
    whole = re.sub("<([A-Z]+)>", lambda match: _PARTS[match[1]], pattern)
    pieces = re.split(r"(\[[^]]*\]|\{[^}]*\})", whole)
    for index, piece in enumerate(pieces):
        if not piece.startswith("{"):
            inside = piece.startswith("[")
            kinds = ((char, _KINDS.get(char, char)) for char in piece)
            pieces[index] = "".join(more if inside or more == char else f"[{more}]" for char, more in kinds)
    return re.compile("".join(pieces))


_PATTERNS = tuple(
    map(
        _compiled,
        (
            # Gold, ground truth, the answer key.
            r"K",
            r"M(?=[ALEOuU])|(?:dM|^M)p*[vtV]|M[vV]|MH(?![dabwo>])|MHdq|dM(?=[,vtVHb]|$)|f[pow>]{0,4}M(?=[,bB]|$)",
            # The annotation says; the original annotation is; as in the reference; in line with the annotation.
            r"[dS][gxczMKAOLERPwq]{0,3}?A(?![UGY])(?:<FOR><SAYS>|w(?!q))",
            r"[gxzcMKPS]w?A(?![UGY])[^,mnB]{0,3}?[bvtVHf]",
            r"[ftk@][pow>]{0,4}[dSh][gczxPw]{0,2}A(?![UGY])",
            r"od[gczxP]{0,2}A(?=[,dqB]|$)",
            r"^(?!%)(?:gOA?|gA|M|x|xO|zE|0A|K):|^gE:[^Y]{0,40}q",
            r"[KA]<HANDED>|UA(?![UGY])",
            r"[dS]Zp*n?[vt](?!q)|Z<HANDED>|[f@]o?dZ|t(?!I)odZ|bIdZ|dZp*[VH][dp]*[q3]",
            r"@w?o[dS][LO](?:[vH]|,)|@[dS][LO][vH](?!>)|[dS]Loh[NR](?!b)|[dS]zL",
            # The tags say; the original labels have; the record has it as.
            r"[dSh]w?L(?!Y)p*n?v",
            r"[dS]p*[cMxPKA]w?L(?!Y)<FOR><SAYS>",
            r"[dS][gczxMPKAw]{0,2}(?:[LARCZ]|x(?![ALEOF]))(?!Y)[^,mYB]{0,4}p*n?<AS>",
            r"L<HANDED>p*n?p*(?:[vt]|<AS>)|Lh?j(?=p*[ol])|(?:9w?L|Lp*9)(?!Y)[^,bnmYB]{0,6}[q3]|f[^,]{0,4}(?:dL9|d9L)(?!Y)|kd0?cL",
            r"[dSh]gw?(?!&)E(?![^B]{0,4}Y)|qbn?p*Id[g9]w?E(?![^B]{0,6}Y)|Eb+p*g@,q|[dS]Lp*t[q3]|[dS](?:7|9|0|z)F(?!Y)",
            r"(?:O|A|(?!&)E)h?d?[TU]p*H?p*g(?![^B]{0,4}Y)|[EFO]h?b+p*4(?![^B]{0,6}Y)",
            r"d0w?(?!2)[LEO](?!Y)|L[wq]Id[UC]|Up*H[^,BY]{1,5}z(?!o?[dh]?[NY])|IdU[^BY]{0,8}bp*z@|bp*z[wp]*IdNip*J",
            r"Id?Fl|dF<HANDED>(?![^B]{0,40}[mY])|Obp*9|[dS]%p*[vtV]|[dS]x[LE](?![YF,mb])",
            r"(?:f[pow>]{0,4}|@Id|@p*I)d(?!u)R(?=,|$)",
            r"[ft][pow>]{0,4}[dS][cxMPKA]L(?!Y)|[ft][pow>]{0,4}[dSh]g?L(?!Y)[^,]{0,2}oh[NR1]|kod[cg]?L(?!Y)|[ft][^,]{0,3}dLi[HJ]|[ft][pow>]{0,4}[dS]x(?=[,B]|$)",
            r"[LEA](?:[rh]?b+)?p*g[^B]{0,40}[Hm]>e",
            # The entities supplied with the text include; the list they have; the expected list.
            r"[dShT][gczxw]{0,2}[EFx]<HANDED>[^BY]{0,40}[vtVHb][^BY]{0,40}[q3]",
            r"[EF]h?i[bH]+p*4(?![^,]{0,40}Y)",
            r"[dSh]w?(?!!)[gzxPS]w?E(?!Y)p*n?p*[vtVHb][^BY]{0,40}[q3]",
            r"f[pow>]{0,4}[dSh][gP]w?E(?!Y)[^BY]{0,40}q|q[^BY]{0,40}f[pow>]{0,4}[dSh][gP]w?E(?![^B]{0,40}Y)",
            r"[fto][pow>]{0,4}[dS]x[pw]*[EO](?![^B]{0,40}[YF])|(?<!a)x[EO]<HANDED>|(?<!a)xO(?:oh[N1R]b|<SAYS>[^B]{0,3}[q3])(?![^B]{0,40}[YF])|xL(?!Y)<SAYS>|[EFO]h?b*p*g>i(?![^B]{0,40}Y)",
            r"Eb+p*g[ow]?i|[ft@]o?[dh][EF1]h?[TU]p*H",
            r"[ft][pow>]{0,4}(?:[dh][EF1]<HANDED>|5)|[ft][^,]{0,4}5",
            r"S[EO](?!Y)p*[vtVHE]|Tp*<AS>",
            r"[dh][NRU]jo[dsS][ALEO]",
            # The provided answer; since the answer includes; the correct labels in front of me.
            r"[dSh][wp]?[gMPSKzc]?[gMPSK]w?O(?!Y)",
            r"[dS][cx]?O<HANDED>",
            r"f[dh]c?Op*[vtVE][^Y]{0,40}q|[fk]odO(?!Y)|odO(?!Y)im?k",
            r"iHd[cgx][LEO]|ip*Hp*dO[^B]{0,10}e|i[bH]+p*4h|Up*Vdc(?!&)E|fdc?Op*v(?![^B]{0,6}[YF])",
            r"ip*kd[cgx][OELA]|ip+kd[OELA](?=[,h]|$)",
            # The entry for this sentence; the record that came with it; its own output.
            r"[dS][gw]?R(?:o[hd]w?[N1RCU]|<HANDED>)[^,]{0,3}<SAYS>(?![^B]{0,40}[YF])",
            r"[fk][pow>]{0,4}dR(?:o[hd][N1RCU]|<HANDED>)",
            r"[dS]x(?=p*[gjl])<HANDED>(?!Y)|[xMKO][6f]p*[bvtVH]",
            # The annotators of this sentence took; whoever annotated this; the corpus labels; they marked.
            r"[dhyS@][cw]?P|W[Hb]?p*[z7](?![dh][Nw])|[dha]w?rp*H?p*z(?=p*[hdo,vt])",
            r"[dh][cw]?C(?:oh[NR1])?p*n?[vtLz]|C8|8o[dh]?[pwz]?C|[LOADE][^,B]{0,3}IdC|[LOAD][^,B]{0,3}IdR",
            r"0(?!2)[LAO]",
            r"(?<!b)Tp*H?p*(?!!)z|rTp*H?p*z|[AEFOL1Z]h?Tp*[Hz]p*[zoh]",
            r"[ALEOD1][^,mB]{0,4}od[cw]?P|X[pcgx]*[ALEOD]",
            # I was given the answer; the user attached the extraction; the prompt contains the answer.
            r"i[bH]+p*g[^,]{0,4}(?:[KAOZ]|dcL)(?!Y)|Up*gid(?!&)E(?![Y>])|i[bH]+p*g[^,Y]{0,3}E(?![^,]{0,4}Y)[^Y]{0,40}[qe]",
            # The target output has; I was given the final JSON; the correct entities are known; the entities, as provided.
            r"[dS]%O(?=[^B]{0,3}[vtVH])(?![^B]{0,10}[YF])|i[bH]+p*gd?y?F(?!Y)|[dS]c[EOLA]b+p*[0g]|ip*kh?dcO(?!Y)",
            # I was handed the tags; the list, which I have seen; the label that was supplied; whoever labelled it had.
            r"i[bH]+p*4d?[LE](?!Y)|[OALE],?[rh]iHp*k|[dS]L[rh]b+p*9|Wp*z[dh]Nm?H",
            r"Up*Hw?Vd?E(?![Y>])|[EO],@g",
            r"[dh]?[UT]p*H?p*g[^,Y]{0,3}[KAO](?!Y)|[UT]p*H?p*gi?d?[gcxz]E|Up*Hp*z|Uvd[EOL]b",
            r"Up*V[^,Y]{0,3}[KAO](?!Y)",
            r"b[^,i]{0,2}z[^,]{0,6}od(?:[CUR])|[LE]od?[UR]p*[tV]q",
            r"[dh]p*zO|[dh]p*z[RN]p*[vtVH]",
        ),
    )
)
# What takes a match back: there is none, one would; doubts reach so many words.
_HEADS = frozenset("KMALEZOP")
_REACH = 5
_DOUBTS = re.compile(r"Q(?!i[fk])")
_DENIED = re.compile(r"m[dhp]*[cw]?P|n[gxczMKAOLEPw]{0,2}[KMALEZO]|n[pa]*[Hkgb][dapw]*[gxczM]*[KMALEZO]")
_UNREAL = re.compile(r"[KMALEORZCPx]p*m")

# What is said of the purpose, in plain words.
_TASK = r"(?:asked|told|supposed|meant|expected|instructed|wants?|job|task|have|has|had|need(?:s|ed)?|must|should|left|remains?|only|just|point)"
_LABELLED = (
    r"(?:tagged|label+ed|annotated|marked|selected|chosen|included|picked|listed|left out|excluded|omitted|skipped)"
)
_BACKWARDS = re.compile(
    "|".join(
        (
            # to explain how one gets there, why it was tagged
            rf"\b{_TASK}\b[^.;\n]{{0,30}}\b(?:explain|justify|show|argue|tell|say|describe|write|rationali[sz]e|reconstruct)\b[^.;\n]{{0,40}}"
            rf"\b(?:how (?:one|you|to|they) (?:gets?|arrives?|comes?|gets? there|got)\b|why [^.;\n]{{0,40}}\b(?:was|were|had been|got) {_LABELLED}\b)",
            # supposed to arrive at it
            r"\b(?:i|we|i'm|we're|reasoning|thinking|list|answer|result)\b[^.;\n]{0,14}\b(?:supposed|meant|expected) to (?:arrive at|end up|land on|come out|get to|come to|reach)\b(?! (?:a|an|my|some) )",
            r"\b(?:entities|answer|labels|list|spans|items) (?:that|which) (?:should|must|ha(?:s|ve) to|needs? to|ought to|is to|are to) (?:come out|result)\b",
            r"\bi (?:need|have|want|ought)(?:ed)? to (?:arrive at|end up (?:at|with)|land on|come out at)\b(?! (?:a|an|my|some) )",
            r"\b(?:has|have|had|should|must|needs?|ought to|supposed to)(?: to)? (?:come out|turn out|be) (?:identical|the same as|equal)\b(?! (?:to|as) (?:the )?(?:sentence|text|spelling|source|original))",
            r"\b(?:reason\w*|chain of thought|explanation|thoughts?|thinking|derivation|argument|rationale|steps)\b[^.;\n]{0,25}\b(?:leads?(?: from [\w ]{1,25}?)?|leading|arrives?|ends?|lands?|points?|gets?|fits?|gives?|yields?|produces?|results? in)\b(?: up| there)*(?: to| at| in| on| with| there)? (?:the |that |this |those |these |their )?(?:given|provided|known|same|expected|supplied|listed|annotated|labels|annotations?|solution|entities i|result)\b(?! (?:format|types?))",
            r"\b(?:we|i) (?:have|need|had|needed) to (?:reach|land on|arrive at|end up (?:with|at))(?! (?:a|an|the|some|my|our)\b)",
            r"\bwith the (?:\w+ )?(?:answers?|solution|labels|result|annotations?) (?:at hand|in mind|in hand|before me|before us|in view|in front of me)\b",
            r"\b(?:this|the) (?:very )?(?:sentence|example|row|tweet|query|one) (?:is|was|has been|had been) (?:label+ed|annotated|tagged)\b",
            r"\bannotated (?:spans|entities|mentions|names)\b|\bwhat(?:'s| is| was| has been|'s been) annotated\b|\b(?:tagged|marked|label+ed) (?:spans|entities|mentions|names) (?:in|from) the (?:input|prompt|data|file)\b",
            r"\b(?:supply|provide|write|deliver|give|find|add|produce|invent)\w* (?:is |are )?(?:the |a |some |my )?(?:thoughts?|reasoning|reasons?|rationale|explanations?|justifications?|arguments?|thinking)"
            r" (?:for|to|behind|that fits?) (?:the |these |those |some )?(?:labels?|types|entities|answers?|list|mentions|spans|tags)\b(?: (?:that|which))? ?(?:are|is|were|was|have|has)? ?(?:already |been )*"
            r"(?:fixed|given|set|decided|chosen|known|settled|assigned|there|final|picked|made)\b",
            # backwards from the answer
            r"\b(?:work|reason|argue|think|go|start)(?:s|ing|ed)? (?:it |them |this )?back(?:wards?)?(?: up)? from (?:the |these |those |their |this )?(?!end\b|last|final word|sentence|verb|right)[a-z]+",
            r"\b(?:work|reason|argue|think)(?:s|ing|ed)? (?:it |them |this )?backwards?(?=[:;,.]| from|$)",
            r"\breverse[- ]engineer\w*\b|\brationali[sz](?:e|es|ing|ed|ation)\b",
            r"\b(?:answers?|labels?|list|results?|entities|annotations?|solution|tags|outcome) (?:that )?(?:i|we)(?:'m| am|'ve| have| need| must|'re| are)? (?:got )?(?:to |supposed to |meant to |asked to )?(?:justify|explain|defend|derive|reach|arrive at|motivate)\b",
            r"\bknow what the (?:outcome|result|answer|output|list|entities) (?:has|have|must|should|will|is|are|ought)\b(?![^.;\n]{0,40}(?:json|object|types|format))",
            r"\b(?:result|answer|label|outcome|what|entities|list) (?:that )?they(?:'re| are) (?:after|looking for|expecting|waiting for)\b|\bwhat they (?:already )?have (?:for|here|as|under|there)\b",
            r"\b(?:user|they|you|someone|somebody|prompt|instructions?|system|message|task|hint)\b[^.;\n]{0,12}\b(?:told|tells?|reveals?|shows?|says?|betrays?|gives? away|discloses?|spells? out|know|knows)\b[^.;\n]{0,8}\b(?:which|the|all the|what) (?:entities|mentions|spans|answers?|labels)\b (?:are|is|count|were|should be|have to be)?(?! (?:types|format|to|that are allowed|allowed|from|in))(?=\s*(?:right|correct|expected|wanted|accepted|[:,]))",
            r"\b(?:told|known|knew|given|decided) (?:\w+ )?(?:beforehand|in advance)\b",
            r"\bknowing (?:that )?the (?:result|answer|label|outcome|solution)\b|\bagainst the (?:answer|solution|labels?)\b",
            r"\b(?:arrive|end up|land|get) (?:at|to|with) the (?:given|provided|supplied|known|expected) (?:label|answer|list|result|output)",
            r"\b(?:reveals?|gives? away|discloses?|betrays?) (?:the|which|all the) (?:entities|mentions|answers?|labels|solution)\b",
            r"\b(?:user|someone|somebody) (?:has |had )?already (?:decided|determined|identified|found|extracted|label+ed|tagged|annotated|marked|solved|picked|chosen)\b(?! (?:on )?(?:the|which) (?:types|schema|labels|categories))",
            r"\b(?:in|from|per|by|to) the metadata\b(?! (?:like|such))|\b(?:output|answer|list|labels?|entities|result)\b[^.;\n]{0,12}\bfilled in\b",
            # a reason that has to be found for it
            r"\b(?:have to|had to|need to|needs? (?:a|an|some)|must|(?:had )?better|so|only|just|can|remains? to) (?:then )?(?:find|invent|make up|come up with|think of|construct|supply|produce|give)? ?(?:a |an |some )(?:way to get there|plausible \w+|(?:reason|argument|justification|explanation|rationale) (?:for (?:it|this|that|them|each of them)\b(?!\w)))",
            r"\b(?:make (?:it|this|that|them) (?:sound |look |seem )?(?:plausible|natural|convincing)|mak(?:e|ing) (?:the|my) (?:reasoning|explanation|thoughts)\b[^.;\n]{0,20}\b(?:look|lead|fit|seem|sound|end|match))\b",
            # concealed
            r"\b(?:as if|as though) (?:i|we)(?:'d| had)? (?:found|come|came|derived|discovered|arrived|worked|did(?:n't| not) (?:know|see)|had(?:n't| not)|reached|noticed|never)\b",
            r"\bas my own (?:finding|idea|conclusion|result|discovery|choice|decision)\b|\bpretend(?:ing)?\b[^.;\n]{0,20}\b(?:i|we|not|to)\b",
            r"\b(?:shouldn't|mustn't|can't|don't|won't|not|never|without|avoid)\b[^.;\n]{0,12}\b(?:mention|reveal|let|letting|say|admit|show|disclose|refer|betray|mentioning|revealing|saying|admitting|disclosing|referring|betraying|giving away)\b[^.;\n]{0,30}\b(?:(?:was|were|am|been) (?:shown|given|told|handed|provided)|i (?:have|had|know|knew|saw|see) the|already know|(?:given|provided|gold|correct|reference) (?:answer|labels?|annotations?|list|entities|solution))\b",
            r"\b(?:not|n't|never|without|avoid)\b[^.;\n]{0,25}\b(?:mention|reveal|say|show|admit|disclose|betray|let on|letting on|saying|showing|revealing|mentioning)(?: on)? that [^.;\n]{0,25}\b(?:known|given|seen|shown|told|knew|handed|have the)\b",
            r"\bas (?:if|though) [^.;\n]{0,25}(?:\bnot|n't|\bnever) [^.;\n]{0,12}\b(?:known|given|seen|shown|know|there|told)\b",
            r"\b(?:wasn't|weren't|was not|were not|hasn't been|haven't been|has not been) (?:annotated|label+ed|tagged|marked)\b|\b(?:isn't|is not|aren't|are not|not) annotated\b|\bunannotated\b",
            r"\b(?:missing|missed|absent|left out|omitted|excluded|dropped|overlooked|forgotten)\b(?: \w+)? (?:from|in|of|by) (?:the|their|these) (?:annotat\w+|labels|tags|provided|given|supplied|solution|reference|gold|data)\b(?! (?:types|schema|text|sentence))",
            r"\b(?:entities|mentions|labels|answers?|spans|list|items|annotations)(?: (?:that )?(?:i|we) (?:have|need))? to (?:be )?(?:explain|justif|motivat|defend|rationali)\w*\b",
            r"\bi(?:'m| am) (?:only |just )?to (?:defend|justify|explain|motivate)\b|\b(?:story|excuse|pretext) (?:for|why)\b",
            r"\btells? me (?:all )?the (?:entities|mentions|answers?|spans)\b|\b(?:in|by|from|per|with) what (?:i|we) (?:was|were|have been|had been) (?:given|shown|sent|handed)\b",
            # wants the reasoning behind them
            r"\b(?:reasoning|reasons?|rationale|explanation|thoughts|thinking|logic)\b (?:that lies? )?(?:behind|that (?:leads?|led|gets?) (?:up )?to|for|leading to) (?:them|it|these|those|each of them|the (?:given|provided|annotations?|labels|answers?|solution|known|result|extraction|list))\b(?=(?! (?:format|schema|types)))",
            r"\b(?:justify|explain|rationali[sz]e|defend) (?:the )?(?:given |provided |existing |supplied )?(?:annotations?\b(?! (?:rules|guide|scheme))|extraction|solution|labels (?:they|that|given|provided|i was)|list (?:they|that|given|i was)|entities (?:they|given|provided|i was))",
            # what was filled in
            r"\bwhat (?:they|someone|somebody)?(?: (?:was|were|is|has been|had been|have|had))?(?: already)? (?:filled in|filled|annotated|label+ed|tagged|entered|recorded|stored)\b",
            r"\b(?:filled|annotated|tagged|label+ed|marked|extracted|listed|solved)(?: in| up)? (?:for (?:me|us)|beforehand|in advance|previously|by (?:someone|somebody|a human|hand|the user|an? (?:expert|annotator)))\b",
            r"\bpre-?(?:annotated|tagged|label+ed|filled|marked)\b",
            r"\b(?:apparently|it|this|that|one|he|she|which) (?:was|were|had been|has been) (?:label+ed|annotated|tagged) (?:as|with|so|thus|that way|this way|like)\b(?![^.;\n]{0,40}\babove\b)",
            r"\balready (?:tagged|annotated|label+ed|marked|extracted|given|filled in|solved) (?:in|by|for) (?:the (?:input|prompt|data|text|source|file|annot\w+|user|sentence)|me|us)\b",
            # the hint, the metadata, the columns
            r"\b(?:the|this|a) hints?\b(?: (?:in|from|at|of|under|above|below) (?:the )?(?:\w+ )?(?:message|prompt|input|user|system|instructions?|task|end|bottom|top))? (?:already |also |here )*(?:says?|gives?|lists?|names|tells?|states?|has|includes?|mentions|wants?|that (?:there|the answer))\b",
            r"\bmetadata\b[^.;\n]{0,12}\b(?:says?|tells?|has|have|lists?|gives?|shows?|marks?)\b|\bsilver (?:tags?|labels?)\b",
            r"\b(?:columns?|fields?)\b[^.;\n]{0,25}\b(?:tokens?|words?|has|have|says?|carr(?:y|ies)|reads?|shows?|gives?)\b[^.;\n]{0,25}\b(?:b-|i-|o\b|tags?|labels?)",
            r"\b[bi]-(?:per|loc|org|misc|[a-z]{3,})\b[^.;\n]{0,80}\b(?:tags?|tagged|come|carr(?:y|ies)|column|input|tokens?|given|label\w*|marked|for it)\b",
            r"\b(?:tags?|tagged|columns?|tokens?|input|carr(?:y|ies)|label\w*)\b[^.;\n]{0,80}\b[bi]-(?:per|loc|org|misc|[a-z]{3,})\b",
            r"\bgold (?:entry|row|data|file|set|version|copy|side)\b|\b(?:compar|check|verif)\w* (?:\w+ )?(?:with|to|against) (?:the )?gold\b",
            r"\btag sequence\b|\b(?:tags?|brackets?|markup|mark-up) (?:that )?(?:in|of|from) the (?:input|prompt|data|source|file)\b",
            r"\b(?:brackets?|tags|markup|mark-up) (?:placed |set |put )?around\b[^.;\n]{0,30}\b(?:says?|makes?|marks?|means?|tells?|shows?|already)\b",
            r"\b(?:(?:is|are|was|were) )?expected (?:as|under|to be(?: listed| tagged| label+ed| annotated)? (?:as|under))\b|\bwhat(?:'s| is| was) expected\b(?! (?:of|from))",
            r"\b(?:counts?|accepted|scored|credited) as (?:a )?(?:hit|correct|right)\b|\bwill be (?:accepted|scored|counted)\b",
            r"\b(?:answer|result|output|extraction|list|json|completion)s?(?: for (?:this|the) \w+)? (?:(?:is|was|are|were) (?:already )?(?:known|fixed|settled|predetermined|given)|must (?:contain|include)|(?:has|have) to (?:contain|include))\b(?! (?:only|the types|all|a key|every|each|at least|exactly|no))(?=[^.;\n]{0,60}\b(?:so|argue|explain|justif\w+|because|find|to me|in advance|only|just|therefore)\b)",
        )
    )
)


# What an answer key is called in other languages, and that it was given; each pair within a few words.
_FOREIGN_KEYS = re.compile(
    r"标准答案|参考答案|正确答案|(?:给定|给出|已给|提供|附|已有)[^。\n]{0,6}(?:答案|标注|标签|实体列表)|(?:标注|答案)(?:里|中|已|为|是|显示|把)|金标"
    r"|正解(?:データ|ラベル)?|模範解答|(?:与えられた|提供された|既存の)(?:答え|解答|アノテーション|ラベル|注釈)|정답|주어진 (?:답|주석|레이블)"
    r"|\bэталон\w*|\b(?:правильн|готов|данн|ожидаем)\w+ (?:ответ|разметк|аннотаци)\w*"
    r"|\b(?:разметк|аннотаци|ответ)\w*(?: \w+)?,? (?:котор\w+ )?(?:уже|дан\w*|прилож\w*|приведен\w*|пришл\w*|стоит|указан\w*|предоставлен\w*)"
    r"|\b(?:в|по|согласно|судя по) (?:разметк|аннотаци)\w+"
    r"|\bmusterlösung|\breferenz(?:lösung|annotation|liste|antwort)\w*|\bgoldstandard|\berwartete\w* (?:antwort|lösung|annotation\w*|ergebnis|liste)"
    r"|\b(?:vorgegeben|mitgeliefert|beigefügt|gegeben|vorhanden|mitgeschickt|angehängt|vorliegend)\w* (?:antwort|lösung|annotation|markierung|liste|ergebnis|label|etikett)\w*"
    r"|\b(?:laut|gemäß|nach|in) (?:der |den |dem )(?:annotation(?:en)?|lösung|vorgabe|referenz|markierung)\b"
    r"|\b(?:réponse|solution|annotation|étiquette|liste|entité|résultat|extraction)s? (?:\w+ )?(?:attendue?|fournie?|donnée?|jointe?|de référence|correcte)s?\b"
    r"|\b(?:selon|d'après|comme dans|conforme à) (?:l'|les |la )(?:annotation|solution|référence|réponse|corrigé)s?|\ble corrigé\b"
    r"|\b(?:respuesta|solución|anotaci(?:ón|ones)|etiqueta|lista|entidad(?:es)?|resultado|clave)s? (?:\w+ )?(?:correcta|dada|esperada|proporcionada|adjunta|entregada|de referencia)s?\b"
    r"|\bsegún (?:la |las )(?:anotaci(?:ón|ones)|solución|respuesta|referencia)\b"
    r"|\b(?:risposta|soluzione|annotazion[ei]|etichett[ea]|lista|entità) (?:\w+ )?(?:corrett|dat|attes|fornit|allegat|di riferiment)\w+"
    r"|\b(?:resposta|solução|anotaç(?:ão|ões)|rótulos?|lista|gabarito) (?:\w+ )?(?:corret|dad|esperad|fornecid|anexad|de referênci)\w+|\bgabarito\b"
    r"|\b(?:gegeven|verwachte|bijgeleverde|juiste) (?:antwoord|annotatie|oplossing|lijst|labels?)\w*"
)
_FORMATS = re.compile(r"format|json|формат|格式|形式|형식|schema|схем|no hay |keine? |pas de |aucune |нет |没有|ない")
_FOREIGN_WORDS = word_set(
    "musterlösung goldstandard antwort lösung annotation annotationen markierung label labels réponse réponses solution "
    "annotations étiquettes corrigé liste respuesta solución anotación anotaciones etiquetas lista risposta soluzione "
    "annotazioni annotazione etichette resposta solução anotação anotações rótulos gabarito antwoord annotatie oplossing "
    "lijst referenzlösung referenzannotation vorgabe ergebnis référence référencia entidades entités entité clave"
)
_SMALL_WORDS = word_set("der die das ist und le les une est el los es una il che uma não het een del des")
_OTHER_SCRIPTS = re.compile("[\u0400-\u04ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff]")


def _foreign(trace: Trace, sentence: str) -> str | None:
    """What gives it away in a language other than English."""
    latin = not _FOREIGN_WORDS.isdisjoint(trace.vocabulary) and not _SMALL_WORDS.isdisjoint(trace.vocabulary)
    if not latin and (trace.low.isascii() or not _OTHER_SCRIPTS.search(trace.low)):
        return None
    low = sentence.lower()
    for match in _FOREIGN_KEYS.finditer(trace.low):
        start = max(trace.low.rfind(mark, 0, match.start()) for mark in ".。\n") + 1
        around = trace.low[max(start, match.start() - 30) : match.end() + 30]
        if match[0] not in low and not _FORMATS.search(around):
            return match[0]
    return None


def leak(cot: str, sentence: str) -> str | None:
    """The words that speak of an answer the trace was given, or None.

    General talk of guidelines and of how things are usually annotated is no leak, nor are words that the
    sentence itself is about.
    """
    trace = read_trace(cot)
    foreign = _foreign(trace, sentence)
    if foreign is not None:
        return f"the trace speaks of a given answer: {foreign!r}"
    if not _may_leak(trace.vocabulary):
        return None
    for start, end in _suspects(trace):
        found = _telling(trace, start, end, _about(sentence))
        if found is not None:
            return f"the trace speaks of a given answer: {found[:80]!r}"
    return None


def _suspects(trace: Trace) -> Iterator[Span]:
    """The sentences that may speak of an answer key, each once."""
    low, reach = trace.low, 0
    for index in [index for index, word in enumerate(trace.words) if word in _SUSPECT]:
        at = trace.starts[index]
        if at < reach:
            continue
        start = max(low.rfind(mark, reach, at) for mark in (". ", "? ", "! ", "\n")) + 1 or reach
        stops = [stop for mark in (". ", "? ", "! ", "\n") if (stop := low.find(mark, at)) >= 0]
        reach = min(stops, default=len(low))
        first = bisect_left(trace.starts, start)
        if _may_leak(frozenset(trace.words[first : bisect_left(trace.starts, reach, first)])):
            yield start, reach


def _may_leak(words: frozenset[str]) -> bool:
    if not _TELLING.isdisjoint(words):
        return True
    return any(not one.isdisjoint(words) and not other.isdisjoint(words) for one, other in _PAIRS)


def _telling(trace: Trace, start: int, end: int, about: frozenset[str]) -> str | None:
    """What gives it away in a sentence of the trace."""
    text = _unquoted(trace, start, end)
    words = _TOKEN.findall(_spelled_out(text))
    letters = "".join(_letter(word, about) for word in words)
    for pattern in _PATTERNS:
        for match in pattern.finditer(letters):
            if _is_real(letters, match):
                return " ".join(words[match.start() : match.end()])
    for match in _BACKWARDS.finditer(text):
        if about.isdisjoint(_SUSPECT.intersection(_TOKEN.findall(match[0]))):
            return match[0]
    return None


def _is_real(letters: str, match: re.Match[str]) -> bool:
    """Whether a match is no general talk, nothing that may be or that there is not."""
    start, end = match.span()
    first = letters.rfind("B", 0, start) + 1
    stop = letters.find("B", end)
    segment = letters[first : stop if stop >= 0 else len(letters)]
    if "G" in segment or _DOUBTS.search(letters, max(first, start - _REACH), start):
        return False
    window = max(first, start - 4)
    head = next((at for at in range(start, end) if letters[at] in _HEADS), start)
    return not _DENIED.search(letters, window, head + 1) and not _UNREAL.search(letters, start, end + 2)


def _letter(word: str, about: frozenset[str]) -> str:
    letter = _CLASS.get(word)
    if letter is None and word.endswith("est"):
        letter = "a"
    if letter is None:
        if word[-2:] == "'s" or word[-1:] == "'":
            return _possessive(word.rstrip("s").rstrip("'").rstrip("s"), about)
        return "q" if word in about else "q" if word == '"' else ":" if word == ":" else "," if word in ",;|–" else "w"
    return "q" if letter in _LEXICAL and (word in about or word.rstrip("s") in about) else letter


def _possessive(owner: str, about: frozenset[str]) -> str:
    if owner in about:
        return "q"
    return "X" if owner in _OWNERS else "U" if _CLASS.get(owner) == "U" else "'"


def _spelled_out(text: str) -> str:
    """The text with short forms written out and two words for one thing made one."""
    text = _JOINED.sub(lambda match: _JOINTS[match.lastindex or 0], text)
    if "'" in text or "cannot" in text:
        text = _SHORT.sub(lambda match: _LONG.get(match[0]) or match[0][:-2] + " is", text)
    return text


def _unquoted(trace: Trace, start: int, end: int) -> str:
    """A part of the trace in lower case, with a mark for each quotation."""
    pieces, at = [], start
    for index in range(max(bisect_right(trace.quotes, (start, 0)) - 1, 0), len(trace.quotes)):
        first, last = trace.quotes[index]
        if first >= end:
            break
        if last > at:
            pieces += [trace.low[at : max(first, at)], ' " ']
            at = last
    return "".join([*pieces, trace.low[at:end]])


@lru_cache(maxsize=4)
def _about(sentence: str) -> frozenset[str]:
    """The words of the sentence that carry something, also without their plural."""
    low = lower(plain(sentence))
    words = {word.removesuffix("'s").removesuffix("'") for word in _TOKEN.findall(low + " " + _spelled_out(low))}
    telling = {word for word in words if len(word) > 2 and _CLASS.get(word, "K") in _LEXICAL}
    return frozenset(telling | {word.rstrip("s") for word in telling})
