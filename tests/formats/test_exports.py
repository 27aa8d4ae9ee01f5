"""What annotation services export: gold is exact, or one line refuses the file and names what stands in the way."""

import json

import pytest

from nercot.errors import InputError
from nercot.formats import ReadOptions
from nercot.formats.sources import items, open_source, reading

TEXT = "Mara Lind left Oslo."
GOLD = [("Mara Lind", "PER", 0), ("Oslo", "LOC", 15)]


def read(path, *types):
    """The sentences and entities of every row that is read."""
    found = [item.outcome.record for item in items(open_source(str(path), options=reading(types)))]
    return [(row.sentence, [(e.text, e.label, e.start) for e in row.gold or ()]) for row in found]


JSON_SHAPES = {
    "luis": {
        "luis_schema_version": "7.0.0",
        "intents": [{"name": "None"}],
        "entities": [{"name": "PER"}],
        "utterances": [
            {
                "text": TEXT,
                "intent": "None",
                "entities": [
                    {"entity": "PER", "startPos": 0, "endPos": 8},
                    {"entity": "LOC", "startPos": 15, "endPos": 18},
                ],
            }
        ],
    },
    "vertex": {
        "textSegmentAnnotations": [
            {"startOffset": 0, "endOffset": 9, "displayName": "PER"},
            {"startOffset": 15, "endOffset": 19, "displayName": "LOC"},
        ],
        "textContent": TEXT,
        "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": "training"},
    },
    "automl": {
        "annotations": [
            {"text_extraction": {"text_segment": {"start_offset": 0, "end_offset": 9}}, "display_name": "PER"},
            {"text_extraction": {"text_segment": {"start_offset": 15, "end_offset": 19}}, "display_name": "LOC"},
        ],
        "text_snippet": {"content": TEXT},
    },
    "kili": {
        "content": TEXT,
        "externalId": "7",
        "labels": [
            {
                "author": {"email": "a@example.org"},
                "jsonResponse": {
                    "JOB": {
                        "annotations": [
                            {"beginOffset": 0, "categories": [{"name": "PER"}], "content": "Mara Lind", "mid": "1"},
                            {"beginOffset": 15, "categories": [{"name": "LOC"}], "content": "Oslo", "mid": "2"},
                        ]
                    }
                },
            }
        ],
    },
    "flair": {
        "text": TEXT,
        "labels": [],
        "entities": [
            {"text": "Mara Lind", "start_pos": 0, "end_pos": 9, "labels": [{"value": "PER", "confidence": 0.9}]},
            {"text": "Oslo", "start_pos": 15, "end_pos": 19, "labels": [{"value": "LOC", "confidence": 0.9}]},
        ],
    },
}


@pytest.mark.parametrize("name", JSON_SHAPES)
def test_exports_of_services_are_exact(tmp_path, name):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(JSON_SHAPES[name]))
    assert read(path) == [(TEXT, GOLD)]


def test_a_list_of_one_object_in_a_cell_is_read(tmp_path):
    path = tmp_path / "spans.csv"
    path.write_text(f"text,entities\n\"{TEXT}\",\"[{{'start': 0, 'end': 9, 'label': 'PER'}}]\"\nNothing.,[]\n")
    assert read(path) == [(TEXT, GOLD[:1]), ("Nothing.", [])]


