# ruff: noqa: E501 - a trace is a text, and reads best unbroken
"""Small traces with one phenomenon each, in pairs: what justifies a mention, and what only looks like it.

Every case is a sentence, a schema, an answer, the one finding that a careful reader has (None: keep) and a trace.
The short ones come first; the longer ones below are in the manner of reasoning models.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity
from nercot.justification import justify
from nercot.validation.grounding import ground

MERKEL = (
    "Angela Merkel met Tim Cook at Apple headquarters in Cupertino on Monday .",
    ("person", "organization", "location", "date"),
)
DRUGS = (
    "Intravenous amiodarone and lidocaine may cause hypotension and , rarely , liver failure in elderly patients .",
    ("Chemical", "Disease"),
)
BAND = (
    "After Kid A , Radiohead toured with Sigur Rós and recorded Amnesiac in Oxford .",
    ("band", "album", "location", "musicalartist"),
)
TWEET = ("So excited to see @ladygaga at Madison Square Garden tonight !! #Chromatica", ("PER", "LOC", "ORG"))
MOVIE = (
    "show me a funny 1980s movie with bill murray and ghosts rated pg",
    ("GENRE", "YEAR", "ACTOR", "PLOT", "RATING", "TITLE"),
)
AMAZON = (
    "Amazon opened an office in the Amazon region of Brazil .",
    ("company", "river", "region", "country"),
)
RUSSIAN = (
    "Иван Петров приехал в Новосибирск , чтобы встретиться с Ольгой Смирновой из Газпрома .",
    ("person", "location", "organization"),
)
PAPER = (
    "BERT and GPT-2 are evaluated on SQuAD with F1 by researchers at Google .",
    ("algorithm", "dataset", "metrics", "organisation", "researcher"),
)
UNI = (
    "She studied at Yale , Brown and Rice before moving to Jackson , Wyoming .",
    ("university", "location", "person"),
)
CELL = (
    "Overexpression of p53 in HeLa cells reduced MDM2 levels and blocked Epstein-Barr virus replication .",
    ("gene", "cell line", "virus", "disease"),
)
ONE = ("Ravi flew from Delhi to Perth .", ("city",))

K = None
NJ, CO, MI = "not_justified", "contradicted", "missing_from_answer"

ALL_MERKEL = {
    "person": ["Angela Merkel", "Tim Cook"],
    "organization": ["Apple"],
    "location": ["Cupertino"],
    "date": ["Monday"],
}
NO_DATE = {k: v for k, v in ALL_MERKEL.items() if k != "date"}
ALL_DRUGS = {"Chemical": ["amiodarone", "lidocaine"], "Disease": ["hypotension", "liver failure"]}
ALL_BAND = {"band": ["Radiohead", "Sigur Rós"], "album": ["Kid A", "Amnesiac"], "location": ["Oxford"]}
ALL_MOVIE = {"GENRE": ["funny"], "YEAR": ["1980s"], "ACTOR": ["bill murray"], "PLOT": ["ghosts"], "RATING": ["pg"]}
ALL_UNI = {"university": ["Yale", "Brown", "Rice"], "location": ["Jackson", "Wyoming"]}
ALL_PAPER = {"algorithm": ["BERT", "GPT-2"], "dataset": ["SQuAD"], "metrics": ["F1"], "organisation": ["Google"]}
ALL_CELL = {"gene": ["p53", "MDM2"], "cell line": ["HeLa"], "virus": ["Epstein-Barr virus"]}
ALL_RUSSIAN = {
    "person": ["Иван Петров", "Ольгой Смирновой"],
    "location": ["Новосибирск"],
    "organization": ["Газпрома"],
}

CASES = [
    # plain verdicts, one line each
    (
        "arrows",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel -> person\nTim Cook -> person\nApple -> organization\nCupertino -> location\nMonday -> date",
    ),
    (
        "colons",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel: a politician, so person.\nTim Cook: Apple's boss, person too.\nApple: the company, organization.\nCupertino: a city in California, location.\nMonday: date.",
    ),
    (
        "prose",
        MERKEL,
        ALL_MERKEL,
        K,
        "Let me read this. Angela Merkel is the former German chancellor, which makes her a person. She met Tim Cook, the CEO of Apple - another person. Apple itself is a company and therefore an organization. The meeting took place in Cupertino, which is a city, hence a location. Finally, Monday is when it happened, so that's a date.",
    ),
    (
        "brackets",
        MERKEL,
        ALL_MERKEL,
        K,
        "I see Angela Merkel (person), Tim Cook (person), Apple (organization), Cupertino (location) and Monday (date).",
    ),
    (
        "headings",
        MERKEL,
        ALL_MERKEL,
        K,
        "**Persons**\n- Angela Merkel\n- Tim Cook\n\n**Organizations**\n- Apple\n\n**Locations**\n- Cupertino\n\n**Dates**\n- Monday",
    ),
    (
        "headings in a line",
        MERKEL,
        ALL_MERKEL,
        K,
        "People: Angela Merkel and Tim Cook.\nOrganizations: just Apple.\nPlaces: Cupertino.\nWhen: Monday, so there's one date.",
    ),
    (
        "questions",
        MERKEL,
        ALL_MERKEL,
        K,
        "Who is involved? Angela Merkel and Tim Cook, two persons. Which organizations are there? Apple. Where did it happen? In Cupertino, a location. And a date? Yes, Monday.",
    ),
    (
        "surnames",
        MERKEL,
        ALL_MERKEL,
        K,
        "Merkel is a politician and Cook a manager, both of them persons. Apple is the organization. Cupertino is a town, location. Monday, well, a day of the week counts as a date.",
    ),
    (
        "group",
        MERKEL,
        ALL_MERKEL,
        K,
        "There are two names of human beings, Angela Merkel and Tim Cook, and both are persons. Then Apple, the firm: organization. Cupertino = location. Monday = date.",
    ),
    (
        "numbered",
        MERKEL,
        ALL_MERKEL,
        K,
        '1. "Angela Merkel" - person\n2. "Tim Cook" - person\n3. "Apple" - here it\'s the company rather than the fruit, organization\n4. "Cupertino" - location\n5. "Monday" - date',
    ),
    (
        "one silent",
        MERKEL,
        ALL_MERKEL,
        NJ,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Monday is a date. That covers the whole sentence.",
    ),
    (
        "only quoted",
        MERKEL,
        ALL_MERKEL,
        NJ,
        'The sentence is "Angela Merkel met Tim Cook at Apple headquarters in Cupertino on Monday ." Angela Merkel is a person, and so is Tim Cook. Apple is an organization. Monday is a date.',
    ),
    (
        "only counted",
        MERKEL,
        ALL_MERKEL,
        NJ,
        "Two persons here, the politician Angela Merkel and one more. Apple is the organization, Cupertino the location, Monday the date.",
    ),
    (
        "candidates",
        MERKEL,
        ALL_MERKEL,
        NJ,
        "Candidates: Angela Merkel, Tim Cook, Apple, Cupertino, Monday.\n\nAngela Merkel: person. Tim Cook: person. Apple: organization. Monday: date.",
    ),
    # refused
    (
        "left out",
        MERKEL,
        ALL_MERKEL,
        CO,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Cupertino is a location. Monday is a weekday without a year; that's too vague for a date, so I leave it out.",
    ),
    (
        "left out, and it is",
        MERKEL,
        NO_DATE,
        K,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Cupertino is a location. Monday is a weekday without a year; that's too vague for a date, so I leave it out.",
    ),
    (
        "type empty",
        MERKEL,
        ALL_MERKEL,
        CO,
        "persons: Angela Merkel, Tim Cook\norganizations: Apple\nlocations: Cupertino\ndates: none, a weekday is not a date",
    ),
    (
        "type empty, and it is",
        MERKEL,
        NO_DATE,
        K,
        "persons: Angela Merkel, Tim Cook\norganizations: Apple\nlocations: Cupertino\ndates: none, a weekday is not a date",
    ),
    (
        "not this type",
        MERKEL,
        ALL_MERKEL,
        CO,
        'Angela Merkel: person. Tim Cook: person. Apple: hmm, "Apple headquarters" is a building, not an organization. Cupertino: location. Monday: date.',
    ),
    (
        "skip",
        MERKEL,
        ALL_MERKEL,
        CO,
        "Angela Merkel, person\nTim Cook, person\nApple, organization\nCupertino, location\nMonday, skip",
    ),
    (
        "dropped part",
        MERKEL,
        ALL_MERKEL,
        K,
        'Angela Merkel, person.\nTim Cook, person.\nApple headquarters: I drop "headquarters", Apple is the organization.\nCupertino, location; the preposition "in" is left out.\nMonday, date, without "on".',
    ),
    (
        "other words refused",
        MERKEL,
        ALL_MERKEL,
        K,
        'Angela Merkel and Tim Cook: persons. Apple: organization. "headquarters" is a common noun, skip. Cupertino: location. Monday: date. "met" is a verb, so no.',
    ),
    # change of mind
    (
        "wait",
        MERKEL,
        {**NO_DATE, "location": ["Apple", "Cupertino"], "organization": []},
        CO,
        "Angela Merkel and Tim Cook are persons. Apple headquarters is where they met, so Apple is a location. Wait, no, Apple by itself is the company, so it has to be an organization. Cupertino is a location. Monday doesn't count as a date for me.",
    ),
    (
        "wait, right",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel and Tim Cook are persons. Apple headquarters is where they met, so Apple is a location. Wait, no, Apple by itself is the company, so it has to be an organization. Cupertino is a location. Monday is a date.",
    ),
    (
        "first refused",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel and Tim Cook are persons, Apple is an organization, Cupertino is a location. Monday has no year, I'd leave it out. Actually, the schema just says date, and a weekday is one. So Monday goes in as a date.",
    ),
    (
        "last refused",
        MERKEL,
        ALL_MERKEL,
        CO,
        "Angela Merkel and Tim Cook are persons, Apple is an organization, Cupertino is a location, Monday is a date. On second thought, Monday without a year can't be resolved. I'll drop Monday.",
    ),
    (
        "hesitation decided",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel and Tim Cook, persons. Cupertino, location. Monday, date. Apple could be a location here, because of headquarters, or it might be an organization. I think the organization is what's meant.",
    ),
    (
        "hesitation open",
        MERKEL,
        ALL_MERKEL,
        NJ,
        "Angela Merkel and Tim Cook, persons. Cupertino, location. Monday, date. Apple could be a location here, because of headquarters, or it might be an organization. Hard to say.",
    ),
    (
        "put off",
        MERKEL,
        ALL_MERKEL,
        NJ,
        "Angela Merkel and Tim Cook, persons. Is Apple an organization or a location here? Let me return to that at the end. Cupertino, location. Monday, date. That's everything.",
    ),
    (
        "put off and settled",
        MERKEL,
        ALL_MERKEL,
        K,
        "Angela Merkel and Tim Cook, persons. Is Apple an organization or a location here? Let me return to that at the end. Cupertino, location. Monday, date. Back to Apple: it's the company, organization.",
    ),
    # omitted
    (
        "omitted",
        MERKEL,
        NO_DATE,
        MI,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Cupertino is a location. Monday is a date.",
    ),
    (
        "omitted name",
        MERKEL,
        {**ALL_MERKEL, "person": ["Angela Merkel"]},
        MI,
        "Angela Merkel -> person\nTim Cook -> person\nApple -> organization\nCupertino -> location\nMonday -> date",
    ),
    (
        "omitted in a heading",
        MERKEL,
        {**ALL_MERKEL, "person": ["Tim Cook"]},
        MI,
        "Persons: Angela Merkel, Tim Cook\nOrganizations: Apple\nLocations: Cupertino\nDates: Monday",
    ),
    (
        "omitted afterthought",
        MERKEL,
        {**ALL_MERKEL, "location": []},
        MI,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Monday is a date. Oh, and I nearly forgot Cupertino, which is a location.",
    ),
    (
        "weighed and refused",
        MERKEL,
        {**ALL_MERKEL, "location": []},
        K,
        "Angela Merkel and Tim Cook are persons. Apple is an organization. Monday is a date. Cupertino would be a location in principle, but it only tells where the headquarters are, so I skip it.",
    ),
    # groups and lists
    (
        "coordination",
        DRUGS,
        ALL_DRUGS,
        K,
        "amiodarone and lidocaine are antiarrhythmic drugs, so both go to Chemical. hypotension is low blood pressure, a Disease; liver failure is a Disease as well.",
    ),
    (
        "all four",
        UNI,
        ALL_UNI,
        K,
        "Yale, Brown and Rice: all three are universities. Jackson is a town and Wyoming a state, so locations.",
    ),
    (
        "all three, later",
        UNI,
        ALL_UNI,
        K,
        "She studied at three places: Yale, Brown, Rice. One can study only at a university, so they all belong there. Jackson, Wyoming: town and state. I give them separately, each as a location.",
    ),
    (
        "comma list verdict",
        UNI,
        ALL_UNI,
        K,
        'Yale, Brown, Rice - universities\nJackson, Wyoming - locations\n"She" is a pronoun, so no person.',
    ),
    (
        "each of them",
        DRUGS,
        ALL_DRUGS,
        K,
        "What is given: amiodarone, lidocaine. Each of them is a Chemical. What it causes: hypotension, liver failure. Each of these is a Disease.",
    ),
    (
        "they",
        DRUGS,
        ALL_DRUGS,
        K,
        "The first two nouns are amiodarone and lidocaine. They are both medications used for arrhythmia, i.e. Chemical. Then hypotension and liver failure. They're adverse effects, so Disease.",
    ),
    (
        "refused group",
        UNI,
        ALL_UNI,
        CO,
        "Yale, Brown and Rice are universities. Jackson and Wyoming together form an address, and addresses aren't wanted, so I take neither of the two.",
    ),
    (
        "refused group right",
        UNI,
        {"university": ["Yale", "Brown", "Rice"]},
        K,
        "Yale, Brown and Rice are universities. Jackson and Wyoming together form an address, and addresses aren't wanted, so I take neither of the two.",
    ),
    (
        "one of a group silent",
        UNI,
        ALL_UNI,
        NJ,
        "Yale and Brown are universities in the Ivy League. Jackson is a town, location. Wyoming is a state, location.",
    ),
    (
        "table",
        DRUGS,
        ALL_DRUGS,
        K,
        "| span | type | why |\n|---|---|---|\n| amiodarone | Chemical | drug |\n| lidocaine | Chemical | drug |\n| hypotension | Disease | low blood pressure |\n| liver failure | Disease | organ failure |",
    ),
    (
        "table with a no",
        DRUGS,
        ALL_DRUGS,
        CO,
        "| span | type |\n|---|---|\n| amiodarone | Chemical |\n| lidocaine | Chemical |\n| hypotension | Disease |\n| liver failure | no |",
    ),
    (
        "former and latter",
        DRUGS,
        ALL_DRUGS,
        K,
        'amiodarone - drug, Chemical. lidocaine - a local anaesthetic, Chemical. Side effects: hypotension (Disease), liver failure (Disease). "elderly patients" are people and out of scope.',
    ),
    (
        "synonym",
        DRUGS,
        ALL_DRUGS,
        K,
        "Two medicines are administered, amiodarone and lidocaine. Two medical conditions may follow: hypotension and liver failure.",
    ),
    (
        "other case",
        DRUGS,
        ALL_DRUGS,
        K,
        "Amiodarone: antiarrhythmic, Chemical. Lidocaine: anaesthetic, Chemical. Hypotension: a condition, Disease. Liver failure: Disease.",
    ),
    (
        "modifier cut",
        DRUGS,
        ALL_DRUGS,
        K,
        '"Intravenous" is only the route and not part of the name. amiodarone: Chemical; lidocaine: Chemical. "rarely" sits between commas and is ignored. hypotension: Disease; liver failure: Disease. "elderly patients": no.',
    ),
    (
        "wrong type concluded",
        DRUGS,
        {"Chemical": ["amiodarone", "lidocaine", "hypotension"], "Disease": ["liver failure"]},
        CO,
        "amiodarone and lidocaine are drugs, Chemical. hypotension is a symptom and with that a Disease. liver failure is a Disease.",
    ),
    (
        "swapped",
        DRUGS,
        {"Chemical": ["amiodarone"], "Disease": ["lidocaine", "hypotension", "liver failure"]},
        CO,
        "amiodarone -> Chemical\nlidocaine -> Chemical\nhypotension -> Disease\nliver failure -> Disease",
    ),
    (
        "omitted drug",
        DRUGS,
        {**ALL_DRUGS, "Chemical": ["lidocaine"]},
        MI,
        "amiodarone -> Chemical\nlidocaine -> Chemical\nhypotension -> Disease\nliver failure -> Disease",
    ),
    (
        "class only",
        DRUGS,
        ALL_DRUGS,
        NJ,
        "The sentence is about side effects of drugs. Drugs are Chemicals in this scheme. lidocaine is one. hypotension and liver failure are diseases.",
    ),
    # music
    (
        "descriptions",
        BAND,
        ALL_BAND,
        K,
        "Radiohead are the English rock group, so band. Sigur Rós, from Iceland, is a band too. Kid A is one of Radiohead's records: album. Amnesiac was recorded, it's their next album. Oxford is where they did it, so location. No single musicians are named.",
    ),
    (
        "grouped by type",
        BAND,
        ALL_BAND,
        K,
        "Bands - Radiohead, Sigur Rós. Albums - Kid A, Amnesiac. Location - Oxford. musicalartist - nothing.",
    ),
    (
        "type then mention",
        BAND,
        ALL_BAND,
        K,
        "We have the band Radiohead, the Icelandic band Sigur Rós, the album Kid A, the album Amnesiac and the location Oxford.",
    ),
    (
        "rhetorical",
        BAND,
        ALL_BAND,
        K,
        "Is Amnesiac a song? No, it was recorded as a whole and it's the album after Kid A. Both are albums. Radiohead and Sigur Rós are bands. Oxford is a location, not the university here.",
    ),
    (
        "artist against band",
        BAND,
        {**ALL_BAND, "band": ["Radiohead"], "musicalartist": ["Sigur Rós"]},
        CO,
        "Radiohead: band. Sigur Rós: sounds like one man's name, musicalartist at first sight. But it's four people, so band. Kid A: album. Amnesiac: album. Oxford: location.",
    ),
    (
        "artist, decided",
        BAND,
        {**ALL_BAND, "band": ["Radiohead"], "musicalartist": ["Sigur Rós"]},
        K,
        "Radiohead: band. Sigur Rós: the name of a group, though it could be read as a person's. I treat Sigur Rós as a musicalartist because it is the support act. Kid A: album. Amnesiac: album. Oxford: location.",
    ),
    (
        "undecided album",
        BAND,
        ALL_BAND,
        NJ,
        "Radiohead and Sigur Rós are bands. Kid A is an album. Amnesiac may be a song or an album, I can't tell from the sentence. Oxford is a location.",
    ),
    (
        "scrapped",
        BAND,
        ALL_BAND,
        CO,
        "Radiohead and Sigur Rós are bands, Kid A and Amnesiac albums. Oxford: location? It's just where the studio is. Scrap Oxford.",
    ),
    (
        "title refused",
        BAND,
        {**ALL_BAND, "album": ["Amnesiac"]},
        K,
        'Radiohead and Sigur Rós: bands. Amnesiac: album. "Kid A" only dates the tour, so I won\'t include it. Oxford: location.',
    ),
    # tweets
    (
        "handle",
        TWEET,
        {"PER": ["@ladygaga"], "LOC": ["Madison Square Garden"]},
        K,
        "@ladygaga is the handle of a singer, i.e. PER. Madison Square Garden is an arena, LOC. #Chromatica is an album, and there's no type for that. ORG: nothing.",
    ),
    (
        "hashtag refused but listed",
        TWEET,
        {"PER": ["@ladygaga"], "LOC": ["Madison Square Garden"], "ORG": ["#Chromatica"]},
        CO,
        "@ladygaga is the handle of a singer, i.e. PER. Madison Square Garden is an arena, LOC. #Chromatica is an album, and there's no type for that. ORG: nothing.",
    ),
    (
        "none at all",
        TWEET,
        {},
        K,
        "I only see an excited fan. @ladygaga is a handle and I don't tag handles. Madison Square Garden is part of the event description, not needed. #Chromatica is a hashtag, ignore.",
    ),
    (
        "none, but one",
        TWEET,
        {"LOC": ["Madison Square Garden"]},
        CO,
        "Handles are skipped. Madison Square Garden is an arena, which might be LOC, but it stands for the concert here. Not LOC, then. No entities.",
    ),
    (
        "label abbreviations",
        TWEET,
        {"PER": ["@ladygaga"], "LOC": ["Madison Square Garden"]},
        K,
        "A person: @ladygaga. A place: Madison Square Garden. Nothing else.",
    ),
    (
        "omitted place",
        TWEET,
        {"PER": ["@ladygaga"]},
        MI,
        "@ladygaga -> PER. Madison Square Garden -> LOC. The hashtag isn't an organisation.",
    ),
    (
        "short name",
        TWEET,
        {"PER": ["@ladygaga"], "LOC": ["Madison Square Garden"]},
        K,
        "ladygaga without the at sign is Lady Gaga, a person, so PER. The Garden is a venue in New York: LOC.",
    ),
    # queries
    (
        "slots",
        MOVIE,
        ALL_MOVIE,
        K,
        "funny -> GENRE (comedy)\n1980s -> YEAR\nbill murray -> ACTOR\nghosts -> PLOT\npg -> RATING",
    ),
    (
        "slots in prose",
        MOVIE,
        ALL_MOVIE,
        K,
        "The user wants something funny, which is a GENRE. The decade, 1980s, goes to YEAR. bill murray must be the ACTOR. What it's about is ghosts, so PLOT. pg is the RATING.",
    ),
    (
        "slot empty",
        MOVIE,
        ALL_MOVIE,
        K,
        "funny is GENRE, 1980s is YEAR, bill murray is ACTOR, ghosts is PLOT, pg is RATING. TITLE is what they want to know, so it stays empty.",
    ),
    (
        "slot denied",
        MOVIE,
        ALL_MOVIE,
        CO,
        "funny is GENRE, 1980s is YEAR, bill murray is ACTOR, pg is RATING. ghosts: the film is Ghostbusters, but there's no PLOT slot filled by that; PLOT stays empty.",
    ),
    (
        "slot swapped",
        MOVIE,
        {**ALL_MOVIE, "PLOT": ["funny", "ghosts"], "GENRE": []},
        CO,
        "funny -> GENRE\n1980s -> YEAR\nbill murray -> ACTOR\nghosts -> PLOT\npg -> RATING",
    ),
    (
        "slot missing",
        MOVIE,
        {**ALL_MOVIE, "RATING": []},
        MI,
        "funny = GENRE, 1980s = YEAR, bill murray = ACTOR, ghosts = PLOT, pg = RATING.",
    ),
    (
        "near miss",
        MOVIE,
        ALL_MOVIE,
        K,
        '"funny" tells the kind of movie, GENRE. "1980s": YEAR, even though it\'s a decade. "bill murray": ACTOR and not a character. "ghosts": not a TITLE, it\'s what happens, PLOT. "pg": RATING.',
    ),
    # one surface, two types
    (
        "two places",
        AMAZON,
        {"company": ["Amazon"], "region": ["Amazon"], "country": ["Brazil"]},
        K,
        "The first Amazon opens an office, so it's the company. The second Amazon is followed by \"region\", so it's a region. Brazil is a country.",
    ),
    (
        "two places, one",
        AMAZON,
        {"company": ["Amazon"], "country": ["Brazil"]},
        MI,
        'The first Amazon opens an office, so it\'s the company. "the Amazon region": the second Amazon is a region. Brazil is a country. I list Amazon under company and also under region.',
    ),
    (
        "river refused",
        AMAZON,
        {"company": ["Amazon"], "country": ["Brazil"]},
        K,
        "Amazon, with its office, is the company. The other Amazon isn't the river but part of a description, and I don't take it. Brazil is a country.",
    ),
    (
        "second type silent",
        AMAZON,
        {"company": ["Amazon"], "river": ["Amazon"], "country": ["Brazil"]},
        NJ,
        "Amazon opened an office: a company. Brazil: a country, where the office is.",
    ),
    # other languages
    (
        "names in Cyrillic",
        RUSSIAN,
        ALL_RUSSIAN,
        K,
        "Иван Петров is the man who arrives, a person. Новосибирск is a city in Siberia, so location. Ольгой Смирновой is the instrumental of Ольга Смирнова, the woman he meets: person. Газпрома is the genitive of Газпром, the gas company, organization.",
    ),
    (
        "inflected",
        RUSSIAN,
        ALL_RUSSIAN,
        K,
        "Иван Петров: person. Новосибирск: location. Ольга Смирнова: person. Газпром: organization.",
    ),
    (
        "Cyrillic silent",
        RUSSIAN,
        ALL_RUSSIAN,
        NJ,
        "Иван Петров is a person. Новосибирск is a location. Ольгой Смирновой is a person too.",
    ),
    (
        "Cyrillic refused",
        RUSSIAN,
        ALL_RUSSIAN,
        CO,
        "Иван Петров is a person. Новосибирск is a location. Ольгой Смирновой is a person too. Газпрома is a genitive, only says where she works. I leave Газпрома out.",
    ),
    (
        "transliterated",
        RUSSIAN,
        ALL_RUSSIAN,
        K,
        "Two people: Иван Петров and Ольгой Смирновой. One city: Новосибирск, location. One company: Газпрома, organization.",
    ),
    # papers
    (
        "models",
        PAPER,
        ALL_PAPER,
        K,
        'BERT and GPT-2 are language models; models count as algorithm. SQuAD is a question answering dataset. F1 is a metric. Google is an organisation. "researchers" is a common noun, so researcher stays empty.',
    ),
    (
        "evaluated on",
        PAPER,
        ALL_PAPER,
        K,
        "What is evaluated? BERT, GPT-2: both algorithm. On what? SQuAD, which is a dataset. With what? F1, so metrics. By whom? Researchers without names. Where? Google: organisation.",
    ),
    (
        "omitted metric",
        PAPER,
        {**ALL_PAPER, "metrics": []},
        MI,
        "BERT: algorithm. GPT-2: algorithm. SQuAD: dataset. F1: metrics. Google: organisation.",
    ),
    (
        "no metric",
        PAPER,
        ALL_PAPER,
        CO,
        "BERT: algorithm. GPT-2: algorithm. SQuAD: dataset. F1: a score that could be metrics, but it's too short to be sure, so out. Google: organisation.",
    ),
    (
        "contrast",
        PAPER,
        ALL_PAPER,
        K,
        "BERT: algorithm. GPT-2: algorithm as well. SQuAD: not a metric but a dataset. F1: not a dataset but a metric. Google: not a researcher but an organisation.",
    ),
    (
        "contrast reversed",
        PAPER,
        {**ALL_PAPER, "dataset": ["F1"], "metrics": ["SQuAD"]},
        CO,
        "BERT: algorithm. GPT-2: algorithm as well. SQuAD: not a metric but a dataset. F1: not a dataset but a metric. Google: not a researcher but an organisation.",
    ),
    # biology
    (
        "genes",
        CELL,
        ALL_CELL,
        K,
        'p53 is the well-known tumour suppressor gene. MDM2, its regulator, is a gene too. HeLa is the cell line; I take it without "cells". Epstein-Barr virus is a virus by name. A disease isn\'t mentioned.',
    ),
    (
        "gene or protein",
        CELL,
        ALL_CELL,
        K,
        "p53: gene or protein? The schema has only gene, so gene. MDM2: same. HeLa: cell line. Epstein-Barr virus: virus. disease: none.",
    ),
    (
        "virus as disease",
        CELL,
        {**ALL_CELL, "virus": [], "disease": ["Epstein-Barr virus"]},
        CO,
        "p53 and MDM2 are genes. HeLa is a cell line. Epstein-Barr virus is a pathogen and not a disease: virus.",
    ),
    (
        "extra",
        CELL,
        {**ALL_CELL, "disease": ["replication"]},
        NJ,
        "p53 and MDM2 are genes. HeLa is a cell line. Epstein-Barr virus is a virus.",
    ),
    (
        "nothing more",
        CELL,
        ALL_CELL,
        K,
        "p53 and MDM2 are genes. HeLa is a cell line. Epstein-Barr virus is a virus. No other gene, virus or cell line is named, and there is no disease.",
    ),
    (
        "summary",
        CELL,
        ALL_CELL,
        K,
        'Molecular biology. "p53" and "MDM2" are symbols that everybody in the field knows. "HeLa" needs no comment. "Epstein-Barr virus" neither.\n\nSo my list:\ngene: p53, MDM2\ncell line: HeLa\nvirus: Epstein-Barr virus',
    ),
    (
        "summary lacks one",
        CELL,
        ALL_CELL,
        NJ,
        'Molecular biology. "p53" and "MDM2" are symbols that everybody in the field knows.\n\nSo my list:\ngene: p53, MDM2\ncell line: HeLa',
    ),
    # a schema of one type
    (
        "one type",
        ONE,
        {"city": ["Delhi", "Perth"]},
        K,
        "Ravi is a man, and I'm only asked for cities. Delhi is the start and Perth the end of the trip, both big places. So Delhi and Perth.",
    ),
    (
        "one type, one left",
        ONE,
        {"city": ["Delhi", "Perth"]},
        CO,
        "Delhi is a city in India. Perth could be the one in Scotland, a town rather than a city; I leave Perth out.",
    ),
    (
        "one type, empty",
        ONE,
        {"city": []},
        K,
        "I take Ravi, Delhi and Perth as three friends' nicknames in a game. No cities.",
    ),
    ("one type, marks", ONE, {"city": ["Delhi", "Perth"]}, K, "Ravi ✗\nDelhi ✔\nPerth ✔\nThe ticked ones are cities."),
]


Case = tuple[str, tuple[str, tuple[str, ...]], dict[str, list[str]], str | None, str]
LONG: list[Case] = []


def add(name, sentence, schema, answer, expected, cot):
    LONG.append((name, (sentence, tuple(schema)), answer, expected, cot))


add(
    "orchard",
    "Pippin , a border collie from Orchard Farm near Ludlow , won Best in Show at Crufts on 9 March .",
    ["animal", "location", "event", "date", "award"],
    {
        "animal": ["Pippin"],
        "location": ["Orchard Farm", "Ludlow"],
        "event": ["Crufts"],
        "date": ["9 March"],
        "award": ["Best in Show"],
    },
    K,
    """A dog show. Who won? Pippin, and Pippin is "a border collie", so we're talking of a dog and the type animal is right even though it has a name like a hobbit.

