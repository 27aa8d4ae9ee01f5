"""What traces call the types: names of a label, its variants, and plain words that describe what it covers.

In: a schema.  Out: Types, which say for a place in a text which labels it names.  A name is the label
itself in any spelling, its abbreviation, or a word that means the same (PER, person, people); a description is a
word for some of the things that a type covers (actor, surgeon -> person).  Nothing here is specific to one
corpus beyond the usual abbreviations of label sets, and a label that is not listed still has its own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nercot.corpus.labels import fold_label
from nercot.justification.trace import word_set

# concept: (concepts that it is a kind of, names of the concept, words for things of that kind)
# A `_` joins the words of a phrase.
_CONCEPTS: dict[str, tuple[str, str, str]] = {
    "person": (
        "",
        "person per pers persons_name psn nper",
        "people human human_being individual man woman boy girl child lady gentleman guy surname forename first_name "
        "given_name last_name full_name "
        "nickname someone somebody he she him her his hers himself herself who whom whose father mother son daughter "
        "brother sister wife husband uncle aunt cousin twin baby teenager victim suspect driver passenger guest host "
        "king queen prince princess emperor empress pope bishop saint priest monk nun rabbi imam pastor reverend "
        "doctor physician surgeon nurse patient dentist lawyer attorney judge engineer architect entrepreneur "
        "businessman businesswoman ceo founder cofounder co-founder chairman chairwoman chairperson executive manager "
        "owner teacher professor lecturer scholar student pupil philosopher historian officer soldier general colonel "
        "captain sergeant lieutenant admiral commander pilot astronaut cosmonaut explorer sailor farmer worker "
        "spokesman spokeswoman spokesperson journalist reporter correspondent columnist presenter broadcaster anchor "
        "commentator critic celebrity model designer photographer painter sculptor artist cartoonist illustrator "
        "footballer player striker goalkeeper midfielder defender winger quarterback pitcher batsman bowler golfer "
        "boxer wrestler swimmer cyclist runner sprinter athlete racer skater skier gymnast jockey coach trainer "
        "referee umpire captain goalscorer teammate rival champion winner contestant nominee leader activist "
        "diplomat ambassador spy agent detective policeman policewoman sheriff murderer killer thief inventor "
        "translator publisher editor librarian curator chef cook blogger youtuber user author_name protagonist "
        "composer_name plumber electrician carpenter musician_name handle account_holder recipient sender author "
        "colleague friend boss employee staff recruit candidate customer client visitor tourist volunteer witness "
        "speaker "
        "listener viewer reader caller buyer seller tenant landlord grandma grandmother grandfather grandpa parent kid "
        "orphan pensioner widow heir namesake bearer people's someone's member companion partner assistant "
        "villager resident citizen inhabitant tenant neighbour neighbor mathematician economist character figure",
    ),
    "writer": (
        "person",
        "writer author",
        "poet novelist playwright dramatist essayist biographer memoirist screenwriter satirist lyricist columnist "
        "storyteller man_of_letters woman_of_letters wrote writes written penned authored diarist",
    ),
    "poet": ("writer", "poet", "poetess bard sonneteer"),
    "scientist": (
        "person",
        "scientist",
        "physicist chemist biologist botanist zoologist astronomer mathematician geologist microbiologist biochemist "
        "ecologist paleontologist palaeontologist statistician physiologist psychologist neuroscientist geneticist "
        "naturalist anatomist astrophysicist entomologist virologist immunologist climatologist meteorologist "
        "anthropologist archaeologist linguist computer_scientist engineer inventor nobel_laureate discovered "
        "discoverer researcher scholar economist theorist",
    ),
    "researcher": (
        "person",
        "researcher",
        "scientist computer_scientist professor academic scholar inventor co-inventor author pioneer mathematician "
        "statistician linguist psychologist engineer theorist investigator research",
    ),
    "politician": (
        "person",
        "politician political_figure statesman stateswoman head_of_state",
        "president vice_president prime_minister premier minister chancellor senator congressman congresswoman mp mps "
        "mep deputy representative governor mayor councillor councilman legislator lawmaker parliamentarian candidate "
        "party_leader leader secretary_of_state foreign_minister officeholder incumbent minister_president "
        "opposition_leader taoiseach speaker member_of_parliament diplomat secretary head_of_government ruler",
    ),
    "musician": (
        "person",
        "musician musical_artist musicalartist music_artist",
        "artist performer solo_artist singer songwriter singer-songwriter guitarist drummer bassist pianist violinist "
        "cellist composer conductor "
        "vocalist rapper dj producer saxophonist trumpeter keyboardist soprano tenor baritone frontman crooner "
        "organist percussionist flautist harpist recording_artist",
    ),
    "singer": ("musician", "singer vocalist", "soprano tenor baritone rapper crooner frontman sings sang sung vocals"),
    "composer": ("musician", "composer", "composed wrote_the_music scored"),
    "actor": (
        "person",
        "actor actress",
        "cast performer star plays played starring starred stars portrays portrayed acts acted acting role_player "
        "leading_man "
        "leading_lady comedian movie_star film_star",
    ),
    "director": ("person", "director filmmaker film_maker", "directed directs directing helmed auteur"),
    "character": (
        "",
        "character fictional_character",
        "role protagonist hero heroine villain sidekick fictional persona avatar superhero wizard detective figure "
        "plays "
        "played",
    ),
    "athlete": ("person", "athlete player sportsperson", "footballer striker goalkeeper golfer boxer sprinter"),
    "group": ("", "norp nationality religious_or_political_group group ethnic_group ethnicity", ""),
    "nationality": (
        "",
        "nationality norp",
        "adjective_of_origin citizens adjective people_of inhabitants passport demonymic",
    ),
    "ethnicity": ("", "ethnicity ethnic_group", "tribe people peoples tribal nation clan natives community"),
    "organization": (
        "",
        "organization organisation org institution institute institutions corporation_or_agency",
        "body union federation society club committee commission council foundation charity ngo non-profit nonprofit "
        "alliance coalition movement league army navy police department ministry bureau authority office board "
        "think_tank lab laboratory museum library hospital church school academy network broadcaster channel "
        "newspaper magazine publisher press station group outfit collective front militia bloc consortium "
        "intergovernmental employer house chamber parliament senate congress court embassy brigade regiment "
        "conference_body trust fund agency bank airline faculty centre center association organizer organiser outlet "
        "media_outlet news_outlet news_agency operator franchise institution side squad national_side studio label "
        "record_label record_company supplier insurer retailer service public_body regulator",
    ),
    "company": (
        "organization",
        "company firm corporation corp",
        "business enterprise manufacturer maker carmaker automaker retailer startup start-up brand_owner airline bank "
        "supplier publisher "
        "vendor conglomerate subsidiary label record_label studio operator contractor brewery developer chain giant "
        "employer holding corporate carrier insurer provider group shop store",
    ),
    "university": (
        "organization",
        "university college higher_education_institution",
        "alma_mater campus institute_of_technology school academy degrees polytechnic universities",
    ),
    "school": ("organization", "school", "academy college high_school"),
    "political_party": (
        "organization",
        "political_party party politicalparty",
        "coalition alliance faction movement greens democrats republicans conservatives socialists communists party's",
    ),
    "band": (
        "organization",
        "band musical_group music_group bandname",
        "group duo trio quartet quintet ensemble orchestra boy_band girl_group rockers act outfit lineup",
    ),
    "team": (
        "organization",
        "team sports_team sportsteam",
        "club side squad football_club national_team franchise eleven fc constructor",
    ),
    "newspaper": ("organization", "newspaper", "paper daily weekly tabloid broadsheet gazette journal"),
    "government_agency": ("organization", "agency government_agency government_body", "department ministry bureau"),
    "military": ("organization", "military_unit military", "army navy brigade regiment battalion division corps"),
    "location": (
        "",
        "location place loc geographic_location geographical_location locality geo toponym geographic_entity",
        "area spot region territory settlement destination site venue district neighbourhood neighborhood suburb "
        "street "
        "road avenue square park river lake sea ocean mountain mount hill valley island islands peninsula continent "
        "desert forest bay coast beach cape stadium stadiums arena building airport station bridge harbour harbor "
        "port border landmark address where geographic geographical geography kingdom principality constituency "
        "situated located archipelago canal glacier plateau address map quarter borough corner waterway planet",
    ),
    "gpe": ("location", "gpe geopolitical_entity geo-political_entity geopolitical", ""),
    "country": (
        "gpe",
        "country nation sovereign_state",
        "republic kingdom state monarchy states member_state homeland countries nation-state",
    ),
    "city": (
        "gpe",
        "city town municipality",
        "capital village metropolis commune hamlet settlement cities port_city suburb borough township resort",
    ),
    "state": ("gpe", "state province", "region county federal_state provinces canton prefecture"),
    "county": ("gpe", "county district", "shire"),
    "region": ("location", "region area", "province district territory"),
    "mountain": ("location", "mountain mount mountain_range", "peak range summit volcano hill massif mountains alps"),
    "river": ("location", "river stream waterway", "tributary creek bank flows"),
    "island": ("location", "island isle", "archipelago atoll islet islands"),
    "body_of_water": ("location", "body_of_water water_body waterbody", "river lake sea ocean gulf bay strait"),
    "facility": (
        "location",
        "facility fac building structure",
        "stadium airport bridge station pier tower church castle palace museum hospital hotel school temple arena "
        "hall dam highway road theatre theater cathedral chateau prison plant factory port terminal",
    ),
    "street": ("location", "street road street_address", "avenue lane boulevard square street_name"),
    "address": ("location", "address street_address", "house_number street"),
    "hotel": ("facility", "hotel", "inn resort motel"),
    "planet": ("location", "planet", "mercury venus mars jupiter saturn uranus neptune"),
    "astronomical_object": (
        "location",
        "astronomical_object astronomicalobject celestial_body celestial_object",
        "star planet moon asteroid comet galaxy nebula satellite constellation exoplanet dwarf_planet",
    ),
    "event": (
        "",
        "event evt",
        "war battle campaign conflict summit conference congress festival tournament championship competition match "
        "game race election ceremony revolution uprising protest strike attack disaster earthquake hurricane storm "
        "anniversary holiday meeting olympics cup expo exhibition fair concert tour referendum massacre siege coup "
        "incident season qualifier gala parade genocide crusade invasion operation scandal convention final",
    ),
    "war": ("event", "war conflict", "battle campaign"),
    "election": ("event", "election elections vote poll", "referendum ballot primary by-election general_election"),
    "conference": ("event", "conference", "workshop symposium congress proceedings venue annual_meeting"),
    "festival": ("event", "festival", "fair carnival"),
    "tournament": ("event", "tournament competition sporting_event sports_event", "cup championship league race"),
    "disaster": ("event", "natural_disaster disaster weather_event", "hurricane storm earthquake flood typhoon gale"),
    "award": (
        "",
        "award prize honour honor",
        "medal trophy laureate oscar grammy emmy fellowship title distinction lifetime_achievement nobel prizes awards",
    ),
    "work_of_art": (
        "",
        "work_of_art creative_work workofart artwork creativework",
        "title work art book novel film movie song album painting poem play opera sculpture symphony series show game "
        "statue musical "
        "picture hymn single episode trilogy documentary",
    ),
    "book": (
        "work_of_art",
        "book",
        "novel novels volume memoir biography autobiography anthology textbook monograph title treatise essay "
        "collection trilogy publication epic bestseller guidebook",
    ),
    "poem": ("work_of_art", "poem", "verse sonnet ode ballad epic elegy poetry haiku"),
    "magazine": ("work_of_art", "magazine periodical", "journal weekly monthly review publication newspaper"),
    "academic_journal": (
        "work_of_art",
        "academic_journal academicjournal journal scientific_journal scholarly_journal",
        "periodical publication proceedings annals",
    ),
    "film": (
        "work_of_art",
        "film movie motion_picture",
        "feature picture documentary flick sequel prequel blockbuster thriller comedy_film franchise",
    ),
    "title": ("work_of_art", "title movie_title film_title", "film movie picture called named"),
    "tv_show": (
        "work_of_art",
        "tv_show television_show tv_series television_series tv_program show program programme series sitcom",
        "soap drama episode season telenovela broadcast",
    ),
    "song": ("work_of_art", "song", "track tune single singles hit ballad anthem hymn aria recording chorus lullaby"),
    "album": ("work_of_art", "album", "record lp ep release debut self-titled studio_album soundtrack albums lps"),
    "play": ("work_of_art", "play theatre_play stage_play", "drama tragedy comedy"),
    "opera": ("work_of_art", "opera", "operetta libretto"),
    "video_game": ("work_of_art", "video_game game videogame", "title console_game shooter platformer rpg"),
    "painting": ("work_of_art", "painting", "portrait fresco canvas"),
    "product": (
        "",
        "product prod products consumer_good",
        "goods device phone smartphone car model software app application tool gadget console aircraft vehicle brand "
        "engine "
        "toolkit operating_system release drink camera computer laptop robot machine system platform weapon rocket "
        "programme program package library service item merchandise drug toy garment tablet chip processor browser "
        "database framework",
    ),
    "brand": ("", "brand brand_name", "make trademark label marque line"),
    "vehicle": (
        "product",
        "vehicle veh",
        "car truck ship boat plane aircraft train bus tank motorcycle bike submarine locomotive van lorry helicopter "
        "spacecraft jet tractor",
    ),
    "car": ("vehicle", "car automobile", "model sedan suv coupe"),
    "ship": ("vehicle", "ship vessel boat", "tug ferry cruiser destroyer frigate yacht steamer tanker liner trawler"),
    "aircraft": ("vehicle", "aircraft airplane plane", "jet airliner fighter bomber helicopter"),
    "weapon": ("product", "weapon", "gun rifle missile bomb sword tank firearm"),
    "software": (
        "product",
        "software program application app",
        "tool library package framework operating_system platform browser editor toolkit plugin module engine compiler",
    ),
    "programming_language": (
        "",
        "programming_language programlang programminglanguage language proglang",
        "scripting_language script shell lisp dialect compiler code interpreted",
    ),
    "operating_system": ("software", "operating_system os", "linux windows macos unix android ios distribution"),
    "framework": ("software", "framework", "library toolkit platform"),
    "file": ("", "file file_name filename", "script source_file document path"),
    "carrier": ("company", "mobile_carrier carrier", "network provider operator telecom"),
    "handle": ("", "user_handle handle username", "account at_sign mention profile"),
    "hashtag": ("", "hashtag", "hash tag"),
    "website": ("product", "website site web_site url", "portal page domain link forum blog wiki"),
    "version": ("", "version", "release release_tag tag number"),
    "variable": ("", "variable var", "parameter argument constant environment_variable"),
    "food": (
        "",
        "food dish meal foodstuff",
        "ingredient snack fruit vegetable dessert soup sandwich drink pizza eat eaten cheese meat bread cake",
    ),
    "dish": (
        "food",
        "dish menu_item food",
        "meal plate pastry dessert soup sandwich burger pizza salad steak seafood breakfast lunch dinner snack eat "
        "eaten drink baked ingredient course",
    ),
    "cuisine": ("", "cuisine food_style kind_of_food", "cooking kitchen style_of_food style_of_cooking food"),
    "restaurant": (
        "organization",
        "restaurant restaurant_name eatery",
        "diner cafe chain bar pub bistro pizzeria steakhouse place fast_food franchise",
    ),
    "amenity": (
        "",
        "amenity",
        "feature service facility parking seating patio wifi ambience ambiance atmosphere delivery takeout "
        "reservation view outdoor perk "
        "accommodation valet characteristic service friendly offers",
    ),
    "hours": ("", "hours opening_hours opening_time", "time open closes opens late night schedule business_hours"),
    "price": ("", "price cost price_range", "cheap expensive affordable budget money dollars costs pricey moderately"),
    "rating": ("", "rating", "score review rated stars certificate mpaa age_rating reviewed quality pg"),
    "ratings_average": (
        "",
        "ratings_average average_rating average viewers_rating user_rating viewer_rating",
        "rating rated stars score scored reviews viewers received out_of quality critics review",
    ),
    "genre": (
        "",
        "genre type_of_movie type_of_film kind_of_film kind_of_movie sort_of_movie",
        "category kind style comedy drama thriller horror action western animation animated romance documentary noir "
        "musical sci-fi",
    ),
    "music_genre": (
        "genre",
        "music_genre musicgenre musical_genre genre musical_style",
        "style rock jazz blues metal pop folk hip-hop punk country_music subgenre kind_of_music type_of_music",
    ),
    "literary_genre": (
        "genre",
        "literary_genre literarygenre genre",
        "novel fiction science_fiction fantasy poetry satire tragedy short_story form_of_literature kind_of_literature "
        "non-fiction literary_form verse form subgenre",
    ),
    "plot": ("", "plot storyline story plot_element", "theme keyword topic premise subject concerns motif"),
    "trailer": ("", "trailer clip preview", "teaser"),
    "review": ("", "review", "critics opinion reviews"),
    "year": ("time", "year release_year", "date decade years era when period range"),
    "date": (
        "time",
        "date dat calendar_date",
        "day month year decade century weekday when deadline years months era season period quarter temporal",
    ),
    "time": (
        "",
        "time tim temporal_expression point_in_time time_expression",
        "hour minute o'clock moment date duration period era day evening morning afternoon night when clock temporal",
    ),
    "duration": ("time", "duration length period", "hours minutes days weeks years long span"),
    "money": (
        "",
        "money monetary_value amount_of_money monetary_amount currency_amount mon",
        "dollars euros pounds price sum amount cost currency fee salary budget $ usd eur million billion",
    ),
    "currency": ("", "currency", "dollar euro pound yen unit money"),
    "percent": ("", "percent percentage", "% share rate proportion"),
    "quantity": (
        "",
        "quantity measurement",
        "measure amount number size weight length distance unit dose volume height metric value kilos kilometres "
        "miles measured",
    ),
    "cardinal": ("", "cardinal number numeral", "count figure how_many digit"),
    "ordinal": ("", "ordinal ordinal_number rank", "place position first second third"),
    "age": ("", "age", "years_old year-old"),
    "language": (
        "",
        "language lang tongue natural_language",
        "dialect spoken speak speaks translation linguistic idiom languages language_family language_group",
    ),
    "religion": (
        "",
        "religion faith denomination belief",
        "church sect branch creed christianity islam judaism buddhism hinduism protestant catholic religious",
    ),
    "deity": ("", "deity god goddess divinity", "divine lord mythological"),
    "law": (
        "",
        "law legislation legal_document statute",
        "act bill treaty constitution amendment code regulation directive agreement legal clause rule convention",
    ),
    "disease": (
        "",
        "disease dis illness disorder medical_condition",
        "condition syndrome infection cancer tumour tumor symptom sign complaint malformation deficiency injury pain "
        "impairment dysfunction disability carcinoma leukemia leukaemia lymphoma failure haemorrhage hemorrhage "
        "bleeding adverse_effect side_effect toxicity pathology abnormality complication epidemic outbreak "
        "inflammation allergy virus-related ailment malady anemia anaemia neuropathy fever clinical_finding finding "
        "diagnosis hereditary congenital pathological",
    ),
    "symptom": ("disease", "symptom sign", "complaint pain fever nausea"),
    "virus": ("", "virus pathogen", "viral strain coronavirus"),
    "bacterium": ("", "bacterium bacteria", "strain bacillus germ microbe"),
    "species": (
        "",
        "species organism taxon animal biological_species",
        "mammal bird fish plant insect bacterium rat rats mouse mice genus reptile fungus yeast strain virus humans",
    ),
    "animal": (
        "species",
        "animal anim creature fauna",
        "dog cat horse bird mammal fish insect reptile pet breed livestock whale bear snake",
    ),
    "bird": ("animal", "bird", "birds feathered"),
    "plant": ("species", "plant flora", "tree flower herb shrub crop grass"),
    "chemical": (
        "",
        "chemical chemical_compound chemicalcompound chem chemical_substance simple_chemical",
        "compound substance "
        "drug medication medicine molecule acid ion salt steroid antibiotic agent inhibitor hormone vitamin solvent "
        "reagent toxin toxic metal element alkaloid anticoagulant antihistamine metabolite small_molecule poison gas "
        "analgesic anaesthetic anesthetic opioid sedative antidepressant corticosteroid antagonist agonist blocker "
        "oxide polymer mineral pharmaceutical nutrient ester peptide nucleotide sugar neurotransmitter diuretic "
        "benzodiazepine chemotherapy stimulant beta-blocker statin coenzyme lipid tripeptide therapeutic active_agent",
    ),
    "drug": (
        "chemical",
        "drug medication medicine pharmaceutical",
        "antibiotic tablet dose treatment anticoagulant vaccine antihistamine steroid inhibitor painkiller",
    ),
    "chemical_element": ("chemical", "chemical_element chemicalelement element", "metal gas atom hg isotope"),
    "protein": (
        "",
        "protein prot gene_or_protein protein_molecule",
        "enzyme receptor kinase antibody hormone transcription_factor histone antigen subunit cytokine collagen "
        "ligand globulin peptide channel complex polypeptide",
    ),
    "enzyme": ("protein", "enzyme", "kinase polymerase protease catalyses catalyzes synthase reductase transferase"),
    "gene": (
        "",
        "gene dna gene_or_protein genes gene_name genetic",
        "locus oncogene allele genomic promoter chromosome tumour_suppressor tumor_suppressor protein encodes receptor "
        "gene_product mrna transcript mutation kinase enzyme genetic_element sequence",
    ),
    "rna": ("", "rna", "mrna transcript"),
    "cell": ("", "cell cell_type cell_line", "lymphocyte neuron neurons cells macrophage fibroblast line culture"),
    "cell_line": ("cell", "cell_line", "line culture cells hela"),
    "organ": ("", "organ body_part", "heart liver brain kidney lung gland spleen stomach skin eye"),
    "tissue": ("", "tissue", "mucosa epithelium muscle membrane fibrous nerve"),
    "multi_tissue_structure": ("", "multi-tissue_structure multi_tissue_structure", "several_tissues tissues vessel"),
    "anatomical_system": ("", "anatomical_system organ_system", "nervous_system body_system tract"),
    "developing_anatomical_structure": (
        "",
        "developing_anatomical_structure developing_structure embryonic_structure",
        "embryo embryos fetus foetus bud",
    ),
    "pathological_formation": ("", "pathological_formation", "lesion tumour tumor scar cyst cancer carcinoma plaque"),
    "anatomy": ("", "anatomy body_part anatomical_entity anatomical_structure", "organ tissue bone muscle vessel limb"),
    "medical_procedure": (
        "",
        "medical_procedure procedure treatment therapy test",
        "surgery operation scan transplant biopsy imaging screening intervention",
    ),
    "theory": ("", "theory scientific_theory", "principle law hypothesis model relativity theorem"),
    "discipline": (
        "",
        "discipline academic_discipline field_of_study branch_of_science academic_field",
        "field subject science physics chemistry biology mathematics study branch studies area sciences",
    ),
    "field": (
        "",
        "field field_of_study research_field research_area",
        "area discipline subfield domain subject branch topic area_of_research area_of_study science studies subarea "
        "application_area",
    ),
    "task": (
        "",
        "task nlp_task",
        "problem application challenge classification recognition translation detection retrieval parsing segmentation "
        "goal activity problems",
    ),
    "algorithm": (
        "",
        "algorithm",
        "method technique model network architecture classifier learner optimizer approach procedure "
        "machine_learning_model neural_net "
        "neural_network family methods models estimator search heuristic",
    ),
    "metric": (
        "",
        "metrics metric evaluation_metric",
        "measure score accuracy precision recall error estimate loss criterion quantity benchmark statistic "
        "likelihood rate",
    ),
    "instrument": (
        "",
        "musical_instrument musicalinstrument instrument",
        "guitar piano violin drums bass trumpet keyboard percussion synth synthesizer flute organ voice strings",
    ),
    "sport": ("", "sport discipline game", "football tennis basketball cricket hockey rugby athletics"),
    "position": ("", "position job occupation profession job_title", "title role post office rank career"),
    "misc": ("", "misc miscellaneous", "adjective nationality event work_of_art language product title film"),
    "sofware_repository": ("", "repository repo", "slug github"),
    "email": ("", "email e-mail email_address", "address mail"),
    "phone": ("", "phone phone_number telephone_number", "number telephone"),
    "postal_code": ("", "postal_code zip_code postcode zip", "digits code"),
    "family": ("", "family", "household surname clan dynasty"),
    "emotion": ("", "emotion feeling", "mood sentiment"),
    "concept": ("", "concept", "idea notion term principle abstract"),
    "technology": ("", "technology tech", "system device technique standard protocol"),
    "color": ("", "color colour", "shade hue"),
    "material": ("", "material substance", "metal wood plastic fabric alloy"),
}

_SPLIT = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+|\d+|[^\W\d_]+")
_WORDS_OF_NAMES = re.compile(r"[^\s_\-/.]+")


# How plainly a word names a label: it describes what the label covers, it is the head of its name, or its name.
DESCRIBES, HEADS, NAMES = 0, 1, 2

_Phrase = tuple[tuple[str, ...], int, int]


@dataclass(frozen=True, slots=True)
class Types:
    """The names of one schema's labels.

    `own`: first word -> (words after it, label, level) for the labels' own words; `covers`: concept -> (label,
    whether the label is that concept itself); `first`: the words that may begin a name; `words`: all words of the
    labels.  `known` remembers what was looked up.
    """

    own: dict[str, list[_Phrase]]
    covers: dict[str, list[tuple[int, bool]]]
    first: frozenset[str]
    words: frozenset[str]
    known: dict[str, tuple[_Phrase, ...]]

    def at(self, words: Sequence[str], index: int) -> tuple[int, dict[int, int]]:
        """(number of words, label -> level) of the longest name that begins there; (0, {}) for none."""
        length, found = 0, dict[int, int]()
        for rest, label, level in self._at(words[index]):
            size = len(rest) + 1
            if size < length:
                break
            if rest and tuple(words[index + 1 : index + size]) != rest:
                continue
            length = size
            found[label] = max(found.get(label, 0), level)
        return length, found

    def _at(self, word: str) -> tuple[_Phrase, ...]:
        """What may begin with a word, the longest first."""
        if word not in self.first:
            return ()
        if word not in self.known:
            listed = list(self.own.get(word, ()))
            taken = {rest for rest, _, level in listed if level == NAMES}
            for rest, concept, name in _PHRASES.get(word, ()):
                for label, itself in self.covers.get(concept, ()):
                    listed.append((rest, label, NAMES if name and itself and rest not in taken else DESCRIBES))
            self.known[word] = tuple(sorted(listed, key=lambda phrase: -len(phrase[0])))
        return self.known[word]


@lru_cache(maxsize=4096)
def types_of(schema: tuple[str, ...]) -> Types:
    """The names of a schema's labels."""
    own: dict[str, list[_Phrase]] = {}
    covers: dict[str, list[tuple[int, bool]]] = {}
    heads = [label_words(label)[-1] for label in schema]
    for number, label in enumerate(schema):
        concept = _concept(label)
        for form, level in _own_forms(label, heads.count(label_words(label)[-1]) == 1):
            own.setdefault(form[0], []).append((form[1:], number, level))
        for kind in _kinds(concept or _head(label)):
            covers.setdefault(kind, []).append((number, kind == concept))
    first = frozenset(own).union(*(_FIRST[concept] for concept in covers))
    words = frozenset(word for label in schema for form in _forms(label_words(label)) for word in form)
    return Types(own, covers, first, words, {})