REFUSED = {
    "marks.jsonl": (json.dumps({"text": "<PER>Mara Lind</PER> left <LOC>Oslo</LOC>."}), "XML tags"),
    "links.jsonl": (json.dumps({"text": "[Mara Lind](PER) left."}), r"\[mention\]\(type\)"),
    "yedda.txt": ("[@Mara Lind#PER*] left.\n", r"\[@mention#type\*\]"),
    "slots.txt": ("wake [person : mara] at nine\n", r"\[type : mention\]"),
    "boson.txt": ("{{person_name:王小明}}在{{location:北京}}。\n", r"\{\{type:mention\}\}"),
    "pku.txt": ("王小明/nr 在/p [北京/ns 大学/n]nt 读书/v 。/w\n", "words with tags"),
    "hand.txt": ("<Mara Lind:PER> left <Oslo:LOC>.\n", "<mention:TYPE>"),
    "colon.txt": ("Mara:PER Lind:PER left:O Oslo:LOC\n", "words with tags"),
    "vertical.vert": ("<doc>\n<s>\nMara\n</s>\n</doc>\n", "lines of XML tags"),
    "ade.rel": (f"7|{TEXT}|Oslo|15|19\n8|Bergen fell today.|Bergen|0|6\n", "5 columns on every line"),
    "clef.pipe": ("1.txt||Disorder||C1||0||9\n2.txt||Disorder||C1||0||9||20||25\n", r"parted by \|\|"),
    "i2b2.con": ('c="mara lind" 1:0 1:1||t="person"\n', "lines of i2b2"),
    "cnec.txt": ("<P<pf Mara> <ps Lind>> left <gu Oslo>.\n", "<type mention>"),
    "muc.txt": ('<b_enamex TYPE="PER">Mara Lind<e_enamex> left.\n', "<b_enamex>"),
    "starts.jsonl": (json.dumps({"text": TEXT, "entity_start": [0, 15], "entity_end": [9, 19]}), "`entity_start`"),
    "tuples.jsonl": (json.dumps({"text": TEXT, "answers": "[('Mara Lind', 'PER')]"}), "`answers`"),
    "offsets.jsonl": (json.dumps({"text": TEXT, "entities": "0,9,PER;15,19,LOC"}), "`entities`"),
    "parsed.knp": ("# S-ID:1\n* 1D\n田中 たなか\nEOS\n", "ended by EOS"),
    "gene.eval": ("P001|0 7|IL-2 gene\n", "lines of BioCreative"),
    "code.jsonl": (json.dumps({"text": TEXT, "labels": 'result = [Person("Mara Lind")]'}), "`labels`"),
    "masked.jsonl": (json.dumps({"text": TEXT, "cleaned": "[NAME] left [CITY]."}), "`cleaned`"),
    "listed.jsonl": (json.dumps({"text": TEXT, "entities": "PER: Mara Lind; LOC: Oslo"}), "`entities`"),
    "types.tsv": (f"text\tPER\tLOC\n{TEXT}\tMara Lind\tOslo\nNothing here.\t\t\n", "`PER` and `LOC`"),
    "nlu.yml": ("nlu:\n- intent: x\n  examples: |\n    - to [Oslo](city)\n", r"a file \.yml"),
    "nif.ttl": ('<http://x#char=0,9> nif:anchorOf "Mara Lind" .\n', r"a file \.ttl"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_the_user_states_make_no_plain_text_of_annotation(tmp_path, name):
    content, said = REFUSED[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read(path, "PER", "LOC")


def test_stand_off_of_another_tool_is_not_taken_for_that_of_brat(tmp_path):
    (tmp_path / "doc.txt").write_text(TEXT)
    (tmp_path / "doc.ann").write_text("[@Mara Lind#PER*] left Oslo.\n")
    with pytest.raises(InputError, match="line 1 is no annotation of brat"):
        read(tmp_path / "doc.txt", "PER")
    (tmp_path / "doc.ann").write_text(
        "T1\tPER 0 9\tMara Lind\n\nR1\tx Arg1:T1 Arg2:T1\n#1\tNotes T1\tx\n*\tEquiv T1 T1\n"
    )
    assert read(tmp_path / "doc.txt") == [(TEXT, GOLD[:1])]


def test_a_text_is_not_of_brat_for_a_stray_file_beside_it(tmp_path):
    (tmp_path / "other.ann").write_text("T1\tPER 0 9\tMara Lind\n")
    (tmp_path / "plain.txt").write_text("One.\nTwo.\n")
    assert len(read(tmp_path / "plain.txt", "PER")) == 2


def test_the_place_of_a_character_in_its_word_is_no_text(tmp_path):
    path = tmp_path / "weibo.conll"
    path.write_text("王0\tB-PER\n小1\tI-PER\n在0\tO\n北0\tB-LOC\n京1\tI-LOC\n。0\tO\n", encoding="utf-8")
    assert read(path) == [("王小在北京。", [("王小", "PER", 0), ("北京", "LOC", 3)])]


MASKS = "{'[PER_1]': 'Mara Lind', '[LOC_1]': 'Oslo'}"
SPANS = "[[0, 9, 'PER_1'], [9, 15, 'O'], [15, 19, 'LOC_1'], [19, 20, 'O']]"
# Tags of word pieces beside them, which are not those of the spans.
PIECES = {"bio_labels": ["B-PER", "O", "O", "O", "I-LOC"], "tokenised_text": ["mara", "lind", "left", "oslo", "."]}
COPY = "[PER_1] left [LOC_1]."
MASKED = {
    "spans": {"masked_text": COPY, "unmasked_text": TEXT, "privacy_mask": MASKS, "span_labels": SPANS, **PIECES},
    "masks": {"masked_text": COPY, "unmasked_text": TEXT, "privacy_mask": MASKS, **PIECES},
    "object": {"source_text": TEXT, "target_text": COPY, "privacy_mask": {"PER_1": "Mara Lind", "LOC_1": "Oslo"}},
    "template": {"Template": COPY, "Filled Template": TEXT, "Tokens": PIECES["bio_labels"]},
    "copy": {"text": TEXT, "masked": "{{PER}} left {{LOC}}."},
    "no copy": {"text": TEXT, "privacy_mask": {"[PER_1]": "Mara Lind", "[LOC_1]": "Oslo"}},
    "objects": {
        "source_text": TEXT,
        "target_text": "[PER] left [LOC].",
        "privacy_mask": [
            {"value": "Mara Lind", "start": 0, "end": 9, "label": "PER"},
            {"value": "Oslo", "start": 15, "end": 19, "label": "LOC"},
        ],
        "span_labels": SPANS.replace("_1", ""),
        "mbert_text_tokens": ["Mara", "Lind", "left", "Os", "##lo", "."],
        "mbert_bio_labels": ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"],
    },
}


@pytest.mark.parametrize("name", MASKED)
def test_masked_texts_are_exact(tmp_path, name):
    path = tmp_path / "masks.jsonl"
    path.write_text(json.dumps(MASKED[name]) + "\n")
    assert read(path) == [(TEXT, GOLD)]


@pytest.mark.parametrize(
    ("copy", "masks", "said"),
    [
        ("[PER_1] went to [LOC_1].", {}, "is not the text with masks"),
        ("[PER_1] [LOC_1]", {}, "in more than one way"),
        ("[PER_1][LOC_1] left Oslo.", {}, "in more than one way"),
        ("[PER_1] left [LOC_1].", {"[PER_1]": "Mara", "[LOC_1]": "Oslo"}, "is not the text with masks"),
    ],
)
def test_a_masked_copy_that_does_not_say_where_is_left_out_with_a_reason(tmp_path, copy, masks, said):
    path = tmp_path / "masks.jsonl"
    path.write_text(json.dumps({"masked_text": copy, "unmasked_text": TEXT, "privacy_mask": str(masks)}) + "\n")
    (item,) = items(open_source(str(path), options=reading(["PER"])))
    assert item.outcome.reason == "unreadable"
    assert said in item.outcome.detail


def test_masks_that_touch_and_repeat_are_told_apart_by_their_mentions(tmp_path):
    path = tmp_path / "masks.jsonl"
    row = {
        "masked_text": "[CUR_1][SUM_1] or [CUR_1][SUM_2]",
        "unmasked_text": "$5 or $7",
        "privacy_mask": {"[CUR_1]": "$", "[SUM_1]": "5", "[SUM_2]": "7"},
    }
    path.write_text(json.dumps(row) + "\n")
    assert read(path) == [("$5 or $7", [("$", "CUR", 0), ("5", "SUM", 1), ("$", "CUR", 6), ("7", "SUM", 7)])]


NAMES = [("Mara", "B-PER"), ("Lind", "L-PER"), ("left", "O"), ("Oslo", "U-LOC"), (".", "O")]
OTHERS = [("Nothing", "O"), ("here", "O"), (".", "O")]
BOTH = [(TEXT, GOLD), ("Nothing here.", [])]


def spacy_2(raw, **more):
    """A document of spaCy 2's training data, as `spacy convert` wrote it."""
    numbered = [
        [{"id": at, "orth": word, "tag": "X", "dep": "y", "ner": tag, **more} for at, (word, tag) in enumerate(words)]
        for words in (NAMES, OTHERS)
    ]
    return [
        {"id": 7, "paragraphs": [{**raw, "sentences": [{"tokens": tokens, "brackets": []} for tokens in numbered]}]}
    ]


def test_training_data_of_spacy_2_is_exact(tmp_path):
    path = tmp_path / "train.json"
    path.write_text(json.dumps(spacy_2({"raw": f"{TEXT} Nothing here."}), indent=2))
    assert read(path) == BOTH
    assert [item.outcome.record.source_id for item in items(open_source(str(path)))] == ["7-0", "7-1"]
    path.write_text(json.dumps(spacy_2({})))
    assert read(path) == [("Mara Lind left Oslo .", GOLD), ("Nothing here .", [])]
    rows = spacy_2({"raw": None}, space=" ")
    for sentence in rows[0]["paragraphs"][0]["sentences"]:
        sentence["tokens"][-2]["space"] = ""
    path.write_text(json.dumps(rows))
    assert read(path) == BOTH


def test_a_sentence_whose_tags_are_missing_is_unlabelled(tmp_path):
    rows = spacy_2({"raw": f"{TEXT} Nothing here."})
    for made in rows[0]["paragraphs"][0]["sentences"][1]["tokens"]:
        made["ner"] = "-"
    path = tmp_path / "train.json"
    path.write_text(json.dumps(rows))
    found = [item.outcome.record.gold for item in items(open_source(str(path)))]
    assert found[1] is None
    assert len(found[0]) == 2


TOKENS = {
    "corenlp": {
        "docId": "x",
        "sentences": [
            {"index": 0, "tokens": [{"word": word, "pos": "X", "ner": tag[2:] or "O"} for word, tag in NAMES]}
        ],
    },
    "stanza": [
        [
            {"id": [1, 2], "text": "du", "ner": "O"},
            {"id": 1, "text": "de"},
            {"id": 2, "text": "le"},
            {"id": 3, "text": "Mara", "ner": "S-PER"},
        ]
    ],
    "pairs": [[[word, "NN", tag] for word, tag in NAMES]],
    "text": {"text": TEXT, "tokens": [{"text": word, "tag": tag} for word, tag in NAMES]},
}
WANTED = {"stanza": ("du Mara", [("Mara", "PER", 3)]), "text": (TEXT, GOLD)}


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_that_bring_their_tags_are_exact(tmp_path, name):
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps(TOKENS[name]))
    assert read(path) == [WANTED.get(name, ("Mara Lind left Oslo .", GOLD))]


def test_parts_of_speech_of_tokens_are_no_types(tmp_path):
    path = tmp_path / "tokens.jsonl"
    path.write_text(json.dumps({"tokens": [{"text": "Mara", "tag": "NNP"}, {"text": "left", "tag": "VBD"}]}) + "\n")
    with pytest.raises(InputError, match="rows of no known format"):
        read(path, "PER")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "entities": [[0, 9, "PER"], [15, 19, "LOC"]]},
        {"text": TEXT, "entities": {"PER": ["Mara Lind"], "LOC": ["Oslo"]}},
        {
            "text": TEXT,
            "spans": [{"start": 0, "end": 9, "label": "PER"}, {"start": 15, "end": 19, "label": "LOC"}],
            "answer": "accept",
        },
        {"tokens": ["Mara", "Lind", "left", "Oslo."], "ner_tags": ["B-PER", "I-PER", "O", "B-LOC"]},
    ],
)
def test_an_object_of_splits_is_its_rows(tmp_path, row, indent):
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"version": "1", "train": [row, row], "dev": [row], "test": []}, indent=indent))
    found = [item.outcome.record for item in items(open_source(str(path)))]
    assert [record.split for record in found] == ["train", "train", "validation"]
    assert [record.sentence for record in found] == [TEXT] * 3
    assert all([entity.start for entity in record.gold] == [0, 15] for record in found)


