"""The embedded teacher and judge: what every trace holds, how it varies, and what the rubric tells apart."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nercot.corpus.records import Entity, Judgement, Record, content_guid
from nercot.embedded import annotate, require_gold, score
from nercot.embedded import frames as frames_of
from nercot.errors import InputError
from nercot.validation.answers import parse_answer
from nercot.validation.grounding import ground

THINK = re.compile(r"<\s*/?\s*think\s*>", re.IGNORECASE)


def make(sentence: str, schema: list[str], *mentions: tuple[str, str] | tuple[str, str, int], guid: str = "") -> Record:
    """A record; a mention is (text, label) or (text, label, which occurrence)."""
    gold = []
    for text, label, *which in mentions:
        start = -1
        for _ in range((which[0] if which else 0) + 1):
            start = sentence.index(text, start + 1)
        gold.append(Entity(text, label, start, start + len(text), "exact"))
    return Record(guid or content_guid(sentence, schema, "t"), "t", sentence, tuple(schema), gold=tuple(gold))


def answered(record: Record) -> Record:
    """The record after annotation and parsing, its gold taken away."""
    return next(all_answered([record]))


def all_answered(records: list[Record]) -> Iterator[Record]:
    for outcome in annotate(iter(records)):
        answer = outcome.record.answer
        assert answer is not None
        parsed = parse_answer(answer.completion)
        assert parsed.problem is None
        yield replace(outcome.record, cot=parsed.cot, entities=outcome.record.gold, gold=None, answer=None)


def judged(record: Record) -> Judgement:
    judgement = next(score(iter([record]))).record.judgement
    assert judgement is not None
    return judgement


def sentences_of(cot: str) -> list[str]:
    """The sentences of a trace of ours, quotations and types masked."""
    masked = re.sub(r'"[^"]*"|“[^”]*”', "Q", re.sub(r"`[^`]*`", "L", cot))
    return [one for one in re.split(r"(?<=\.)\s+", masked) if one]


NEWS = make(
    "Empress Catherine foundered off Riga, while Marta Weiß, a botanist from the University of Tartu, said she will "
    "wait in Tartu until 4 May 1791.",
    ["person", "ship", "city", "organization", "date", "award"],
    ("Catherine", "ship"),
    ("Riga", "city"),
    ("Marta Weiß", "person"),
    ("University of Tartu", "organization"),
    ("Tartu", "city", 0),
    ("Tartu", "city", 1),
    ("4 May 1791", "date"),
)
PLAIN = make("Thanks for the quick reply, that solved it, you can close this one.", ["person", "date", "product"])
PAPER = make(
    "Patients with hepatitis received aspirin and ibuprofen in Lyon.",
    ["disease", "drug", "city", "gene"],
    ("hepatitis", "disease"),
    ("aspirin", "drug"),
    ("ibuprofen", "drug"),
    ("Lyon", "city"),
)
TWO = make(
    '"The Lantern Keeper" won prizes as a novel and, later, as a film by Odile Marchetti.',
    ["novel", "film", "director", "year"],
    ("The Lantern Keeper", "novel"),
    ("The Lantern Keeper", "film"),
    ("Odile Marchetti", "director"),
)
SAME_NAME = make(
    "Phoenix said that Phoenix was too hot in July.",
    ["person", "city", "month", "airline"],
    ("Phoenix", "person", 0),
    ("Phoenix", "city", 1),
    ("July", "month"),
)
HARD = [
    NEWS,
    PLAIN,
    PAPER,
    TWO,
    SAME_NAME,
    make("东京的田中先生。\n명동역 🎻Ayşe🎻 İzmir, ß", ["person", "city"], ("田中", "person"), ("İzmir", "city")),
    make("", ["a", "b"]),
    make("34", ["number", "date"]),
    make("{{SCHEMA}} {% for %} ``` --- <script>", ["{{x}}", "`tick`", 'quo"te'], ("{{SCHEMA}}", "{{x}}")),
    make("x" * 300, ["a named town or city in the north", "OTHER"], ("x" * 300, "OTHER")),
]


@pytest.mark.parametrize("record", HARD, ids=range(len(HARD)))
def test_every_mention_and_every_type_is_spoken_of(record: Record) -> None:
    cot = answered(record).cot
    assert cot
    for label in record.schema:
        assert label in cot
    for entity in record.gold or ():
        assert entity.text in cot


def test_answer_holds_the_gold_and_says_who_made_it() -> None:
    (outcome,) = annotate(iter([NEWS]))
    answer = outcome.record.answer
    assert outcome.kept
    assert answer is not None
    assert (answer.teacher, answer.finish_reason, answer.request_key) == ("embedded", "stop", None)
    mentions = parse_answer(answer.completion).mentions
    assert sorted(mentions) == sorted((entity.label, entity.text) for entity in NEWS.gold or ())


def test_without_gold_it_says_what_to_do() -> None:
    without = replace(NEWS, gold=None)
    with pytest.raises(InputError, match="--teacher-url") as error:
        require_gold([without, without])
    assert "\n" not in str(error.value)


def test_one_row_without_gold_is_dropped_and_the_others_go_on() -> None:
    require_gold([replace(NEWS, gold=None), NEWS])
    outcomes = list(annotate(iter([NEWS, replace(NEWS, gold=None), NEWS])))
    assert [outcome.reason for outcome in outcomes] == [None, "empty_answer", None]
    assert "gold" in (outcomes[1].detail or "")


def test_arguments_come_from_the_sentence() -> None:
    cot = answered(NEWS).cot or ""
    line = {text: next(one for one in cot.split("\n") if f'"{text}"' in one) for text in ("Riga", "Marta Weiß")}
    assert '"off"' in line["Riga"]
    assert "`city`" in line["Riga"]
    assert '"a botanist"' in line["Marta Weiß"]
    assert '"Empress"' in cot
    assert "(twice)" in cot or "twice" in cot


def test_two_types_of_one_span_are_argued_apart() -> None:
    cot = answered(TWO).cot or ""
    line = next(one for one in cot.split("\n") if '"The Lantern Keeper"' in one)
    assert "`novel`" in line
    assert "`film`" in line


def test_occurrences_of_one_name_are_told_apart() -> None:
    cot = answered(SAME_NAME).cot or ""
    person, city = (
        next(one for one in cot.split("\n") if f"the {rank}" in one.lower()) for rank in ("first", "second")
    )
    assert "`person`" in person
    assert "`city`" in city


def test_descriptions_of_types_are_used() -> None:
    described = replace(PAPER, schema_descriptions=("an illness", "a medicine", "a named town", "a stretch of DNA"))
    assert "(a named town)" in (answered(described).cot or "")


def test_lower_case_twin_of_a_name_is_dismissed_before_the_name() -> None:
    record = make("Hi Mark, please mark the invoice as paid.", ["person", "date"], ("Mark", "person"))
    cot = answered(record).cot or ""
    assert 0 <= cot.index('"mark"') < cot.index('"Mark"')


def test_another_reading_of_a_name_is_dismissed_before_the_name() -> None:
    record = make("Jordan refused to comment.", ["person", "country"], ("Jordan", "person"))
    cot = answered(record).cot or ""
    opening, argument = cot.split("\n\n")[:2]
    assert '"Jordan"' in opening
    assert "`country`" in opening
    assert "`person`" in argument
    both = make("Jordan flew to Jordan.", ["person", "country"], ("Jordan", "person"), ("Jordan", "country", 1))
    assert "rules" not in (answered(both).cot or "").split("\n\n")[0]


def test_a_definition_that_is_the_type_itself_is_no_gloss() -> None:
    label = "a place where people live"
    record = replace(make("Mrs Ada went to Rome.", [label], ("Rome", label)), schema_descriptions=(label,))
    cot = answered(record).cot or ""
    assert f"`{label}`" in cot
    assert f"({label})" not in cot
    assert '."' not in cot


def test_both_places_of_a_name_that_means_another_thing_between_them_are_shown() -> None:
    sentence = "I bought the Oskar because Oskar, my son, begged for it; the Oskar vacuum died within a week."
    record = make(
        sentence, ["product", "person"], ("Oskar", "product"), ("Oskar", "person", 1), ("Oskar", "product", 2)
    )
    trace = answered(record)
    assert '"the Oskar because" and "the Oskar vacuum"' in (trace.cot or "")
    listed = [("product", "Oskar"), ("product", "Oskar"), ("person", "Oskar")]
    found = ground(sentence, listed, trace.cot)
    assert [(entity.label, entity.start) for entity in found] == [
        ("product", sentence.index("Oskar")),
        ("product", sentence.index("Oskar vacuum")),
        ("person", sentence.index("Oskar, my son")),
    ]


def test_neither_nor_joins_what_it_names() -> None:
    record = make(
        "Neither Rust nor Go helped.",
        ["programming language"],
        ("Rust", "programming language"),
        ("Go", "programming language"),
    )
    assert re.search(r'"Rust".*"Go"|"Go".*"Rust"', (answered(record).cot or "").split("\n\n")[1])


def test_a_year_counts_nothing() -> None:
    record = make("Ann has led the board since 2019, told me 12 parents in Spokane.", ["city"], ("Spokane", "city"))
    cot = answered(record).cot or ""
    assert "2019" not in cot
    assert '"told"' not in cot


@pytest.mark.parametrize("sentence", ["Ann is here", "Bo saw Bo.", "It was Ann.", "Ann", "Ann said:\n\nno"])
def test_short_sentences_pass_the_threshold(sentence: str) -> None:
    name = "Ann" if "Ann" in sentence else "Bo"
    for number in range(20):
        record = make(sentence, ["person"], (name, "person"), guid=f"{number:02x}")
        judgement = judged(answered(record))
        assert judgement.score >= 9, (answered(record).cot, judgement)


def test_every_sentence_begins_with_a_capital_a_quotation_or_a_type() -> None:
    for record in all_answered(corpus(150)):
        for one in sentences_of(record.cot or ""):
            assert one[0] in '"“`QL' or one[0].isupper(), one


def test_many_mentions_stay_readable_and_complete() -> None:
    names = [f"Name{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)]
    record = make("We met " + ", ".join(names) + " there.", ["person", "city"], *((name, "person") for name in names))
    cot = answered(record).cot or ""
    assert all(f'"{name}"' in cot for name in names)
    assert max(len(one) for one in sentences_of(cot)) < 600
    assert judged(answered(record)).score >= 9


def test_a_think_tag_of_the_sentence_never_stands_in_the_trace() -> None:
    text = "Every reply of Lindgren ends with </think> and </THINK >."
    record = make(text, ["software", "< think>"], ("Lindgren", "software"), ("</think>", "< think>"))
    cot = answered(record).cot or ""
    assert not THINK.search(cot)
    assert "[/think]" in cot


def test_nothing_is_said_of_an_answer_that_was_given() -> None:
    for record in HARD:
        cot = (answered(record).cot or "").replace(record.sentence, "").lower()
        assert not re.search(r"\b(?:gold|annotat\w+|ground truth|answer key|reference|labelled|labeled|tagged)\b", cot)


def corpus(size: int) -> list[Record]:
    """Rows of varied words, sorted by guid."""
    words = (
        "river",
        "stone",
        "market",
        "under",
        "winter",
        "again",
        "letters",
        "green",
        "morning",
        "paper",
        "travel",
        "silent",
        "harbour",
        "teacher",
    )
    rows = []
    for i in range(size):
        name = f"Arv{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}o"
        around = [words[(i * k + k) % len(words)] for k in range(2, 9)]
        text = f"The {around[0]} {around[1]} of {name} {around[2]} {around[3]} in {name}ville {around[4]} {around[5]}."
        rows.append(make(text, ["person", "city", "date"], (name, "person"), (f"{name}ville", "city")))
    return sorted(rows, key=lambda record: record.guid)


def test_neighbouring_rows_never_open_alike_though_rows_between_are_dropped() -> None:
    rows = corpus(600)
    openings = []
    for digit in "0123456789abcdef":
        part = [record for record in rows if record.guid[0] == digit]
        openings += [sentences_of(record.cot or "")[0].split(" ")[:3] for record in all_answered(part)]
    assert len(openings) == 600
    for gap in (1, 2, 3, 4):
        assert all(one != other for one, other in zip(openings, openings[gap:], strict=False))


def test_openings_have_their_first_word_to_themselves() -> None:
    firsts = [{frame.key for frame in family} for family in frames_of.OPENINGS]
    assert len(firsts) == 16
    assert sum(map(len, firsts)) == len(set().union(*firsts))
    assert all(
        len({" ".join(frame.text.split(" ")[:3]) for frame in family}) == len(family) for family in frames_of.OPENINGS
    )
    assert min(map(len, frames_of.OPENINGS)) > 5


def test_consecutive_sentences_never_begin_alike() -> None:
    for record in all_answered([*corpus(150), *HARD[:5]]):
        begun = [one.split(" ")[0].rstrip(",:") for one in sentences_of(record.cot or "")]
        assert all(one != other for one, other in pairwise(begun)), record.cot


def test_frames_that_accept_hold_no_negation() -> None:
    accepting = (*frames_of.ACCEPT_NEXT, *frames_of.ACCEPT_LIST, *frames_of.ACCEPT_MORE, *frames_of.ACCEPT_BOTH)
    clauses = [clause for variants in frames_of.CLAUSES.values() for clause in variants]
    for text in (*(frame.text for frame in accepting), *clauses):
        assert not re.search(r"\b(?:not|no|none|never|nothing|neither|nor|without|cannot)\b", text)


def test_same_record_same_trace() -> None:
    rows = corpus(40)
    assert list(all_answered(rows)) == list(all_answered(rows))


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    sentence = draw(st.text(max_size=120) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
    schema = draw(
        st.lists(st.text(min_size=1, max_size=30) | st.sampled_from(LABELS), min_size=1, max_size=6, unique=True)
    )
    gold = []
    if sentence:
        for _ in range(draw(st.integers(0, 8))):
            start = draw(st.integers(0, len(sentence) - 1))
            end = draw(st.integers(start + 1, len(sentence)))
            if sentence[start:end].strip():
                gold.append(Entity(sentence[start:end], draw(st.sampled_from(schema)), start, end, "exact"))
    return Record(draw(st.text(max_size=8)) or "0", "d", sentence, tuple(schema), gold=tuple(gold))


PIECES = (
    *(
        "Will ",
        "will ",
        "U.S. ",
        "C++ ",
        "$100 ",
        "@nina ",
        "#tag ",
        "İstanbul ",
        "Straße ",
        "東京",
        "さん",
        "🎻",
        "\n",
        ", ",
    ),
    *(
        " and ",
        "the city of ",
        "Dr. ",
        "“",
        "”",
        '"',
        "(",
        ")",
        "</think>",
        "<think>",
        "`",
        "{x}",
        "is a ",
        "4 May",
        ". ",
    ),
)
LABELS = ("person", "PER", "city", "medical_condition", "date", "politicalparty", "</think>", "a named town or city")


@settings(deadline=None, max_examples=300)
@given(any_record())
def test_any_record_gets_a_trace(record: Record) -> None:
    done = answered(record)
    cot = done.cot or ""
    assert cot == cot.strip()
    assert cot
    assert not THINK.search(cot)
    for part in [*(entity.text for entity in record.gold or ()), *(" ".join(label.split()) for label in record.schema)]:
        if not re.search(r"[<>]", part) and part == part.strip():
            assert part in cot
    assert answered(record) == done
    assert 0 <= judged(done).score <= 10


@settings(deadline=None, max_examples=200)
@given(any_record(), st.text(max_size=300))
def test_any_trace_gets_a_judgement(record: Record, cot: str) -> None:
    judgement = judged(replace(record, cot=cot, entities=record.gold, gold=None))
    parts = [judgement.grounding, judgement.boundary, judgement.type, judgement.completeness, judgement.coherence]
    assert judgement.score == min(parts)
    assert all(0 <= part <= 10 for part in parts)
    assert judgement.judge == "embedded"
    assert judgement.reason


def test_good_traces_pass_the_threshold() -> None:
    good = [*HARD[:5], *corpus(60)]
    assert [record.sentence for record in all_answered(good) if judged(record).score < 9] == []


def test_the_gold_is_not_read() -> None:
    done = answered(NEWS)
    assert judged(done) == judged(replace(done, gold=(Entity("Riga", "person", 31, 35),)))


def without_reasons(record: Record) -> Record:
    """Every mention is given its type and nothing else."""
    said = " ".join(f'"{entity.text}" is of type {entity.label}.' for entity in record.entities or ())
    return replace(record, cot=f"{said} The other types are not there.")


def empty_phrases(record: Record) -> Record:
    said = " ".join(
        f'The span "{entity.text}" comes next, and its form and the words around it suggest the type {entity.label}.'
        for entity in record.entities or ()
    )
    return replace(record, cot=f"Let me look at the types {', '.join(record.schema)}. {said}")


def a_mention_left_out(record: Record) -> Record:
    lost = (record.entities or ())[0].text
    return replace(record, cot="\n".join(line for line in (record.cot or "").split("\n") if f'"{lost}"' not in line))


def types_left_out(record: Record) -> Record:
    return replace(record, cot="\n".join((record.cot or "").split("\n")[:-1]))


def cut_inside_a_word(record: Record) -> Record:
    first, *others = record.entities or ()
    assert first.end is not None
    return replace(record, entities=(replace(first, text=first.text[:-2], end=first.end - 2), *others))


def another_type(record: Record) -> Record:
    first, *others = record.entities or ()
    return replace(record, entities=(replace(first, label=record.schema[-1]), *others))


def in_circles(record: Record) -> Record:
    return replace(record, cot=(record.cot or "") + "\nand then I look at it again, and it seems so to me" * 20 + ".")


def one_sentence_again_and_again(record: Record) -> Record:
    return replace(record, cot=(record.cot or "") + "\n" + "\n".join([(record.cot or "").split("\n")[0]] * 6))


def broken_off(record: Record) -> Record:
    return replace(record, cot=re.sub(r"\W+$", "", (record.cot or "")[:-40]))


def of_another_sentence(record: Record) -> Record:
    return replace(record, cot=answered(PLAIN).cot)


def denied(record: Record) -> Record:
    first = (record.entities or ())[0]
    line = f'As for "{first.text}", the words around it show that it is not a {first.label}.'
    others = [line for line in (record.cot or "").split("\n") if f'"{first.text}"' not in line]
    return replace(record, cot="\n".join([others[0], line, *others[1:]]))


def an_affirmed_mention_not_listed(record: Record) -> Record:
    return replace(record, entities=(record.entities or ())[:-1])


DAMAGE: dict[Callable[[Record], Record], tuple[str, float]] = {
    without_reasons: ("grounding", 4),
    empty_phrases: ("grounding", 4),
    a_mention_left_out: ("completeness", 6),
    types_left_out: ("completeness", 8),
    cut_inside_a_word: ("boundary", 6),
    another_type: ("type", 7),
    in_circles: ("coherence", 6),
    one_sentence_again_and_again: ("coherence", 6),
    broken_off: ("coherence", 7),
    of_another_sentence: ("completeness", 1),
    denied: ("type", 7),
    an_affirmed_mention_not_listed: ("completeness", 6),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("record", [NEWS, PAPER], ids=["news", "paper"])
def test_damaged_traces_lose_in_the_right_place(record: Record, damage: Callable[[Record], Record]) -> None:
    name, most = DAMAGE[damage]
    good = judged(answered(record))
    bad = judged(damage(answered(record)))
    assert good.score >= 9
    assert getattr(bad, name) <= most, bad
    assert bad.score <= getattr(bad, name)
    assert bad.reason != good.reason


@pytest.mark.parametrize("cot", [None, "", "  \n"])
def test_no_trace_is_nothing(cot: str | None) -> None:
    assert judged(replace(answered(NEWS), cot=cot)).score == 0


def test_a_free_trace_of_another_hand_is_fair() -> None:
    record = make(
        "Jesse Lingard joined Nottingham Forest after the match in Leeds.",
        ["PER", "ORG", "LOC", "MISC"],
        ("Jesse Lingard", "PER"),
        ("Nottingham Forest", "ORG"),
        ("Leeds", "LOC"),
    )
    cot = (
        "Okay, football news. Jesse Lingard is the one who joined somebody, a player, hence PER. What he joined after "
        "the match is Nottingham Forest; a club, so I take it as ORG even though Nottingham alone is a city. The match "
        "took place in Leeds, which is a LOC. No MISC here."
    )
    fair = judged(replace(record, cot=cot, entities=record.gold))
    bare = judged(replace(record, cot="Jesse Lingard, Nottingham Forest, Leeds. Done.", entities=record.gold))
    assert fair.score >= 8, fair
    assert bare.score <= 3, bare


@pytest.fixture
def data() -> Path:
    folder = os.environ.get("NERCOT_TEST_DATA")
    if not folder:
        pytest.skip("NERCOT_TEST_DATA is not set")
    return Path(folder)


def test_real_passages(data: Path) -> None:
    records = []
    for row in json.loads((data / "pile_ner/pile_ner_type_reserialised.json").read_text("utf-8"))[:250]:
        human, _, *turns = (turn["value"] for turn in row["conversations"])
        text = human.removeprefix("Text: ")
        asked = [turn.removeprefix("What describes ").removesuffix(" in the text?") for turn in turns[::2]]
        found = [
            (mention, label)
            for label, answer in zip(asked, turns[1::2], strict=True)
            for mention in (json.loads(answer) if isinstance(answer, str) else answer)
            if re.search(rf"(?<!\w){re.escape(mention)}(?!\w)", text)
        ]
        entities = []
        for mention, label in dict.fromkeys(found):
            match = re.search(rf"(?<!\w){re.escape(mention)}(?!\w)", text)
            assert match
            entities.append(Entity(mention, label, match.start(), match.end(), "exact"))
        schema = tuple(dict.fromkeys(asked))
        records.append(Record(content_guid(text, schema, "p"), "p", text, schema, gold=tuple(entities)))
    done = list(all_answered(sorted(records, key=lambda record: record.guid)))
    assert all(entity.text in (record.cot or "") for record in done for entity in record.entities or ())
    assert sum(judged(record).score >= 9 for record in done) >= 0.97 * len(done)