From where: Orchard Farm near Ludlow. The farm is a place one can drive to. Ludlow is a town. I'd put either under location; there's no finer type anyway.

Crufts happens once a year, so event rather than organization (which isn't offered). "Best in Show" is what you win there. A title? A prize? award covers it.

9 March: date. Done, I believe. "border collie" is a breed, hmm, would that be animal too? It's a common noun here that tells us what Pippin is. Not needed.""",
)
add(
    "bakery",
    "On Tuesdays the Blue Door Bakery in Hexham sells a rye loaf that Anneke Vos learned to bake in Utrecht .",
    ["organization", "city", "person", "food", "day"],
    {
        "organization": ["Blue Door Bakery"],
        "city": ["Hexham", "Utrecht"],
        "person": ["Anneke Vos"],
        "food": ["rye loaf"],
        "day": ["Tuesdays"],
    },
    K,
    """Let me go from left to right through it.

Tuesdays – plural, but a weekday all the same → day.
Blue Door Bakery – a shop with a name. I only have organization for it, and a business is one.
Hexham – in Northumberland. city? It's a market town; the schema has nothing smaller, and a label "city" in such sets usually takes towns along.
rye loaf – bread, so something edible: food.
Anneke Vos – learned to bake: a baker, human.
Utrecht – same as Hexham, only bigger and Dutch.

I don't see anything else.""",
)
add(
    "bakery missing",
    "On Tuesdays the Blue Door Bakery in Hexham sells a rye loaf that Anneke Vos learned to bake in Utrecht .",
    ["organization", "city", "person", "food", "day"],
    {
        "organization": ["Blue Door Bakery"],
        "city": ["Hexham"],
        "person": ["Anneke Vos"],
        "food": ["rye loaf"],
        "day": ["Tuesdays"],
    },
    MI,
    """Let me go from left to right through it.

Tuesdays – plural, but a weekday all the same → day.
Blue Door Bakery – a shop with a name. I only have organization for it, and a business is one.
Hexham – in Northumberland. city? It's a market town; the schema has nothing smaller, and a label "city" in such sets usually takes towns along.
rye loaf – bread, so something edible: food.
Anneke Vos – learned to bake: a baker, human.
Utrecht – same as Hexham, only bigger and Dutch.

I don't see anything else.""",
)
add(
    "lab",
    "Mutations in BRCA2 were found in 12 of 90 patients with breast cancer treated with olaparib at St Hilda's Hospital .",
    ["gene", "disease", "drug", "hospital", "number"],
    {
        "gene": ["BRCA2"],
        "disease": ["breast cancer"],
        "drug": ["olaparib"],
        "hospital": ["St Hilda's Hospital"],
        "number": ["12", "90"],
    },
    K,
    """Clinical genetics. We have BRCA2, which everyone knows as a breast cancer gene; the sentence speaks of mutations in it. gene.

"breast cancer": what the patients have → disease. Not to be confused with the gene's nickname.

olaparib: a PARP inhibitor, so a drug, given to these patients.

St Hilda's Hospital: the word's in the name.

And the numbers, 12 and 90. Is "12 of 90" one number or two? It reads as two: 12 patients, out of 90 patients. Both under number.""",
)
add(
    "lab contradicted",
    "Mutations in BRCA2 were found in 12 of 90 patients with breast cancer treated with olaparib at St Hilda's Hospital .",
    ["gene", "disease", "drug", "hospital", "number"],
    {
        "gene": ["BRCA2"],
        "disease": ["breast cancer"],
        "drug": ["olaparib"],
        "hospital": ["St Hilda's Hospital"],
        "number": ["12", "90"],
    },
    CO,
    """Clinical genetics. We have BRCA2, gene. "breast cancer": what the patients have → disease. olaparib: a PARP inhibitor, so a drug.

St Hilda's Hospital: the word's in the name, hospital.

And the numbers, 12 and 90. A ratio of patients, which is a statistic about them and nothing that one would look up. I decided against using number in this sentence.""",
)
add(
    "strike",
    "Nurses at Kingsmead walked out after Dr Ilse Brandt , who runs the trust , called the offer generous in the Evening Courier .",
    ["person", "organization", "newspaper", "location", "event"],
    {"person": ["Ilse Brandt"], "organization": ["Kingsmead"], "newspaper": ["Evening Courier"]},
    K,
    """Okay. "Nurses at Kingsmead walked out". Kingsmead could be a village, in which case it'd be a location. But nurses work at hospitals, and "runs the trust" later on points to a hospital trust. I'd go for organization with Kingsmead, though a hospital is also a building and one might argue for a place.

"Dr Ilse Brandt , who runs the trust": she's a person. The Dr isn't part of the name for me.

"Evening Courier": it's where her remark appeared; courier, evening, capitals, "the": a newspaper.

"the trust" – generic. "Nurses" – generic. "walked out" is a strike but expressed by a verb, so no event.""",
)
add(
    "river",
    "The Ouse burst its banks at Cawood , and the B1222 between there and Sherburn was shut by noon .",
    ["river", "village", "road", "time", "bridge"],
    {"river": ["Ouse"], "village": ["Cawood", "Sherburn"], "road": ["B1222"], "time": ["noon"]},
    K,
    """It's about flooding in Yorkshire. What burst its banks is a river: the Ouse, without the article. Cawood, where it happened, is a small place by that river. Village, I'd say. What was shut? The B1222: B plus four digits is how British secondary roads are numbered. It runs between "there" (= Cawood) and Sherburn, which must be of the same sort as Cawood, another village or small town; I treat both alike.

noon: a time of day. OK.

Bridge: would have been plausible in a flood, none is mentioned.""",
)
add(
    "river wrong",
    "The Ouse burst its banks at Cawood , and the B1222 between there and Sherburn was shut by noon .",
    ["river", "village", "road", "time", "bridge"],
    {"river": ["Ouse"], "village": ["Cawood"], "road": ["B1222", "Sherburn"], "time": ["noon"]},
    CO,
    """Flood news. The Ouse is the river. Cawood is a village. The B1222 is a road, between Cawood and Sherburn; Sherburn again is a village. noon is a time.""",
)
add(
    "phone",
    "my pixel 8 died at heathrow and the guy from vodafone at t5 just shrugged lol",
    ["product", "location", "organization", "person"],
    {"product": ["pixel 8"], "location": ["heathrow", "t5"], "organization": ["vodafone"]},
    K,
    """Lower-case tweet, so I can't rely on capitals.

pixel 8: Google's phone from 2023. product
heathrow: the London airport. location
vodafone: carrier, a company. organization
t5: hmm. Terminal 5 of said airport. A terminal is part of an airport and still somewhere you can be → location as well
the guy: nobody in particular

lol and shrugged need no comment.""",
)
add(
    "phone omitted",
    "my pixel 8 died at heathrow and the guy from vodafone at t5 just shrugged lol",
    ["product", "location", "organization", "person"],
    {"product": ["pixel 8"], "location": ["heathrow"], "organization": ["vodafone"]},
    MI,
    """Lower-case tweet, so I can't rely on capitals.

pixel 8: Google's phone from 2023. product
heathrow: the London airport. location
vodafone: carrier, a company. organization
t5: hmm. Terminal 5 of said airport. A terminal is part of an airport and still somewhere you can be → location as well
the guy: nobody in particular""",
)
add(
    "chess",
    "Ju Wenjun drew with Lei Tingjie in game nine in Chongqing , keeping the Queen's Gambit for another day .",
    ["person", "city", "chess opening", "event", "country"],
    {"person": ["Ju Wenjun", "Lei Tingjie"], "city": ["Chongqing"], "chess opening": ["Queen's Gambit"]},
    K,
    """Two women sit at a board: Ju Wenjun and Lei Tingjie. They're grandmasters, i.e. persons.

Chongqing → that's the city in China where the second half of the match was held.

"game nine": event? A game within a match is an event of sorts, and I considered it for a while. It has no name though, only an ordinal. I'd rather not.

"the Queen's Gambit": it's also a Netflix series, but here one keeps it for another day, as a weapon. So the chess opening it is.

China isn't mentioned, so no country.""",
)
add(
    "chess event",
    "Ju Wenjun drew with Lei Tingjie in game nine in Chongqing , keeping the Queen's Gambit for another day .",
    ["person", "city", "chess opening", "event", "country"],
    {
        "person": ["Ju Wenjun", "Lei Tingjie"],
        "city": ["Chongqing"],
        "chess opening": ["Queen's Gambit"],
        "event": ["game nine"],
    },
    CO,
    """Two women sit at a board: Ju Wenjun and Lei Tingjie. They're grandmasters, i.e. persons.

Chongqing → that's the city in China where the second half of the match was held.

"game nine": event? A game within a match is an event of sorts, and I considered it for a while. It has no name though, only an ordinal. I'd rather not.

"the Queen's Gambit": here one keeps it for another day, as a weapon. So the chess opening it is.""",
)
add(
    "treaty",
    "The Peace of Vasvár of 1664 was signed by Reniger for Leopold I , to the dismay of Zrínyi .",
    ["treaty", "person", "year", "country", "battle"],
    {"treaty": ["Peace of Vasvár"], "person": ["Reniger", "Leopold I", "Zrínyi"], "year": ["1664"]},
    K,
    """History of the Habsburgs.

First the thing signed. "Peace of Vasvár" - a peace that is signed is a treaty. I leave "of 1664" out of the span, since the year has a label of its own: 1664, year.

Then who: Reniger (envoy), Leopold I (the emperor for whom he signed), Zrínyi (who was dismayed). Three men. The ordinal belongs to Leopold's name.

Vasvár by itself is a town in Hungary and there's no type for towns. Neither country nor battle: the battle would be Saint Gotthard, which goes unmentioned.""",
)
add(
    "treaty nj",
    "The Peace of Vasvár of 1664 was signed by Reniger for Leopold I , to the dismay of Zrínyi .",
    ["treaty", "person", "year", "country", "battle"],
    {"treaty": ["Peace of Vasvár"], "person": ["Reniger", "Leopold I", "Zrínyi"], "year": ["1664"]},
    NJ,
    """History of the Habsburgs.

First the thing signed. "Peace of Vasvár" - a peace that is signed is a treaty. I leave "of 1664" out of the span, since the year has a label of its own: 1664, year.

Then who: Reniger (envoy), Leopold I (the emperor for whom he signed). Two men who do something here.""",
)
add(
    "software",
    "After upgrading to Postgres 16 , Grafana on our Debian box kept crashing until Yuki rolled back libpq .",
    ["software", "operating system", "person", "version", "company"],
    {
        "software": ["Postgres", "Grafana", "libpq"],
        "operating system": ["Debian"],
        "person": ["Yuki"],
        "version": ["16"],
    },
    K,
    """DevOps chatter. Items one after another:

(1) Postgres 16 = Postgres, a database, thus software, plus 16, which is a version. I split them because version is a separate label.
(2) Grafana = dashboards, software.
(3) Debian = a Linux distribution, so operating system; it's software in a broad sense too but the narrower label wins.
(4) Yuki = a colleague.
(5) libpq = the client library of (1). Libraries are software.

No company.""",
)
add(
    "software minus",
    "After upgrading to Postgres 16 , Grafana on our Debian box kept crashing until Yuki rolled back libpq .",
    ["software", "operating system", "person", "version", "company"],
    {"software": ["Postgres", "Grafana"], "operating system": ["Debian"], "person": ["Yuki"], "version": ["16"]},
    MI,
    """DevOps chatter. Items one after another:

(1) Postgres 16 = Postgres, a database, thus software, plus 16, which is a version. I split them because version is a separate label.
(2) Grafana = dashboards, software.
(3) Debian = a Linux distribution, so operating system; it's software in a broad sense too but the narrower label wins.
(4) Yuki = a colleague.
(5) libpq = the client library of (1). Libraries are software.""",
)
add(
    "opera",
    "Kiri Te Kanawa sang the Countess in Figaro at Covent Garden in 1971 and never looked back .",
    ["singer", "opera", "role", "venue", "year"],
    {
        "singer": ["Kiri Te Kanawa"],
        "role": ["Countess"],
        "opera": ["Figaro"],
        "venue": ["Covent Garden"],
        "year": ["1971"],
    },
    K,
    """The famous breakthrough of Te Kanawa. She sang, so she's the singer, and I take all three words of the name.

What did she sing? The Countess: one of the parts. The schema calls a part a role. And the work is Figaro, in full Le nozze di Figaro, by Mozart → opera. Figaro is a role as well (the valet!), but "the Countess in Figaro" can only be read as part + piece.

Where? Covent Garden, meaning the Royal Opera House, hence venue. One may object that Covent Garden is a district. With "sang at", no.

When? 1971.""",
)
add(
    "spanish",
    "El Ayuntamiento de Lugo aprobó ayer el presupuesto que presentó Marta Rial en nombre del PSdeG .",
    ["person", "organization", "location", "date", "party"],
    {"person": ["Marta Rial"], "organization": ["Ayuntamiento de Lugo"], "party": ["PSdeG"], "date": ["ayer"]},
    K,
    """Spanish (Galicia) news, I read it as: "The city council of Lugo approved yesterday the budget that Marta Rial presented on behalf of the PSdeG."

Ayuntamiento de Lugo = the city council. It's the body that approves, so organization. I keep the whole thing and don't split off Lugo as a location.
ayer = yesterday, a relative date. Counts.
Marta Rial = a councillor, a person.
PSdeG = the Galician socialists, a party. It's of course an organization as well, but I give it just the more precise label.""",
)
add(
    "music",
    "Björk's Vespertine came out on One Little Independent , with harp by Zeena Parkins and lyrics after e.e. cummings .",
    ["artist", "album", "record label", "instrument", "poet"],
    {
        "artist": ["Björk", "Zeena Parkins"],
        "album": ["Vespertine"],
        "record label": ["One Little Independent"],
        "instrument": ["harp"],
        "poet": ["e.e. cummings"],
    },
    K,
    """Album credits, so lots to do.

"Björk's": the possessor is Björk. Artist (I drop the 's).
"Vespertine": something that came out; her fifth... yes it's the album.
"One Little Independent": came out *on* it, so it's the label. Record label.
"harp": an instrument, played by Zeena Parkins. She in turn is also an artist.
"e.e. cummings": small letters on purpose. He wrote poems, so: poet.

Let me see whether "lyrics" could be anything. No.""",
)
add(
    "music poet",
    "Björk's Vespertine came out on One Little Independent , with harp by Zeena Parkins and lyrics after e.e. cummings .",
    ["artist", "album", "record label", "instrument", "poet"],
    {
        "artist": ["Björk", "Zeena Parkins", "e.e. cummings"],
        "album": ["Vespertine"],
        "record label": ["One Little Independent"],
        "instrument": ["harp"],
    },
    CO,
    """Album credits, so lots to do.

"Björk's": the possessor is Björk. Artist (I drop the 's).
"Vespertine": something that came out; yes it's the album.
"One Little Independent": came out *on* it, so it's the label. Record label.
"harp": an instrument, played by Zeena Parkins. She in turn is also an artist.
"e.e. cummings": small letters on purpose. Would he be an artist in the wide sense? Poetry is an art. But there's the label poet, and it was made for people like him. poet.""",
)
add(
    "space",
    "Ingenuity took off from Wright Brothers Field in Jezero Crater on 19 April 2021 , watched by Perseverance .",
    ["spacecraft", "location", "date", "planet", "person"],
    {
        "spacecraft": ["Ingenuity", "Perseverance"],
        "location": ["Wright Brothers Field", "Jezero Crater"],
        "date": ["19 April 2021"],
    },
    K,
    """Mars, though the word isn't there, which is why planet is going to be empty.

Ingenuity: the little helicopter. Is a helicopter a spacecraft? It travelled through space to get there, and of the five types nothing else is any good. Okay.
Wright Brothers Field: named after two persons but it's an airfield. location.
Jezero Crater: location, clearly.
19 April 2021: date.
Perseverance: the rover that watched. What I said of Ingenuity goes for the rover as well.

The Wright brothers as person? They're only inside the name of the field.""",
)
add(
    "space miss",
    "Ingenuity took off from Wright Brothers Field in Jezero Crater on 19 April 2021 , watched by Perseverance .",
    ["spacecraft", "location", "date", "planet", "person"],
    {"spacecraft": ["Ingenuity"], "location": ["Wright Brothers Field", "Jezero Crater"], "date": ["19 April 2021"]},
    MI,
    """Mars, though the word isn't there, which is why planet is going to be empty.

Ingenuity: the little helicopter, a spacecraft in the end.
Wright Brothers Field: named after two persons but it's an airfield. location.
Jezero Crater: location, clearly.
19 April 2021: date.
Perseverance: the rover that watched, and a rover that flew to Mars is a spacecraft too.""",
)
add(
    "law",
    "In Carlill v Carbolic Smoke Ball Co , Bowen LJ held that the advertisement in the Pall Mall Gazette was an offer .",
    ["case", "judge", "company", "newspaper", "statute"],
    {"case": ["Carlill v Carbolic Smoke Ball Co"], "judge": ["Bowen LJ"], "newspaper": ["Pall Mall Gazette"]},
    K,
    """The classic. "Carlill v Carbolic Smoke Ball Co" with that "v" in the middle is the name of a case. Bowen LJ is a Lord Justice, hence "LJ": judge. And the ad appeared in the Pall Mall Gazette, which was a newspaper.

Now, inside the case name there's a company, Carbolic Smoke Ball Co. Should it be given as company? The sentence doesn't talk about the firm apart from the case. I weighed it and I'm not adding it.

No statute: contract law is case law here.""",
)
add(
    "law added",
    "In Carlill v Carbolic Smoke Ball Co , Bowen LJ held that the advertisement in the Pall Mall Gazette was an offer .",
    ["case", "judge", "company", "newspaper", "statute"],
    {"case": ["Carlill v Carbolic Smoke Ball Co"], "judge": ["Bowen LJ"], "newspaper": ["Pall Mall Gazette"]},
    MI,
    """The classic. "Carlill v Carbolic Smoke Ball Co" with that "v" in the middle is the name of a case. Bowen LJ is a Lord Justice, hence "LJ": judge. And the ad appeared in the Pall Mall Gazette, which was a newspaper.

Now, inside the case name there's a company, Carbolic Smoke Ball Co. Should it be given as company? The firm is a party to the dispute, and whoever searches for companies wants to find it. Yes, I add Carbolic Smoke Ball Co as a company.""",
)
add(
    "recipe",
    "Fold the mascarpone into Savoiardi soaked in Lavazza espresso , as Nonna Pia did in Treviso .",
    ["ingredient", "brand", "person", "city", "dish"],
    {
        "ingredient": ["mascarpone", "Savoiardi", "espresso"],
        "brand": ["Lavazza"],
        "person": ["Nonna Pia"],
        "city": ["Treviso"],
    },
    K,
    """Tiramisù, obviously, but the dish isn't named so that slot is free.

What goes in: mascarpone, Savoiardi, espresso. All of them ingredients. Lavazza tells whose coffee it is: a brand.

Who did it: Nonna Pia. "Nonna" means grandma, and a grandma with a first name is somebody. Keep both words.

Where: Treviso, city.""",
)
add(
    "recipe undecided",
    "Fold the mascarpone into Savoiardi soaked in Lavazza espresso , as Nonna Pia did in Treviso .",
    ["ingredient", "brand", "person", "city", "dish"],
    {
        "ingredient": ["mascarpone", "Savoiardi", "espresso"],
        "brand": ["Lavazza"],
        "person": ["Nonna Pia"],
        "city": ["Treviso"],
    },
    NJ,
    """Tiramisù, obviously, but the dish isn't named so that slot is free.

What goes in: mascarpone, espresso. Both ingredients. Savoiardi may be an ingredient or a brand of biscuits, I've seen it both ways on packages and I don't know which it is here. Lavazza tells whose coffee it is: a brand.

Who did it: Nonna Pia. "Nonna" means grandma, and a grandma with a first name is somebody: person.

Where: Treviso, city.""",
)
add(
    "football",
    "Salah 's late winner against Brighton lifted Liverpool to second , two points behind Arsenal .",
    ["player", "club", "city", "league", "stadium"],
    {"player": ["Salah"], "club": ["Brighton", "Liverpool", "Arsenal"]},
    K,
    """Premier League (not named). Salah scored: player.

Brighton and Liverpool are cities on the map, no question. I nearly wrote them down as such. But a winner "against Brighton" and being "lifted to second" is about teams. So both are clubs in this context, like Arsenal, which couldn't be anything but a club.

stadium, league, city: nothing remains for these.""",
)
add(
    "football half",
    "Salah 's late winner against Brighton lifted Liverpool to second , two points behind Arsenal .",
    ["player", "club", "city", "league", "stadium"],
    {"player": ["Salah"], "club": ["Arsenal", "Liverpool"], "city": ["Brighton"]},
    CO,
    """Premier League (not named). Salah scored: player.

Brighton and Liverpool are cities on the map, no question. I nearly wrote them down as such. But a winner "against Brighton" and being "lifted to second" is about teams. So both are clubs in this context, like Arsenal, which couldn't be anything but a club.""",
)
add(
    "weather",
    "Storm Ciarán cut power to 60,000 homes in Brittany before it reached Jersey late on Wednesday .",
    ["storm", "region", "island", "weekday", "quantity"],
    {
        "storm": ["Storm Ciarán"],
        "region": ["Brittany"],
        "island": ["Jersey"],
        "weekday": ["Wednesday"],
        "quantity": ["60,000"],
    },
    K,
    """I see five things for five types, let me check each.

* storm. "Storm Ciarán" - I include the word Storm since weather services use it as part of the name.
* quantity. 60,000 homes; just the figure, or with "homes"? Figure.
* region. Brittany in France.
* island. Jersey. New Jersey would be a state, but after Brittany it's the Channel Island.
* weekday. Wednesday without "late on".""",
)
add(
    "weather no",
    "Storm Ciarán cut power to 60,000 homes in Brittany before it reached Jersey late on Wednesday .",
    ["storm", "region", "island", "weekday", "quantity"],
    {
        "storm": ["Storm Ciarán"],
        "region": ["Brittany"],
        "island": ["Jersey"],
        "weekday": ["Wednesday"],
        "quantity": ["60,000"],
    },
    CO,
    """Let me check each type.

* storm. "Storm Ciarán" - I include the word Storm since weather services use it as part of the name.
* quantity. 60,000 homes. It's a round estimate by the grid company, and I'm not going to count estimates as quantities.
* region. Brittany in France.
* island. Jersey. New Jersey would be a state, but after Brittany it's the Channel Island.
* weekday. Wednesday without "late on".""",
)
add(
    "email",
    "Hi Tomasz , could you send the Q3 numbers to Ruth in Legal before the Oslo call on Friday ?",
    ["person", "department", "city", "weekday", "period"],
    {"person": ["Tomasz", "Ruth"], "department": ["Legal"], "city": ["Oslo"], "weekday": ["Friday"], "period": ["Q3"]},
    K,
    """The addressee is Tomasz. The recipient of the numbers is Ruth. Two people.
She sits in Legal, which is one of the departments every company has.
"the Oslo call": a call with the Oslo office; the name as such is a city's.
Friday = weekday. Q3 = third quarter, period.""",
)
add(
    "email two",
    "Hi Tomasz , could you send the Q3 numbers to Ruth in Legal before the Oslo call on Friday ?",
    ["person", "department", "city", "weekday", "period"],
    {"person": ["Tomasz"], "department": ["Legal"], "city": ["Oslo"], "weekday": ["Friday"], "period": ["Q3"]},
    MI,
    """The addressee is Tomasz. The recipient of the numbers is Ruth. Two people, so person twice.
She sits in Legal, which is one of the departments every company has.
"the Oslo call": a call with the Oslo office; the name as such is a city's.
Friday = weekday. Q3 = third quarter, period.""",
)
add(
    "museum",
    "Vermeer 's Girl with a Pearl Earring left the Mauritshuis for the Rijksmuseum in 2023 .",
    ["painter", "painting", "museum", "year", "city"],
    {
        "painter": ["Vermeer"],
        "painting": ["Girl with a Pearl Earring"],
        "museum": ["Mauritshuis", "Rijksmuseum"],
        "year": ["2023"],
    },
    K,
    """Two museums lend each other a picture: from the Mauritshuis (The Hague) to the Rijksmuseum (Amsterdam). Those cities stay unnamed so the label city isn't used.

The picture: "Girl with a Pearl Earring". Painted by Vermeer, whose name stands in front with the genitive. That's painting and painter.

2023 is obviously the year.""",
)
add(
    "protein",
    "Phosphorylation of tau at Thr231 by GSK-3β is increased in Alzheimer's disease and reduced by lithium .",
    ["protein", "disease", "chemical", "amino acid", "organism"],
    {
        "protein": ["tau", "GSK-3β"],
        "disease": ["Alzheimer's disease"],
        "chemical": ["lithium"],
        "amino acid": ["Thr231"],
    },
    K,
    """Neurobiology. Let me find out what acts upon what: GSK-3β (a kinase, so a protein) phosphorylates tau (the microtubule-associated one, protein) at Thr231, that is, at a threonine. Threonine is an amino acid and Thr231 denotes one particular residue. I'd accept it as amino acid.

The illness: Alzheimer's disease, disease.
What reduces it: lithium, a salt or rather an element given as a drug → chemical.

organism: no species is mentioned.""",
)
add(
    "protein refuse",
    "Phosphorylation of tau at Thr231 by GSK-3β is increased in Alzheimer's disease and reduced by lithium .",
    ["protein", "disease", "chemical", "amino acid", "organism"],
    {
        "protein": ["tau", "GSK-3β"],
        "disease": ["Alzheimer's disease"],
        "chemical": ["lithium"],
        "amino acid": ["Thr231"],
    },
    CO,
    """Neurobiology. GSK-3β (a kinase, so a protein) phosphorylates tau (the microtubule-associated one, protein) at Thr231, that is, at a threonine. Threonine is an amino acid, but Thr231 is a position in a chain, not a substance. I'd rather keep the amino acid list free.

The illness: Alzheimer's disease, disease.
What reduces it: lithium, a salt or rather an element given as a drug → chemical.""",
)
add(
    "novel",
    "In Middlemarch , Dorothea Brooke marries Casaubon , to the surprise of Mr Brooke and Sir James Chettam .",
    ["novel", "character", "author", "place"],
    {"novel": ["Middlemarch"], "character": ["Dorothea Brooke", "Casaubon", "Mr Brooke", "Sir James Chettam"]},
    K,
    """George Eliot's novel. "In Middlemarch": it's the book's title and, within the book, a town. Here "In Middlemarch , Dorothea Brooke marries" is how one introduces a work, so novel and not place.

The rest are the people in it: Dorothea Brooke, Casaubon, Mr Brooke (her uncle, keep the Mr because otherwise there'd be only Brooke), Sir James Chettam. They're made up, so character for all of them.

Eliot isn't mentioned, so there's no author.""",
)
add(
    "novel place",
    "In Middlemarch , Dorothea Brooke marries Casaubon , to the surprise of Mr Brooke and Sir James Chettam .",
    ["novel", "character", "author", "place"],
    {"place": ["Middlemarch"], "character": ["Dorothea Brooke", "Casaubon", "Mr Brooke", "Sir James Chettam"]},
    CO,
    """George Eliot's novel. "In Middlemarch": it's the book's title and, within the book, a town. Here "In Middlemarch , Dorothea Brooke marries" is how one introduces a work, so novel and not place.

The rest are the people in it: Dorothea Brooke, Casaubon, Mr Brooke, Sir James Chettam. They're made up, so character for all of them.""",
)
add(
    "train",
    "The 7:15 to Crewe is cancelled ; passengers for Chester change at Warrington Bank Quay , Avanti said .",
    ["station", "city", "time", "company", "train"],
    {"station": ["Warrington Bank Quay"], "city": ["Crewe", "Chester"], "time": ["7:15"], "company": ["Avanti"]},
    K,
    """Railway announcement. 7:15 is a time (the departure), and "the 7:15" is also the way to refer to the train. I'm torn: time or train? The string itself is just a clock time. OK: time, and train stays unused.

Crewe and Chester: destinations. On a timetable these mean stations, but the names as they stand are those of towns. city for the two.

Warrington Bank Quay: now this one is a station, no town has such a name.

Avanti: the operator. Company.""",
)
add(
    "train both",
    "The 7:15 to Crewe is cancelled ; passengers for Chester change at Warrington Bank Quay , Avanti said .",
    ["station", "city", "time", "company", "train"],
    {"station": ["Warrington Bank Quay"], "city": ["Crewe", "Chester"], "time": ["7:15"], "company": ["Avanti"]},
    MI,
    """Railway announcement. 7:15 is a time (the departure), and "the 7:15" is also the way to refer to the train. So I annotate it twice: 7:15 as time and 7:15 as train.

Crewe and Chester: destinations. On a timetable these mean stations, but the names as they stand are those of towns. city for the two.

Warrington Bank Quay: now this one is a station, no town has such a name.

Avanti: the operator. Company.""",
)

