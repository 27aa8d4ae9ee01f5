"""The public names work as the README shows them, in any order of imports."""

import json

import nercot


def test_every_public_name_is_what_it_says(tmp_path, monkeypatch):
    import nercot.building.plan

    monkeypatch.chdir(tmp_path)
    result = nercot.build("quickstart", nercot.BuildOptions(limit=3))
    assert (result.records <= 3, result.rows_read) == (True, 3)
    assert json.loads((result.candidate / "manifest.json").read_text())["partial"] is True

    answer = nercot.parse_answer('<think>\n"Ada" is a person.\n</think>\n{"entities": {"person": ["Ada"]}}')
    assert (answer.cot, answer.mentions) == ('"Ada" is a person.', (("person", "Ada"),))

    score = nercot.micro_f1([{"person": ["Ada"]}], [{"person": ["Ada", "Bo"]}])
    assert (score.precision, score.recall) == (1.0, 0.5)

    (entity,) = nercot.ground("İzmir saw Ada.", [("person", "Ada")])
    assert (entity.start, entity.end, entity.match) == (10, 13, "exact")

    record = nercot.Record("g", "d", "Mrs Ada came.", ("person",), cot='"Ada" is a person.', entities=(entity,))
    assert nercot.validate(record).valid
    assert nercot.f1_reward('{"entities": {}}', '{"entities": {}}', ["person"]) == 1.0


def test_all_names_exist():
    assert all(getattr(nercot, name) for name in nercot.__all__)


def test_published_model_cards_import_what_they_name():
    from nercot.answers import extract_messages, ground, parse_answer

    assert "person" in extract_messages("Ada left.", ["person"])[0]["content"]
    answer = parse_answer('<think>\nAda left.\n</think>\n{"entities": {"person": ["Ada"]}}')
    (entity,) = ground("So Ada left.", answer.mentions, answer.cot)
    assert (entity.text, entity.start, entity.end) == ("Ada", 3, 6)