def test_an_object_of_splits_whose_rows_cannot_bear_one_is_refused(tmp_path):
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"train": [[TEXT, {"entities": [[0, 9, "PER"]]}]], "test": [[TEXT, {"entities": []}]]}))
    with pytest.raises(InputError, match=r"an object of splits \(train, test\)"):
        read(path, "PER")


DOCUMENT = "👍 Mara Lind left Oslo.\r\n\r\nOslo fell.\u2028So\r\ndid Mara.\r\n"


@pytest.mark.parametrize("utf16", [False, True])
def test_a_document_of_brat_is_cut_at_its_line_ends(tmp_path, utf16):
    (tmp_path / "doc.txt").write_text(DOCUMENT, encoding="utf-8", newline="")
    lines = []
    for number, (at, mention, label) in enumerate(
        [(0, "Mara Lind", "PER"), (20, "Oslo", "LOC"), (30, "Mara", "PER")], 1
    ):
        start = DOCUMENT.index(mention, at) + utf16
        lines.append(f"T{number}\t{label} {start} {start + len(mention)}\t{mention}")
    over = DOCUMENT.index("So\r\ndid") + utf16
    lines.append(f"T4\tX {over} {over + 7}\tSo did")
    (tmp_path / "doc.ann").write_text("\n".join(lines) + "\n")
    found = list(items(open_source(str(tmp_path / "doc.txt"), options=ReadOptions(sentences="line"))))
    records = [item.outcome.record for item in found]
    assert [record.sentence for record in records] == ["👍 Mara Lind left Oslo.", "Oslo fell.\u2028So", "did Mara."]
    assert [[(e.text, e.label, e.start) for e in record.gold] for record in records] == [
        [("Mara Lind", "PER", 2)],
        [("Oslo", "LOC", 0)],
        [("Mara", "PER", 4)],
    ]
    assert [record.source_id for record in records] == ["doc-1", "doc-3", "doc-4"]
    assert [kind for item in found for kind in item.findings] == ["over_a_line_end"]
    with pytest.raises(InputError, match="parted by line"):
        list(items(open_source(str(tmp_path / "doc.txt"), options=ReadOptions(sentences="stop"))))


