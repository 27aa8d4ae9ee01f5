"""Small traces with one phenomenon each, in pairs: what justifies a mention, and what only looks like it.

Every case is a sentence, a schema, a trace, an answer and the one finding that a careful reader has (None: keep).
"""

from __future__ import annotations

import pytest

from nercot.grounding import ground
from nercot.justification import justify
from nercot.records import Entity

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


def finding(case: tuple[str, tuple[str, tuple[str, ...]], dict[str, list[str]], str | None, str]) -> set[str]:
    _, (sentence, schema), answer, _, cot = case
    entities = ground(sentence, [(label, text) for label, texts in answer.items() for text in texts], cot)
    return {violation.rule for violation in justify(sentence, schema, cot, entities).findings}


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_trace_is_read_as_a_careful_reader_would(case):
    expected = case[3]
    found = finding(case)
    assert (expected in found) if expected else not found