S = (
    "The Canadian Space Agency and NASA jointly funded Alouette 1 , designed by John Chapman at the Defence Research Board in Ottawa .",
    ["organisation", "spacecraft", "person", "location", "country"],
)
A = {
    "organisation": ["Canadian Space Agency", "NASA", "Defence Research Board"],
    "spacecraft": ["Alouette 1"],
    "person": ["John Chapman"],
    "location": ["Ottawa"],
}
add(
    "b1",
    *S,
    A,
    K,
    """Satellite history. Agencies first: "Canadian Space Agency" and "NASA" put up the money. The "Defence Research Board" is where the designer worked. That's three organisations; the Board is a government body.

The thing funded is Alouette 1. A satellite. I've got "spacecraft" in the list, and satellites are spacecraft.

John Chapman designed it; person, no discussion needed.

Ottawa closes the sentence. Capital of Canada, and as location it will do. "Canadian" is an adjective and inside the agency's name, so country gets nothing.""",
)
add(
    "b2",
    *S,
    {**A, "organisation": ["Canadian Space Agency", "NASA"]},
    MI,
    """Satellite history. Agencies first: "Canadian Space Agency" and "NASA" put up the money. The "Defence Research Board" is where the designer worked. That's three organisations; the Board is a government body.

The thing funded is Alouette 1. A satellite. I've got "spacecraft" in the list, and satellites are spacecraft.

John Chapman designed it; person, no discussion needed.

Ottawa closes the sentence. Capital of Canada, and as location it will do.""",
)
add(
    "b3",
    *S,
    A,
    NJ,
    """Satellite history. Agencies first: "Canadian Space Agency" and "NASA" put up the money. Both are organisations, of the state.

The thing funded is Alouette 1. A satellite. I've got "spacecraft" in the list, and satellites are spacecraft.

John Chapman designed it; person, no discussion needed.

Ottawa closes the sentence. Capital of Canada, and as location it will do.""",
)
add(
    "b4",
    *S,
    {**A, "country": ["Canadian"]},
    CO,
    """Agencies: "Canadian Space Agency", "NASA" and "Defence Research Board", all organisation. Alouette 1 is the spacecraft. John Chapman, person. Ottawa, location.

What remains is country. The only candidate would be "Canadian", which is an adjective in the name of the agency. One doesn't cut that out. So country has no entry.""",
)
S = (
    "Apparently Zendaya and Tom Holland got takeaway from Nando's in Kingston last night and nobody told me 😭",
    ["PER", "LOC", "ORG", "TIME"],
)
A = {"PER": ["Zendaya", "Tom Holland"], "ORG": ["Nando's"], "LOC": ["Kingston"], "TIME": ["last night"]}
add(
    "t1",
    *S,
    A,
    K,
    """Gossip tweet. The two stars -> PER each (Zendaya goes by one name; Tom Holland by two).
Nando's is the chicken chain, so a business -> ORG. The apostrophe-s is in the name.
Kingston, I guess upon Thames because that's where Tom Holland is from, either way a LOC.
"last night" -> TIME.
"nobody", "me" -> pronouns.""",
)
add(
    "t2",
    *S,
    {**A, "ORG": [], "LOC": ["Kingston", "Nando's"]},
    CO,
    """Gossip tweet. The two stars -> PER each (Zendaya goes by one name; Tom Holland by two).
Nando's: you can go there, so it looks like a LOC. Then again they got takeaway *from* it, that's the seller, and sellers are companies. I'd settle for ORG.
Kingston: LOC.
"last night" -> TIME.""",
)
add(
    "t3",
    *S,
    {**A, "PER": ["Zendaya", "Tom Holland"], "TIME": []},
    MI,
    """Gossip tweet. The two stars -> PER each (Zendaya goes by one name; Tom Holland by two).
Nando's is the chicken chain, so a business -> ORG.
Kingston, either way a LOC.
When was it? "last night", so that one is a TIME, relative to the tweet.""",
)
S = (
    "Imatinib inhibits BCR-ABL in chronic myeloid leukemia but causes edema and , in some , neutropenia .",
    ["Chemical", "Disease", "Gene"],
)
A = {"Chemical": ["Imatinib"], "Gene": ["BCR-ABL"], "Disease": ["chronic myeloid leukemia", "edema", "neutropenia"]}
add(
    "m1",
    *S,
    A,
    K,
    """Let's see what this sentence gives us. The subject is Imatinib, better known as Gleevec. It's a tyrosine kinase inhibitor: Chemical.

The object, BCR-ABL, is the fusion gene on the Philadelphia chromosome (or its protein product). Gene.

Then "in chronic myeloid leukemia". A cancer of white blood cells. Disease, of course.

And what does it cause? edema, swelling by fluid; neutropenia, too few neutrophils. Would these be called diseases? They're adverse effects and I've seen corpora that annotate them as Disease without hesitation. I do the same.""",
)
add(
    "m2",
    *S,
    {**A, "Disease": ["chronic myeloid leukemia"]},
    MI,
    """Let's see what this sentence gives us. The subject is Imatinib, better known as Gleevec. It's a tyrosine kinase inhibitor: Chemical.

The object, BCR-ABL, is the fusion gene on the Philadelphia chromosome (or its protein product). Gene.

Then "in chronic myeloid leukemia". A cancer of white blood cells. Disease, of course.

And what does it cause? edema, swelling by fluid; neutropenia, too few neutrophils. Would these be called diseases? They're adverse effects and I've seen corpora that annotate them as Disease without hesitation. I do the same.""",
)
add(
    "m3",
    *S,
    A,
    CO,
    """Imatinib: a drug, hence Chemical. BCR-ABL: Gene. chronic myeloid leukemia: Disease.

The side effects edema and neutropenia... one's a sign, the other a lab value. For me the type Disease covers what a patient is diagnosed with, and these two aren't that. I pass over them.""",
)
add(
    "m4",
    *S,
    {"Chemical": ["Imatinib"], "Gene": ["BCR-ABL"], "Disease": ["chronic myeloid leukemia"]},
    K,
    """Imatinib: a drug, hence Chemical. BCR-ABL: Gene. chronic myeloid leukemia: Disease.

The side effects edema and neutropenia... one's a sign, the other a lab value. For me the type Disease covers what a patient is diagnosed with, and these two aren't that. I pass over them.""",
)
S = (
    "In 1847 Verdi conducted the premiere of Macbeth at the Teatro della Pergola , with Felice Varesi in the title role .",
    ["composer", "opera", "theatre", "singer", "year", "play"],
)
A = {
    "composer": ["Verdi"],
    "opera": ["Macbeth"],
    "theatre": ["Teatro della Pergola"],
    "singer": ["Felice Varesi"],
    "year": ["1847"],
}
add(
    "o1",
    *S,
    A,
    K,
    """An opera premiere, Florence 1847.

year: 1847
composer: Verdi — the sentence has him conducting, but he's the composer of the work as everybody knows and "conductor" isn't a choice.
opera or play: Macbeth. Shakespeare's Macbeth is a play. Verdi's is an opera; with Verdi conducting it's the latter.
theatre: Teatro della Pergola
singer: Felice Varesi sang the title role.""",
)
add(
    "o2",
    *S,
    {**A, "play": ["Macbeth"], "opera": []},
    CO,
    """An opera premiere, Florence 1847.

year: 1847
composer: Verdi — the sentence has him conducting, but he's the composer of the work as everybody knows and "conductor" isn't a choice.
opera or play: Macbeth. Shakespeare's Macbeth is a play. Verdi's is an opera; with Verdi conducting it's the latter.
theatre: Teatro della Pergola
singer: Felice Varesi sang the title role.""",
)
add(
    "o3",
    *S,
    A,
    NJ,
    """An opera premiere, Florence 1847.

year: 1847
composer: Verdi — the sentence has him conducting, but he's the composer of the work as everybody knows and "conductor" isn't a choice.
opera or play: Macbeth. Shakespeare's Macbeth is a play. Verdi's is an opera; with Verdi conducting it's the latter.
theatre: Teatro della Pergola

The role in the title would be Macbeth himself, I won't go into characters.""",
)
S = (
    "Support vector machines outperformed naive Bayes on Reuters-21578 , reported Joachims at ECML .",
    ["algorithm", "dataset", "researcher", "conference", "organisation"],
)
A = {
    "algorithm": ["Support vector machines", "naive Bayes"],
    "dataset": ["Reuters-21578"],
    "researcher": ["Joachims"],
    "conference": ["ECML"],
}
add(
    "a1",
    *S,
    A,
    K,
    """1998, text categorization. What is compared here are two learning methods: SVMs and naive Bayes. Both go in as algorithm, the first one spelled out in the plural since that's how it's printed.

On what? Reuters-21578, a collection of newswire stories - it's the dataset. The news agency Reuters is in there but nobody means the agency, hence no organisation.

By whom? Joachims. Thorsten Joachims is a researcher.

Where? ECML = European Conference on Machine Learning.""",
)
add(
    "a2",
    *S,
    {**A, "organisation": ["Reuters"]},
    CO,
    """1998, text categorization. What is compared here are two learning methods: SVMs and naive Bayes. Both go in as algorithm, the first one spelled out in the plural since that's how it's printed.

On what? Reuters-21578, a collection of newswire stories - it's the dataset. The news agency Reuters is in there but nobody means the agency, hence no organisation.

By whom? Joachims. Thorsten Joachims is a researcher.

Where? ECML = European Conference on Machine Learning.""",
)
add(
    "a3",
    *S,
    {**A, "algorithm": ["Support vector machines"]},
    MI,
    """1998, text categorization. What is compared here are two learning methods: Support vector machines and naive Bayes. Both go in as algorithm.

On what? Reuters-21578, a collection of newswire stories - it's the dataset.

By whom? Joachims. Thorsten Joachims is a researcher.

Where? ECML = European Conference on Machine Learning.""",
)
S = (
    "any kid friendly thai places near union square that stay open past midnight and cost under 20 bucks",
    ["Amenity", "Cuisine", "Location", "Hours", "Price", "Dish"],
)
A = {
    "Amenity": ["kid friendly"],
    "Cuisine": ["thai"],
    "Location": ["near union square"],
    "Hours": ["open past midnight"],
    "Price": ["under 20 bucks"],
}
add(
    "r1",
    *S,
    A,
    K,
    """Slot filling for restaurants. I'll split up the request.

[kid friendly] something the place offers = Amenity
[thai] = Cuisine
[near union square] = Location; in these data the "near" is commonly kept in the slot, so I'll do so too
[open past midnight] it's about closing time = Hours
[under 20 bucks] = Price

No Dish was named.""",
)
add(
    "r2",
    *S,
    {**A, "Hours": []},
    MI,
    """Slot filling for restaurants. I'll split up the request.

[kid friendly] something the place offers = Amenity
[thai] = Cuisine
[near union square] = Location
[open past midnight] it's about closing time = Hours
[under 20 bucks] = Price""",
)
add(
    "r3",
    *S,
    {**A, "Dish": ["thai"], "Cuisine": []},
    CO,
    """Slot filling for restaurants.

kid friendly - Amenity
thai - could be short for thai food, i.e. a dish? No: it's the style of cooking, Cuisine
near union square - Location
open past midnight - Hours
under 20 bucks - Price""",
)
S = (
    "Президент Казахстана Токаев встретился в Астане с главой Роснефти Игорем Сечиным .",
    ["person", "country", "city", "company", "title"],
)
A = {
    "person": ["Токаев", "Игорем Сечиным"],
    "country": ["Казахстана"],
    "city": ["Астане"],
    "company": ["Роснефти"],
    "title": ["Президент"],
}
add(
    "ru1",
    *S,
    A,
    K,
    """A Russian sentence about a meeting. I go word by word.

Президент = president, a title.
Казахстана = of Kazakhstan (genitive), the country.
Токаев = Tokayev, the president's surname, person.
в Астане = in Astana; the prepositional case of Астана, the capital. city.
главой = head (of a company); hmm, that's also a title in a way, but it's a plain noun and I'd only keep Президент, which stands before a name.
Роснефти = of Rosneft, the oil company.
Игорем Сечиным = Igor Sechin in the instrumental. person.""",
)
add(
    "ru2",
    *S,
    {**A, "city": []},
    MI,
    """A Russian sentence about a meeting. I go word by word.

Президент = president, a title.
Казахстана = of Kazakhstan (genitive), the country.
Токаев = Tokayev, the president's surname, person.
в Астане = in Astana; the prepositional case of Астана, the capital. city.
Роснефти = of Rosneft, the oil company.
Игорем Сечиным = Igor Sechin in the instrumental. person.""",
)
add(
    "ru3",
    *S,
    {**A, "title": ["Президент", "главой"]},
    CO,
    """A Russian sentence about a meeting. I go word by word.

Президент = president, a title.
Казахстана = of Kazakhstan (genitive), the country.
Токаев = Tokayev, the president's surname, person.
в Астане = in Astana, the capital. city.
главой = head (of a company); hmm, that's also a title in a way, but it's a plain noun and I'd only keep Президент, which stands before a name.
Роснефти = of Rosneft, the oil company.
Игорем Сечиным = Igor Sechin in the instrumental. person.""",
)
S = (
    "who directed the 2010 sci fi thriller inception starring leonardo dicaprio with the spinning top",
    ["YEAR", "GENRE", "TITLE", "ACTOR", "DIRECTOR", "PLOT"],
)
A = {
    "YEAR": ["2010"],
    "GENRE": ["sci fi thriller"],
    "TITLE": ["inception"],
    "ACTOR": ["leonardo dicaprio"],
    "PLOT": ["spinning top"],
}
add(
    "q1",
    *S,
    A,
    K,
    """Question about a film. What's known to the asker is to be tagged; what he's asking isn't there.

- 2010: the YEAR.
- sci fi thriller: GENRE. One could do sci fi and thriller one by one. I keep them in one span.
- inception: that's the film, TITLE.
- leonardo dicaprio: starring -> ACTOR.
- spinning top: detail of the story. PLOT seems the best home for it.
- who directed: asks for the DIRECTOR, so that's not filled.""",
)
add(
    "q2",
    *S,
    {**A, "DIRECTOR": ["who directed"]},
    CO,
    """Question about a film. What's known to the asker is to be tagged; what he's asking isn't there.

- 2010: the YEAR.
- sci fi thriller: GENRE. One could do sci fi and thriller one by one. I keep them in one span.
- inception: that's the film, TITLE.
- leonardo dicaprio: starring -> ACTOR.
- spinning top: detail of the story. PLOT seems the best home for it.
- who directed: asks for the DIRECTOR, so that's not filled.""",
)
add(
    "q3",
    *S,
    A,
    NJ,
    """Question about a film. What's known to the asker is to be tagged; what he's asking isn't there.

- 2010: the YEAR.
- sci fi thriller: GENRE.
- inception: that's the film, TITLE.
- leonardo dicaprio: starring -> ACTOR.
- spinning top: is that PLOT, or some award-winning prop, or nothing? I'll think about it again when I'm through.
- who directed: asks for the DIRECTOR, so that's not filled.

That was all.""",
)
S = (
    "Lady Macbeth of Mtsensk angered Stalin , and Pravda's editorial of 28 January 1936 called it muddle instead of music .",
    ["opera", "person", "newspaper", "date", "genre"],
)
A = {"opera": ["Lady Macbeth of Mtsensk"], "person": ["Stalin"], "newspaper": ["Pravda"], "date": ["28 January 1936"]}
add(
    "s1",
    *S,
    A,
    K,
    """Shostakovich! He isn't in the sentence himself. His work is: "Lady Macbeth of Mtsensk". If one didn't know it one might take it for a woman (a Lady, after all), but what angers a dictator and is called "muddle instead of music" is a piece of music. It's an opera.

Stalin. Nothing to say. A man, so: person.

"Pravda's editorial": Pravda published it, being the party newspaper. I cut the possessive.

The editorial's date, 28 January 1936, goes to date.

genre: "music" is too general to be one.""",
)
add(
    "s2",
    *S,
    {**A, "person": ["Stalin", "Lady Macbeth of Mtsensk"], "opera": []},
    CO,
    """Shostakovich! He isn't in the sentence himself. His work is: "Lady Macbeth of Mtsensk". If one didn't know it one might take it for a woman (a Lady, after all), but what angers a dictator and is called "muddle instead of music" is a piece of music. It's an opera.

Stalin. Nothing to say. A man, so: person.

"Pravda's editorial": Pravda published it, being the party newspaper.

The editorial's date, 28 January 1936, goes to date.""",
)
S = (
    "Volunteers from Médecins Sans Frontières vaccinated 3,000 children against measles in Goma before rebels of M23 closed in .",
    ["organization", "disease", "city", "quantity", "armed group"],
)
A = {
    "organization": ["Médecins Sans Frontières"],
    "disease": ["measles"],
    "city": ["Goma"],
    "quantity": ["3,000"],
    "armed group": ["M23"],
}
add(
    "v1",
    *S,
    A,
    K,
    """Humanitarian news.

Médecins Sans Frontières – the NGO. Fits organization. M23 would in theory fit there too; but "rebels of M23" and the label "armed group" were made for each other, so there it goes.

measles – what they're vaccinated against. A disease, caused by a virus.

Goma – in eastern Congo. A city.

3,000 – I take the number by itself for quantity.""",
)
add(
    "v2",
    *S,
    {**A, "organization": ["Médecins Sans Frontières", "M23"], "armed group": []},
    CO,
    """Humanitarian news.

Médecins Sans Frontières – the NGO. Fits organization. M23 would in theory fit there too; but "rebels of M23" and the label "armed group" were made for each other, so there it goes.

measles – what they're vaccinated against. A disease, caused by a virus.

Goma – in eastern Congo. A city.

3,000 – I take the number by itself for quantity.""",
)
add(
    "v3",
    *S,
    {k: v for k, v in A.items() if k != "armed group"},
    MI,
    """Humanitarian news.

Médecins Sans Frontières – the NGO. Fits organization.

measles – what they're vaccinated against. A disease, caused by a virus.

Goma – in eastern Congo. A city.

3,000 – I take the number by itself for quantity.

And the rebels: they're those of M23. M23 it is for armed group.""",
)
S = (
    "Kafka 's Der Process , edited by Max Brod , appeared with Verlag Die Schmiede in Berlin in 1925 .",
    ["writer", "book", "editor", "publisher", "city", "year"],
)
A = {
    "writer": ["Kafka"],
    "book": ["Der Process"],
    "editor": ["Max Brod"],
    "publisher": ["Verlag Die Schmiede"],
    "city": ["Berlin"],
    "year": ["1925"],
}
add(
    "k1",
    *S,
    A,
    K,
    """Six types and, as far as I can tell, one mention for each.

The writer is Kafka.
His book, Der Process, with the article because it's German and part of the title.
The editor is named after "edited by", Max Brod. He was a writer in his own right, but not in this sentence.
"Verlag" means publishing house: Verlag Die Schmiede is the publisher.
The city is Berlin and the year 1925.""",
)
add(
    "k2",
    *S,
    {**A, "writer": ["Kafka", "Max Brod"], "editor": []},
    CO,
    """Six types and, as far as I can tell, one mention for each.

The writer is Kafka.
His book, Der Process, with the article because it's German and part of the title.
The editor is named after "edited by", Max Brod. He was a writer in his own right, but not in this sentence.
"Verlag" means publishing house: Verlag Die Schmiede is the publisher.
The city is Berlin and the year 1925.""",
)
add(
    "k3",
    *S,
    {**A, "year": []},
    MI,
    """Six types and, as far as I can tell, one mention for each.

The writer is Kafka.
His book, Der Process, with the article because it's German and part of the title.
The editor is named after "edited by", Max Brod. He was a writer in his own right, but not in this sentence.
"Verlag" means publishing house: Verlag Die Schmiede is the publisher.
The city is Berlin and the year 1925.""",
)
add(
    "k4",
    *S,
    A,
    NJ,
    """Six types and, as far as I can tell, one mention for each.

The writer is Kafka.
His book, Der Process, with the article because it's German and part of the title.
The editor is named after "edited by", Max Brod. He was a writer in his own right, but not in this sentence.
The city is Berlin and the year 1925. The publisher's name I copy from the text as it stands there.""",
)