@lru_cache(maxsize=16384)
def _own_forms(label: str, head_is_own: bool) -> tuple[tuple[tuple[str, ...], int], ...]:
    """The ways to write a label itself, with their levels."""
    words = label_words(label)
    forms = dict.fromkeys((*_forms(words), *_forms((fold_label(label),))), NAMES)
    if len(words) == 1 and head_is_own:
        ends = (words[0][at:] for at in range(3, len(words[0]) - 3))
        end = next((end for end in ends if is_common(end)), "")
        for form in _forms((end,)) if len(end) > 3 and end not in _COMMON_ENDS else ():
            forms.setdefault(form, HEADS)
    if len(words) > 1:
        initials = "".join(word[0] for word in words)
        if initials not in _WORDS_LIKE_INITIALS:
            forms.setdefault((initials,), HEADS)
        own = head_is_own and words[-1] not in _VAGUE_HEADS
        for form in _forms(words[-1:]):
            forms.setdefault(form, HEADS if own else DESCRIBES)
    return tuple(forms.items())


def _head(label: str) -> str:
    """The concept of a label's last word, or of the end of a compound; "" for none."""
    words = label_words(label)
    if len(words) > 1:
        return _concept(words[-1]) or ""
    ends = (words[0][at:] for at in range(3, len(words[0]) - 3))
    return next((concept for end in ends if (concept := _concept(end))), "")


