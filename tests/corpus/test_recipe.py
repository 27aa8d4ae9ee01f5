import pytest

from nercot.corpus.recipe import load_recipe, recipe_names
from nercot.corpus.recipe_keys import known_keys, parse_override
from nercot.errors import RecipeError


def with_setting(text, recipe="quickstart"):
    return load_recipe(recipe, [parse_override(text)])


def test_the_recipes_that_ship_can_be_read():
    assert {"quickstart", "ner-cot"} <= set(recipe_names())
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_the_paper_s_corpus_is_as_the_paper_says():
    recipe = load_recipe("ner-cot")
    assert recipe.source.hub == "Universal-NER/Pile-NER-type"
    assert len(recipe.source.revision) == 40
    assert recipe.threshold == 9
    assert recipe.teacher.api_key_env == "DEEPSEEK_API_KEY"


def test_no_recipe_asks_a_model_that_was_switched_off():
    for name in recipe_names():
        assert "deepseek-reasoner" not in load_recipe(name).teacher.model
    teacher = load_recipe("ner-cot").teacher
    assert teacher.model == "deepseek-v4-pro"
    assert (teacher.price.input, teacher.price.cached_input, teacher.price.output) == (0.435, 0.003625, 0.87)
    assert teacher.concurrency <= 500


def test_the_paper_s_models_and_rules_are_open_weights_and_four_rules():
    recipe = load_recipe("ner-cot-paper")
    assert (recipe.teacher.model, recipe.judge.model) == ("deepseek-ai/DeepSeek-R1", "Qwen/Qwen3-32B")
    assert recipe.rules == ("malformed", "type_not_in_schema", "not_in_sentence", "not_justified")
    assert "read" not in recipe.steps
    assert (recipe.threshold, recipe.duplicates) == (9, "flag")
    assert recipe.teacher.api_key_env is None
    assert recipe.source == load_recipe("ner-cot").source


def test_a_setting_is_toml_or_else_a_string():
    assert parse_override("select.threshold=8") == ("select.threshold", 8)
    assert parse_override('source.labels=["a","b"]') == ("source.labels", ["a", "b"])
    assert parse_override("corpus.name=my-corpus") == ("corpus.name", "my-corpus")
    assert parse_override("teacher.extra.seed=1") == ("teacher.extra.seed", 1)
    assert parse_override("source.path=a=b") == ("source.path", "a=b")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("select.treshold=8", "did you mean select.threshold?"),
        ("selct.threshold=8", "did you mean select.threshold?"),
        ("teacher.concurency=8", "did you mean teacher.concurrency?"),
        ('select.threshold="high"', 'select.threshold must be a number, not "high"'),
        ("select.threshold=11", "must be at most 10"),
        ("select.duplicates=perhaps", "must be one of drop, flag, off"),
        ("partition.digits=0", "must be at least 1"),
        ("corpus.name=../up", "corpus.name"),
        ("corpus=x", "corpus must be a table"),
        ("steps.x=1", "steps"),
        ("teacher.url=http://127.0.0.1:1/v1", "which model?"),
        ("source.hub=a/b", "keep one"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(setting, said):
    with pytest.raises(RecipeError) as error:
        with_setting(setting)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(RecipeError, match="key=value"):
        parse_override("select.threshold")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"steps = [", "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"steps = ['annotate', 'validate', 'score', 'select']", "corpus is missing"),
        (b"steps = ['cook']\n[corpus]\nname = 'x'", "must be one of annotate"),
    ],
)
def test_a_broken_recipe_is_one_clear_line(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(RecipeError) as error:
        load_recipe(str(path))
    assert said in str(error.value)
    assert "mine.toml" in str(error.value)


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(RecipeError, match="quickstart"):
        load_recipe("quikstart")
    with pytest.raises(RecipeError, match="no such recipe file"):
        load_recipe("nowhere/x.toml")


def test_paths_of_a_recipe_start_at_its_own_folder(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("steps = ['stratify', 'merge']\n[corpus]\nname = 'x'\n[source]\npath = 'rows.jsonl'\n")
    assert load_recipe(str(path)).folder == tmp_path.resolve()


def test_several_urls_are_replicas_and_local_stands_alone():
    recipe = load_recipe("quickstart", [("teacher.url", ["http://a/v1", "http://b/v1"]), ("teacher.model", "m")])
    assert recipe.teacher.url == ("http://a/v1", "http://b/v1")
    with pytest.raises(RecipeError, match="stand alone"):
        load_recipe("quickstart", [("teacher.url", ["http://a/v1", "local"]), ("teacher.model", "m")])


def test_every_key_has_a_place():
    keys = known_keys()
    assert "teacher.price.cached_input" in keys
    assert "retry.max_seconds" in keys
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("overrides", "license"),
    [
        ([], "unknown"),
        ([("source.license", "mit")], "mit"),
        ([("corpus.license", "cc0-1.0")], "cc0-1.0"),
        ([("source.license", "mit"), ("corpus.license", "cc0-1.0")], "cc0-1.0"),
    ],
)
def test_rows_of_another_source_have_the_licence_that_the_user_states(overrides, license):
    """The quickstart's own licence says nothing of other sentences."""
    assert load_recipe("quickstart", overrides).of_another_source().license == license