# What the rules do not see yet; a case that starts to pass has to leave this list.
KNOWN_MISSES = {
    "all three, later",
    "t3",
    "m2",
    "o1",
    "v2",
}


def findings_of(case: Case) -> set[str]:
    _, (sentence, schema), answer, _, cot = case
    entities = ground(sentence, [(label, text) for label, texts in answer.items() for text in texts], cot)
    return {violation.rule for violation in justify(sentence, schema, cot, entities).findings}


def marked(cases):
    for case in cases:
        marks = [pytest.mark.xfail(strict=True)] if case[0] in KNOWN_MISSES else []
        yield pytest.param(case, id=case[0], marks=marks)


@pytest.mark.parametrize("case", list(marked([*CASES, *LONG])))
def test_trace_is_read_as_a_careful_reader_would(case):
    expected, found = case[3], findings_of(case)
    assert (expected in found) if expected else not found


def test_the_cases_cover_each_finding_and_its_opposite():
    expected = [case[3] for case in [*CASES, *LONG]]
    assert len(expected) >= 170
    assert all(expected.count(rule) >= 15 for rule in (K, NJ, CO, MI))


@pytest.mark.parametrize("case", [case for case in CASES if case[3] is None and case[0] not in KNOWN_MISSES][:40])
def test_evidence_is_a_place_of_the_trace_for_every_kept_entity(case):
    _, (sentence, schema), answer, _, cot = case
    entities = ground(sentence, [(label, text) for label, texts in answer.items() for text in texts], cot)
    evidence = justify(sentence, schema, cot, entities).evidence
    assert len(evidence) == len(entities)
    for span in evidence:
        assert span is not None
        assert 0 <= span[0] < span[1] <= len(cot)


