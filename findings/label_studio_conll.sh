#!/usr/bin/env bash
# label-studio-converter 0.0.59: the export to CoNLL 2003 moves the borders of entities and leaves nested ones out.
#
# A text is cut at white space, and where a marked span ends before punctuation, but not at every border: a span that
# begins or ends inside a word is given to the whole token, and of spans over the same token only one
# stays.  Nothing is said, and the exit status is 0.
#
# Seen for "Oslo-based Mara Lind wrote a pre-Oslo text" with Oslo, Mara Lind, Lind and the second Oslo marked:
#   Oslo-based B-LOC, Mara B-PER, Lind I-PER, pre-Oslo B-LOC: other mentions than those that were marked, one missing.
#
# For a corpus that is built from such an export: take Label Studio's JSON or JSON_MIN, which have every span as it was
# marked; a corpus made of the CoNLL file teaches and scores mentions that no annotator chose.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet label-studio-converter==0.0.59
cat > task.py <<'PY'
import json
from pathlib import Path

from label_studio_converter import Converter

text = "Oslo-based Mara Lind wrote a pre-Oslo text"
marked = [("Oslo", 0, "LOC"), ("Mara Lind", 0, "PER"), ("Lind", 0, "NAME"), ("Oslo", 5, "LOC")]


def result(mention, after, label):
    start = text.index(mention, after)
    value = {"start": start, "end": start + len(mention), "text": mention, "labels": [label]}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value}


config = """<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/><Label value="NAME"/></Labels>
<Text name="text" value="$text"/></View>"""
task = {"id": 1, "data": {"text": text}, "annotations": [{"id": 1, "result": [result(*item) for item in marked]}]}
Path("tasks.json").write_text(json.dumps([task]))
Converter(config, ".").convert_to_conll2003("tasks.json", "out", is_dir=False)
PY
venv/bin/python task.py
cut -d ' ' -f 1,4 out/result.conll | grep ' [BI]-' > found.txt
cat found.txt
diff found.txt - <<'WANTED'
Oslo-based B-LOC
Mara B-PER
Lind I-PER
pre-Oslo B-LOC
WANTED