LETTERS = [
    {"tokens": ["Mara", "codes"], "tags_skill": ["O", "B"], "tags_knowledge": ["B", "O"]},
    {"tokens": ["so", "it", "is"], "tags_skill": ["O", "O", "O"], "tags_knowledge": ["O", "O", "O"]},
]


def test_two_keys_of_tags_without_types_are_asked_for(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in LETTERS))
    with pytest.raises(InputError, match="tags_skill and tags_knowledge both hold tags"):
        read(path, "PER")
    asked = ReadOptions(schema=("skill",), stated=True, column="tags_skill")
    found = [item.outcome.record.gold for item in items(open_source(str(path), options=asked))]
    assert [[(e.text, e.label) for e in gold] for gold in found] == [[("codes", "skill")], []]


def test_comments_with_the_annotated_text_are_no_tokens(tmp_path):
    path = tmp_path / "klue.tsv"
    path.write_text(
        "## x_0\t<조은:PS> 영화\n조\tB-PS\n은\tI-PS\n \tO\n영\tO\n화\tO\n\n## x_1\t좋다\n좋\tO\n다\tO\n",
        encoding="utf-8",
    )
    assert read(path) == [("조은 영화", [("조은", "PS", 0)]), ("좋다", [])]


def test_stand_off_of_three_files_is_seen_beside_its_text(tmp_path):
    (tmp_path / "book.txt").write_text(TEXT)
    (tmp_path / "book.spans").write_text("1 name 0 4 0 1 # 0 1 Mara\n")
    with pytest.raises(InputError, match=r"book\.spans beside it"):
        read(tmp_path / "book.txt", "PER")


@pytest.mark.parametrize("between", ["", "\n"])
def test_tags_of_xml_around_sentences_part_them(tmp_path, between):
    path = tmp_path / "vertical.txt"
    first, second = "Mara\tB-PER\nLind\tI-PER\nleft\tO\n", "Oslo\tB-LOC\nfell\tO\n"
    path.write_text(f'<doc id="1">\n<s>\n{first}</s>\n{between}<s n="2">\n{second}</s>\n</doc>\n')
    assert read(path) == [("Mara Lind left", GOLD[:1]), ("Oslo fell", [("Oslo", "LOC", 0)])]


@pytest.mark.parametrize(
    "row",
    [
        {"originalText": TEXT, "entities": [{"label_type": "PER", "overlap": 0, "start_pos": 0, "end_pos": 9}]},
        {"document": {"text": TEXT}, "annotations": [{"span": {"start": 0, "end": 9}, "label": "PER"}]},
    ],
)
def test_rows_with_other_words_for_the_same_are_exact(tmp_path, row):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row) + "\n")
    assert read(path) == [(TEXT, GOLD[:1])]