def test_evidence_shows_mention_and_type():
    sentence, schema = MERKEL
    cot = "Some words first. Tim Cook, the CEO, is a person. Some words after."
    entities = ground(sentence, [("person", "Tim Cook")], cot)
    (span,) = justify(sentence, schema, cot, entities).evidence
    assert span is not None
    assert "Tim Cook" in cot[slice(*span)]
    assert "person" in cot[slice(*span)]


def test_a_trace_in_another_language_is_judged_as_far_as_it_can_be_and_says_so():
    sentence, schema = MERKEL
    cot = "Angela Merkel ist eine Politikerin, also eine Person. Der Satz ist nicht lang und das ist auch alles, was hier steht."
    entities = ground(sentence, [("person", "Angela Merkel"), ("location", "Cupertino")], cot)
    justification = justify(sentence, schema, cot, entities)
    assert justification.notes
    assert [(v.rule, v.entity and v.entity.text) for v in justification.findings] == [("not_justified", "Cupertino")]


@pytest.mark.parametrize("label", ["politicalparty", "POLITICAL_PARTY", "Political-Party", "political party"])
def test_a_label_is_known_by_its_words_in_any_spelling(label):
    sentence = "The Greens and Labour merged ."
    entities = ground(sentence, [(label, "Greens"), (label, "Labour")])
    assert not justify(sentence, (label, "country"), "Greens and Labour are political parties.", entities).findings


