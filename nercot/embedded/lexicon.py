"""What the embedded annotator and rubric know of words: families of entity types and their cues.

In: a type name as a schema spells it, and its description where there is one.  Out: a `Kind`: the
family that the type belongs to, how to name it in a sentence, and the words that speak for it.  The
lists are small and hand-written; a type that none of them knows still works, with fewer cues.
Never sees a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[^\W_]+")
_MASS = frozenset(
    "money food weather research music furniture software hardware equipment clothing information data energy "
    "literature anatomy transportation legislation research time misc miscellaneous other religion politics".split()
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Types of one sort.

    `one`, `many`: what they name, for the middle of a sentence.  `names`: the words of type names by
    which a type is known to belong here.  `heads`: nouns and titles that announce or end such a name.
    `leads`: words before a name (prepositions, verbs) -> clause about them, `{w}` being the word.
    `follows`: words after a name that only such a thing takes.  `endings`: of words that name one.
    """

    key: str
    one: str
    many: str
    names: frozenset[str]
    heads: frozenset[str] = frozenset()
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    follows: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()


def _leads(*groups: tuple[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({word: clauses for words, clauses in groups for word in words.split()})


_WHERE = (
    "{w} before it says where, and a place has to follow",
    "it answers the question where, being what {w} refers to",
    "{w} in front of it puts something or somebody in a place",
)
_WHEN = (
    "{w} before it fixes a moment or a span of time",
    "it tells when, as {w} in front of it shows",
    "{w} leads up to it and ties the event to a time",
)
_AMOUNT = ("{w} leads up to an amount", "it says how much or how many, after {w}")
_SUFFERED = (
    "it is what somebody has or is treated for, to judge by {w} before it",
    "{w} in front of it presents it as a condition",
)
_SUBSTANCE = ("{w} before it treats it as a substance", "it is the matter in question, after {w}")
_SOURCE = ("{w} before it leads to the body that acts or employs", "it is the body that {w} refers to")
_MADE = (
    "{w} before it points to whoever did or made the thing",
    "it comes after {w}, which is where a maker or doer is named",
)
_GREETED = ("it is spoken to: {w} before it is how a person is addressed",)
_DONE_TO = (
    "somebody is on the receiving end of {w}, and it is the one",
    "it is the object of {w}, which takes a person",
)
_ENJOYED = ("it is the thing that {w} is about, and such a verb wants a title", "{w} before it leads to a title")
_MEDIUM = ("{w} before it leads to the medium of speech or writing",)
_USED = ("{w} before it treats it as a thing to have or use", "it is something one can use, as {w} before it shows")
_RUN = ("{w} before it treats it as something that runs or is written in", "it is the tool that {w} refers to")
_RIDE = ("{w} before it treats it as a means of getting about",)
_STUDY = ("{w} before it treats it as a subject or a method", "it is what is done or studied, after {w}")
_RULED = ("{w} before it appeals to it as to a rule",)
_HAPPENS = ("{w} before it treats it as something that takes place", "it is an occasion, to judge by {w} before it")
_WON = ("{w} before it treats it as something to be won",)
_REACHED = ("{w} before it says whom or what to get in touch with",)
_SUNG = ("{w} before it leads to the one who performs",)

FAMILIES = (
    Family(
        "person",
        "a person",
        "people",
        _words(
            "person people per surname human individual character author writer poet artist actor actress singer "
            "musician director politician scientist researcher player athlete composer ruler monarch emperor king queen "
            "figure performer judge lawyer patient celebrity chef coach user historian astronomer conductor speaker "
            "designer developer guitarist professor student teacher victim suspect deity god saint pet creature witness "
            "plaintiff defendant journalist physician doctor officer chairman president family"
        ),
        _words(
            "mr mrs ms dr prof professor sir lady lord president minister chancellor senator governor mayor king queen "
            "prince princess emperor empress pope bishop captain general colonel sergeant judge justice chief director "
            "chairman ceo secretary sister brother cousin son daughter father mother uncle aunt wife husband friend "
            "neighbour neighbor grandmother grandfather twin poet author writer novelist actor actress singer pianist "
            "guitarist drummer violinist composer conductor painter sculptor photographer scientist physicist chemist "
            "biologist botanist zoologist astronomer engineer doctor nurse surgeon lawyer attorney coach striker "
            "goalkeeper midfielder defender captain skipper player batsman bowler midwife teacher student researcher "
            "founder storyteller officer detective reporter journalist editor chef baker waiter clerk guide "
            "harbourmaster jr sr cat dog parrot horse aged hero heroine villain boss lead saint detective inspector "
            "politician leader candidate lawmaker economist analyst philosopher mathematician historian critic"
        ),
        _leads(
            ("by", _MADE),
            ("dear hi hello hey thanks welcome sorry", _GREETED),
            ("starring featuring", _SUNG),
            ("asked told met married saw called thanked beat hired fired ask tell calls invited quoted", _DONE_TO),
        ),
        _words(
            "said says told asked wrote writes who whose plays played sings sang born lives lived died explained added "
            "thinks thought argued argues scored himself herself replied smiled laughed tweeted agreed admitted insists "
            "moved directed composed painted married begged knows knew announced wins won helped called whispered signed "
            "stays dials visited joined ran teaches taught won insists promised"
        ),
    ),
    Family(
        "organisation",
        "an organisation",
        "organisations",
        _words(
            "organization organisation org company corporation business firm agency institution university school college "
            "team club band party bank brand manufacturer publisher newspaper magazine network airline government "
            "department ministry court league studio label store shop restaurant retailer hospital museum orchestra group "
            "startup union association foundation church employer vendor carrier broadcaster committee police army unit "
            "politicalparty dynasty platform provider service theatre laboratory"
        ),
        _words(
            "inc ltd llc corp corporation company co group gmbh plc university institute college school academy "
            "association society union club fc united committee council commission ministry department agency bureau "
            "bank party band orchestra ensemble museum foundation press records studios labs laboratories robotics "
            "systems technologies motors airlines airways hospital clinic court league federation firm startup label "
            "publisher newspaper magazine network team office board authority parliament senate congress sons partners "
            "holdings trust times post herald journal daily broadcaster store shop restaurant retailer start-up insurer "
            "airline carrier police army brigade regiment conservatory choir quartet trio"
        ),
        _leads(
            ("at for joined via sued join founded acquired against", _SOURCE),
            (
                "by",
                ("{w} before it points to the body that did it", "it comes after {w}, as the body responsible does"),
            ),
        ),
        _words(
            "announced sued reported launched acquired employs plans employees shares sells said confirmed won lost raised beat signed"
        ),
    ),
    Family(
        "place",
        "a place",
        "places",
        _words(
            "location loc place city town village country state county region district province continent island river lake "
            "sea ocean mountain range valley gpe geopolitical facility fac building landmark street road address airport "
            "station venue park bridge port neighborhood neighbourhood municipality territory area site stadium glacier "
            "monument castle palace wetland planet moon square nation empire kingdom desert forest bay peninsula crater "
            "geographical observatory hotel"
        ),
        _words(
            "city town village country state county region district province island river lake sea ocean mount mountain "
            "mountains valley street st road avenue ave boulevard square park bridge airport station harbour harbor port tributary "
            "bay cape coast desert forest hall house tower castle palace stadium arena centre center north south east west "
            "capital border suburb peninsula glacier canyon volcano republic kingdom empire territory downtown isle islands "
            "beach hotel theatre gallery church cathedral temple lane"
        ),
        _leads(
            (
                "in at near off from to through around across toward towards outside inside into beyond via past along",
                _WHERE,
            ),
            ("of", ("{w} before it ties something to a place",)),
            ("visit visited left reached leaving entered", ("{w} before it takes a place as its object",)),
        ),
        _words("where"),
        ("stan", "burg", "ville", "polis", "shire", "grad", "abad", "heim", "stadt", "straße"),
    ),
    Family(
        "time",
        "a time",
        "times",
        _words(
            "date time year month day weekday decade century period era season holiday hours hour duration age dates "
            "clock timestamp festival"
        ),
        _words(
            "year month week day century decade spring summer autumn winter morning evening night noon midnight season"
        ),
        _leads(
            ("in on by until till since before after during from at between around next last every this for", _WHEN),
        ),
        frozenset(),
    ),
    Family(
        "money",
        "a sum of money",
        "sums of money",
        _words("money price currency amount cost salary revenue fee budget fine payment"),
        _words("dollar dollars euro euros pounds yen francs rupees cents million billion price"),
        _leads(("for at of about only over under than nearly around some from to was paid costs cost", _AMOUNT)),
    ),
    Family(
        "quantity",
        "a quantity",
        "quantities",
        _words(
            "number quantity percentage percent cardinal ordinal measurement measure temperature mass weight length "
            "distance value rating score statistic speed volume size height rate figure dose dosage ratio"
        ),
        _words("percent kg km miles metres meters degrees tons litres grams points stars votes"),
        _leads(("of by about only over under than nearly around some from to at roughly almost least", _AMOUNT)),
    ),
    Family(
        "work",
        "a work",
        "titles",
        _words(
            "work book novel film movie song album poem play title painting series show episode game magazine opera "
            "publication paper article art creative chapter podcast soundtrack videogame newspaper literature"
        ),
        _words(
            "book novel film movie song album poem play painting series show episode game opera symphony sonata nocturne "
            "ballad single trilogy memoir essay comic musical record track documentary soundtrack ballet anthem hymn "
            "sequel adaptation overture concerto"
        ),
        _leads(
            ("read watched watch titled entitled called see wrote directed reading playing like novel film", _ENJOYED),
            ("in", ("{w} before it leads into the work that is meant",)),
        ),
        _words("soundtrack premiered airs aired sequel chapter"),
    ),
    Family(
        "event",
        "an event",
        "events",
        _words(
            "event war battle tournament competition election conference festival ceremony disaster championship sport "
            "match race treaty revolution cup games attack campaign project mission accident concert"
        ),
        _words(
            "war battle cup championship championships tournament games olympics festival conference election elections "
            "race marathon summit revolution crisis derby final finals grand prix open league match siege treaty concert"
        ),
        _leads(("during at in after before for of since won", _HAPPENS)),
        _words("took began ended starts ends winner"),
    ),
    Family(
        "vehicle",
        "a means of transport",
        "vehicles",
        _words(
            "vehicle car ship aircraft spacecraft boat train bus transportation transport vessel plane rocket satellite"
        ),
        _words(
            "car truck ship frigate ferry boat yacht train bus coach plane jet rocket lander rover probe satellite shuttle "
            "helicopter bicycle bike tram submarine tanker aboard tractor taxi limousine"
        ),
        _leads(("by on aboard took drove rode boarded drive", _RIDE)),
        _words("sailed landed departed docked foundered crashed launched"),
    ),
    Family(
        "product",
        "a thing that is made",
        "products",
        _words(
            "product device model instrument appliance tool furniture clothing item equipment weapon machine gadget camera "
            "phone container object hardware garment toy apparatus component commodity packaging ware part accessory"
        ),
        _words(
            "model phone laptop camera vacuum cooker kettle lamp guitar piano violin instrument watch printer machine "
            "device engine edition series pro rifle gun shirt jacket shoes boots chair table blend lens knife pan oven"
        ),
        _leads(("with using buy bought uses use used wearing wears sold own ordered wore sell plays", _USED)),
        _words("costs works broke died"),
    ),
    Family(
        "software",
        "a piece of software",
        "programs",
        _words(
            "software application app framework library os browser database package programlang platform program website "
            "protocol api format website compiler system programming tool service engine language-model"
        ),
        _words(
            "software app library framework package browser server database api sdk compiler plugin module script version "
            "tool kernel engine bot assistant programming code toolkit website site"
        ),
        _leads(("with in using via on install run uses under import use running through", _RUN)),
        _words("runs crashes compiles version installs users"),
    ),
    Family(
        "code",
        "an element of code",
        "pieces of code",
        _words(
            "variable function method class constant namespace module parameter attribute operation keyword command file "
            "directory folder branch element tag type string structure table field option property error exception "
            "identifier hash data interface argument object operator syntax column query event-handler"
        ),
        _words(
            "function method class variable module file folder command flag tag parameter attribute field type table "
            "column import struct const def return public void static int string error exception int64"
        ),
        _leads(
            (
                "in call calls return import set run new from class def function const",
                ("{w} before it treats it as code",),
            )
        ),
        _words("returns throws fails"),
    ),
    Family(
        "contact",
        "an address or identifier",
        "identifiers",
        _words(
            "handle username url email link hashtag phone-number ticket number account isbn domain website phone id"
        ),
        _words("ticket account handle no number id profile"),
        _leads(("at to via call email from by tell ask follow ticket write thanks", _REACHED)),
    ),
    Family(
        "substance",
        "a substance",
        "substances",
        _words(
            "chemical compound drug medication mineral element metabolite material substance nutrient vitamin chemicalcompound "
            "chemicalelement medicine antibiotic hormone gas rock fuel stone molecule particle polymer acid isotope metal"
        ),
        _words(
            "acid oxide salt drug tablet tablets element gas metal solution hydrochloride sodium chloride sulfate dose mg "
            "levels treatment therapy mineral rock vitamin alloy polymer"
        ),
        _leads(("of with added add containing by from to dissolved given received using", _SUBSTANCE)),
        _words("therapy treatment infusion levels mg administration injection concentrations solution"),
        (
            "ine",
            "ide",
            "ate",
            "one",
            "ium",
            "cillin",
            "icin",
            "mycin",
            "olol",
            "amol",
            "azole",
            "itol",
            "prazole",
            "statin",
            "phen",
            "ene",
            "ol",
        ),
    ),
    Family(
        "gene",
        "a gene or protein",
        "genes and proteins",
        _words(
            "gene protein enzyme cytokine antibody mutation receptor rna dna biomarker allele chromosome sequence antigen "
            "peptide kinase"
        ),
        _words(
            "gene protein receptor kinase enzyme factor antibody mutation allele promoter mrna subunit domain expression"
        ),
        _leads(
            ("of in anti by encoding", ("{w} before it leads to something that a cell makes or carries",)),
        ),
        _words("expression gene protein binding mutation mutant mrna activation signaling knockout"),
        ("ase", "globulin", "ferritin", "actin"),
    ),
    Family(
        "illness",
        "an illness or symptom",
        "illnesses and symptoms",
        _words(
            "disease condition symptom disorder syndrome illness medical infection injury cancer health diagnosis virus "
            "bacterium pathogen disability side-effect allergy"
        ),
        _words(
            "disease syndrome disorder infection fever pain cancer tumor tumour failure injury deficiency virus symptoms "
            "attack patients diabetes anemia allergy toxicity dysfunction deficits"
        ),
        _leads(
            ("with of from for has had against develop developed induced caused suffering suffered causes", _SUFFERED)
        ),
        _words("patients symptoms treatment diagnosed"),
        ("itis", "oma", "emia", "aemia", "osis", "algia", "pathy", "uria", "plegia", "ectomy", "ia"),
    ),
    Family(
        "body",
        "a part of a body",
        "parts of the body",
        _words("anatomy anatomical organ tissue cell muscle bone body fluid tissue celltype gland nerve limb"),
        _words("muscle bone artery nerve cell cells tissue gland skin lobe cortex vein membrane"),
        _leads(("of in left right from into", ("{w} before it leads to where in a body something is",))),
        _words("cells tissue biopsy pain"),
    ),
    Family(
        "organism",
        "a living thing",
        "living things",
        _words(
            "animal species plant organism microorganism genus bird fish insect breed fungus bacteria strain crop tree flower"
        ),
        _words("bird fish tree flower species cow sheep cattle bacterium bacteria strain insect herd plant plants fox"),
        _leads(("of two three by wild many", ("{w} before it treats it as a creature or plant",))),
        _words("population populations species eggs larvae"),
    ),
    Family(
        "food",
        "something to eat or drink",
        "foods and drinks",
        _words(
            "food dish ingredient beverage drink cuisine meal spice fruit vegetable cheese wine dessert recipe coffee snack"
        ),
        _words(
            "soup salad bread cheese sauce cake pie stew curry wine beer tea coffee rice noodles pasta juice oil sugar salt "
            "butter chicken fish pizza sandwich dish"
        ),
        _leads(
            (
                "of with add added eat ate drink drank cook serve served stir order ordered some chopped in like",
                (
                    "{w} before it treats it as something for the table",
                    "it is something one can eat or drink, as {w} before it shows",
                ),
            ),
        ),
        _words("recipe sauce soup"),
    ),
    Family(
        "language",
        "a language",
        "languages",
        _words("language dialect script lang programlang"),
        _words("language dialect word words subtitles translation speakers grammar translated spoken"),
        _leads(("in into from speaks speak spoke to fluent of learn learning", _MEDIUM)),
        _words("subtitles speakers translation grammar version word"),
        ("ish", "ese", "ian"),
    ),
    Family(
        "people",
        "a people or a community",
        "groups of people",
        _words(
            "nationality ethnicity norp demonym religion religious ethnic tribe race demographic population social "
            "generation gender community political group ideology"
        ),
        _words("people tribe community nation nationals citizens citizen"),
        _leads(("of among many young", ("{w} before it speaks of where somebody or something belongs",))),
        frozenset(),
        ("ish", "ese", "ian", "ans", "ic"),
    ),
    Family(
        "law",
        "a legal text or case",
        "legal texts and cases",
        _words(
            "law legal case statute regulation act treaty contract license licence clause citation patent crime bill"
        ),
        _words(
            "act code section article statute treaty regulation directive v vs amendment clause law sec convention bill"
        ),
        _leads(("under of in to by with violating pursuant", _RULED)),
        _words("requires provides prohibits applies"),
    ),
    Family(
        "field",
        "a subject or a method",
        "subjects and methods",
        _words(
            "field study discipline subject algorithm task technique theory metrics metric methodology concept procedure "
            "process genre technology research topic skill phenomenon test treatment style term profession academic "
            "activity hobby philosophy industry musicgenre key outcome issue effect action behavior factor"
        ),
        _words(
            "theory method analysis algorithm network model models test technique studies science research therapy "
            "learning recognition detection processing classification regression rate music genre major minor"
        ),
        _leads(("of in on for using to by studied as with perform through", _STUDY)),
        _words("methods techniques research researchers algorithm model theory"),
        ("ology", "ics", "ism", "metry", "graphy", "tion", "ing", "ment"),
    ),
    Family(
        "award",
        "an award",
        "awards",
        _words("award prize medal honor honour"),
        _words("award awards prize medal trophy oscar grammy order honour honor fellowship"),
        _leads(("won receive received win for awarded", _WON)),
        _words("winner nominee"),
    ),
    Family(
        "role",
        "a role or profession",
        "roles and professions",
        _words("occupation job position role profession rank career office"),
        _words("manager officer engineer director president minister chief head editor professor"),
        _leads(("as became former works", ("{w} before it says what somebody does or is",))),
        frozenset(),
        ("ist", "er", "or", "man", "ian"),
    ),
    Family(
        "sky",
        "a celestial body",
        "celestial bodies",
        _words(
            "planet star constellation comet asteroid celestial galaxy astronomical astronomicalobject crater lunar"
        ),
        _words("planet star comet asteroid galaxy nebula moon crater orbit sky southern stars constellation"),
        _leads(("orbiting of above from near around on", ("{w} before it points into the sky",))),
        _words("rises sets hangs orbits visible"),
    ),
)
_OTHER = Family("other", "a thing of that sort", "such things", frozenset())

# A word that several families claim goes to the first of them here, or else to the first above.
_SETTLED = {
    "language": "language",
    "religion": "people",
    "planet": "sky",
    "crater": "sky",
    "figure": "person",
    "phone": "product",
    "handle": "contact",
    "website": "contact",
    "platform": "software",
    "system": "software",
    "group": "organisation",
    "number": "quantity",
    "element": "substance",
    "age": "quantity",
    "duration": "quantity",
    "treaty": "law",
    "festival": "event",
    "virus": "illness",
    "office": "place",
    "key": "field",
    "tool": "product",
    "type": "other",
    "table": "code",
    "object": "product",
}
_WHOLE = {
    "programming language": "software",
    "programlang": "software",
    "phone number": "contact",
    "ticket number": "contact",
    "mobile carrier": "organisation",
    "social media handle": "contact",
    "email address": "contact",
    "chemical element": "substance",
    "html element": "code",
    "operating system": "software",
    "musical instrument": "product",
    "musicalinstrument": "product",
    "record label": "organisation",
    "video game": "work",
    "sports team": "organisation",
    "cell line": "body",
    "clock time": "time",
    "age group": "people",
    "musical key": "field",
    "credit card": "product",
    "bus service": "vehicle",
    "car brand": "organisation",
    "field of study": "field",
    "body of water": "place",
    "celestial body": "sky",
    "unit of measurement": "quantity",
    "data type": "code",
    "file format": "code",
    "part of speech": "field",
    "name": "person",
    "pet name": "person",
    "file name": "code",
    "job title": "role",
    "restaurant name": "organisation",
}


def _index() -> dict[str, Family]:
    by_key = {family.key: family for family in (*FAMILIES, _OTHER)}
    index: dict[str, Family] = {}
    for family in FAMILIES:
        for name in sorted(family.names):
            index.setdefault(name, family)
    index.update({word: by_key[key] for word, key in _SETTLED.items()})
    index.update({word: by_key[key] for word, key in _WHOLE.items()})
    return index


_INDEX = _index()
_LONG_NAMES = tuple(sorted((name for name in _INDEX if len(name) > 4 and " " not in name), key=lambda n: (-len(n), n)))


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One type of a schema, ready to be written about.

    `tick`: its name in the schema's spelling, in backquotes.  `predicate`: what follows "is".
    `words`: the words of its name, lower case.  `own`: the same in the singular, where they are few.
    `cues`: nouns that announce it, its own words and the family's heads.  `gloss`: what it stands for, from the
    schema's description, or empty.  `one`, `many`: what it names, for the middle of a sentence.
    """

    label: str
    family: Family
    tick: str
    predicate: str
    words: tuple[str, ...]
    own: frozenset[str]
    cues: frozenset[str]
    gloss: str
    one: str
    many: str


def label_words(label: str) -> tuple[str, ...]:
    """The words of a type name, lower case: `medical_condition`, `ProgramLang`, `US state` are two each."""
    return tuple(part.lower() for part in _PART.findall(label))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """A lower-case English noun without its plural ending; only good for look-ups."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


@lru_cache(maxsize=16384)
def kind_of(label: str, description: str | None = None) -> Kind:
    """The kind of a type by its name, or else by its description."""
    words = label_words(label)
    family = _family(words)
    if family is _OTHER and description:
        family = _family(label_words(description))
    own = frozenset(singular(word) for word in words if len(word) > 2) if len(words) <= 4 else frozenset()
    tick = f"`{label}`"
    gloss = description.strip() if description and len(description) <= 80 and "\n" not in description else ""
    predicate = _predicate(label, words, tick)
    one = family.one if family is not _OTHER or predicate.startswith("of") else predicate.replace(tick, " ".join(words))
    return Kind(label, family, tick, predicate, words, own, own | family.heads, gloss.rstrip("."), one, family.many)


def _family(words: tuple[str, ...]) -> Family:
    """The last known word of a short name decides, the first known one of a definition."""
    whole = _INDEX.get(" ".join(words))
    if whole is not None:
        return whole
    for word in words if len(words) > 4 or "of" in words else reversed(words):
        found = _INDEX.get(word) or _INDEX.get(singular(word))
        if found is not None:
            return found
    if len(words) == 1:
        for name in _LONG_NAMES:
            if words[0].endswith(name):
                return _INDEX[name]
    return _OTHER


def _predicate(label: str, words: tuple[str, ...], tick: str) -> str:
    """`a `city`` for a name that takes an article, `of type `ORG`` for any other."""
    plain = bool(words) and len(words) <= 3 and label.replace("_", " ").replace(" ", "").isascii() and label.islower()
    if not plain or words[-1] in _MASS or singular(words[-1]) != words[-1]:
        return f"of type {tick}"
    return f"{'an' if label[0] in 'aeio' else 'a'} {tick}"