_VAGUE_HEADS = word_set("name names title type number code word term part item thing place time unit id")
_COMMON_ENDS = _VAGUE_HEADS | word_set(
    "line form list text case point mark note word side work title term self lang langs"
)
_WORDS_LIKE_INITIALS = word_set("as at am an be by do go he hi if in is it me my no of oh ok on or so to up us we")


def is_common(word: str) -> bool:
    """Whether a lower-case word is a plain English word for some kind of thing."""
    return any(not rest for rest, _, _ in _PHRASES.get(word, ()))


def plural(word: str) -> str:
    """The regular English plural."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def singular(word: str) -> str:
    """The regular English singular; a word that is no plural comes back as it is."""
    if len(word) < 4 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1]


def _forms(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    """A name with its plural and its singular."""
    return {words, (*words[:-1], plural(words[-1])), (*words[:-1], singular(words[-1]))}


def _phrases(text: str) -> Iterator[tuple[str, ...]]:
    return (tuple(_WORDS_OF_NAMES.findall(phrase)) for phrase in text.split())


@lru_cache(maxsize=1024)
def _kinds(concept: str) -> tuple[str, ...]:
    """A concept and everything that is a kind of it."""
    if not concept:
        return ()
    below = (kind for kind, (parents, _, _) in _CONCEPTS.items() if parents == concept)
    return (concept, *(kind for child in below for kind in _kinds(child)))


@lru_cache(maxsize=16384)
def label_words(label: str) -> tuple[str, ...]:
    """A label as lower-case words: `RATINGS_AVERAGE`, `CellLine` and `musicalartist` are two each."""
    words: Sequence[str] = _WORDS_OF_NAMES.findall(label)
    if len(words) == 1 and not words[0].isupper():
        words = _SPLIT.findall(words[0]) or words
    if len(words) == 1:
        words = _BY_FOLDED_PHRASE.get(words[0].lower(), words)
    return tuple(word.lower() for word in words) or (label.lower(),)


@lru_cache(maxsize=16384)
def _concept(label: str) -> str | None:
    folded = fold_label(label)
    return _BY_NAME.get(folded) or _BY_NAME.get(singular(folded))


# Filled below: first word -> (words after it, concept, whether it is a name of the concept).
def _static_phrases() -> dict[str, tuple[tuple[tuple[str, ...], str, bool], ...]]:
    index: dict[str, dict[tuple[tuple[str, ...], str], bool]] = {}
    for concept, (_, names, words) in _CONCEPTS.items():
        for listed, strong in ((words, False), (names, True)):
            for phrase in _phrases(listed):
                for form in _forms(phrase):
                    index.setdefault(form[0], {})[form[1:], concept] = strong
    return {
        first: tuple((rest, concept, strong) for (rest, concept), strong in entry.items())
        for first, entry in index.items()
    }


_PHRASES = _static_phrases()

# The first words of a concept's names and descriptions.
_FIRST: dict[str, frozenset[str]] = {
    concept: frozenset(word for word, entry in _PHRASES.items() if any(one == concept for _, one, _ in entry))
    for concept in _CONCEPTS
}

_BY_FOLDED_PHRASE: dict[str, Sequence[str]] = {
    fold_label(phrase): _WORDS_OF_NAMES.findall(phrase)
    for _, names, words in _CONCEPTS.values()
    for phrase in f"{names} {words}".split()
    if "_" in phrase
}

# A concept's own key goes before the names of others; of these the first that lists a name owns it.
_BY_NAME: dict[str, str] = {fold_label(key): key for key in _CONCEPTS}
for _key, (_, _listed, _) in _CONCEPTS.items():
    for _phrase in _listed.split():
        _BY_NAME.setdefault(fold_label(_phrase), _key)