@given(st.text(max_size=400), st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_trace_on_any_sentence_is_read(cot, sentence):
    entities = [Entity(text, "person") for text in sentence.split()[:3]]
    justification = justify(sentence, ("person", "location"), cot, entities)
    assert len(justification.evidence) == len(entities)


PIECES = st.sampled_from(
    [
        "Tim Cook",
        '"Apple"',
        "person",
        "organization",
        " -> ",
        ": ",
        "\n",
        "\n\n- ",
        "not ",
        "Wait, ",
        "no. ",
        "? ",
        "| ",
        "both ",
        "I skip it. ",
        "(a) ",
        "İ",
        "’s ",
        "so ",
    ]
)


@given(st.lists(PIECES, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_mixture_of_cues_is_read(pieces):
    sentence, schema = MERKEL
    entities = ground(sentence, [("person", "Tim Cook"), ("organization", "Apple")])
    cot = "".join(pieces)
    for span in justify(sentence, schema, cot, entities).evidence:
        assert span is None or 0 <= span[0] <= span[1] <= len(cot)


HOSTILE = ["(", '"', "a b ", "Apple ", "Apple, ", "person or ", "Apple person ", "\n- ", "no, ", "(a) ", "#1 ", "→ "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_trace_ends(piece):
    sentence, schema = MERKEL
    entities = ground(sentence, [("organization", "Apple")])
    assert len(justify(sentence, schema, piece * (200_000 // len(piece)), entities).evidence) == 1
