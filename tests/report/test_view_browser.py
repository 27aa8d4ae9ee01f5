"""The page in a real browser: opened from a file, read, searched, filtered, walked by keys, and by axe-core."""

from __future__ import annotations

import json

import pytest
from answered_corpus import build_corpus, script, source_rows
from browser import chromium, open_page, violations
from commands import run
from fault_server import FaultServer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A candidate with every kind of fate, and its page."""
    folder = tmp_path_factory.mktemp("fates")
    with FaultServer(script) as server:
        build_corpus(folder, source_rows(), server)
    ran = run(folder, "view", "build/ner-cot/candidate", "--out", "view.html", "--json")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="module")
def browser(corpus):
    # After the corpus is built: Playwright keeps an event loop in this thread.
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser, corpus):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    opened = open_page(context, corpus / "view.html")
    yield opened
    assert opened.complaints == []
    context.close()


WITHOUT_CHIPS = """shown => {
    const copy = shown.cloneNode(true);
    for (const chip of copy.querySelectorAll(".chip")) chip.remove();
    return copy.textContent;
}"""


def guids(page) -> list[str]:
    return page.eval_on_selector_all("[role=option]", "options => options.map(option => option.dataset.guid)")


def listed(page) -> int:
    return page.evaluate("listed.length")


def settle(page) -> None:
    page.wait_for_timeout(250)


def test_kept_and_dropped_stand_together(page, corpus):
    manifest = json.loads((corpus / "build/ner-cot/candidate/manifest.json").read_text())
    kept = manifest["steps"][-1]["kept"]
    assert listed(page) == manifest["steps"][0]["in"]
    assert page.locator("[role=option][data-kept=kept]").count() <= kept
    page.get_by_role("checkbox", name="kept").check()
    settle(page)
    assert listed(page) == kept
    assert set(page.eval_on_selector_all("[role=option]", "all => all.map(one => one.dataset.kept)")) == {"kept"}


def test_filters_bear_the_counts_of_the_funnel(page, corpus):
    manifest = json.loads((corpus / "build/ner-cot/candidate/manifest.json").read_text())
    for step in manifest["steps"]:
        for reason, count in step["dropped"].items():
            box = page.locator("#facets label", has_text=f"{reason} {count}").get_by_role("checkbox")
            box.check()
            settle(page)
            assert listed(page) == count
            assert page.locator("[role=option]").first.get_attribute("data-kept") == "dropped"
            box.uncheck()


def test_a_word_of_the_trace_is_found_and_painted(page):
    page.locator("input[type=search]").fill("somebody who acts")
    settle(page)
    assert listed(page) > 0
    page.locator("[role=option]").first.click()
    settle(page)
    assert page.evaluate("[...CSS.highlights.get('found')].length") > 0
    page.locator("input[type=search]").fill("no such word anywhere")
    settle(page)
    assert listed(page) == 0


def test_keys_walk_rows_and_mentions(page):
    order = page.evaluate("listed.map(place => index.guid[place])")
    page.locator("[role=option]").first.click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    settle(page)
    assert page.url.endswith(f"#{order[1]}")
    page.get_by_role("checkbox", name="kept").check()
    settle(page)
    page.keyboard.press("j")
    settle(page)
    page.keyboard.press("n")
    assert page.locator("#sentence .span.active").count() == page.locator("#trace .span.active").count() == 1
    page.keyboard.press("n")
    assert page.locator("#sentence .chip[aria-pressed=true]").inner_text().startswith("2")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.type") == "checkbox"
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_mention_and_evidence_show_each_other(page):
    page.get_by_role("checkbox", name="kept").check()
    settle(page)
    page.locator("[role=option]").first.click()
    settle(page)
    page.locator("#trace .chip").nth(1).click()
    assert page.locator("#sentence .span.active").inner_text() == "Oslo"
    page.locator("#sentence .chip").first.focus()
    assert '"' in page.locator("#trace .span.active").inner_text()


def test_a_permalink_opens_its_row(browser, corpus, page):
    guid = page.evaluate("index.guid[index.guid.length - 1]")
    context = browser.new_context()
    linked = open_page(context, corpus / "view.html", f"#{guid}")
    assert linked.locator("[role=option][aria-selected=true]").get_attribute("data-guid") == guid
    first = linked.evaluate("index.guid[0]")
    linked.evaluate("guid => { location.hash = guid; }", first)
    settle(linked)
    assert linked.locator("[role=option][aria-selected=true]").get_attribute("data-guid") == first
    context.close()


def test_attempts_are_tabs(page):
    page.get_by_role("checkbox", name="several_attempts").check()
    page.get_by_role("checkbox", name="kept").check()
    settle(page)
    page.locator("[role=option]").first.click()
    settle(page)
    tabs = page.get_by_role("tab")
    assert tabs.count() == 2
    assert "malformed" in tabs.nth(0).inner_text()
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    tabs.nth(0).click()
    assert "could not be read" in page.locator("#sentence").inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1600), ("dark", 1280), ("light", 1000), ("dark", 400)])
def test_axe_finds_nothing(browser, corpus, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = open_page(context, corpus / "view.html")
    page.locator("[role=option]").nth(1).click()
    settle(page)
    page.keyboard.press("n")
    settle(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


# --- rows that nobody would make ----------------------------------------------------------------------


def entity(sentence: str, text: str, label: str, start: int = 0) -> dict:
    at = sentence.index(text, start)
    return {"text": text, "label": label, "start": at, "end": at + len(text)}


def hostile() -> list[dict]:
    mark = "<script>document.title='owned'</script>]]></template><!--\u2028&amp;<img src=x onerror=alert(1)>"
    nested = "New York University Press in New York"
    right = "ولد أحمد في القاهرة"
    many = " ".join(f"w{number}" for number in range(500))
    rows = [
        (mark, [entity(mark, "document", mark)], f"<b>document</b> {mark}"),
        (
            nested,
            [
                entity(nested, "New York", "city"),
                entity(nested, "New York University", "school"),
                entity(nested, "New York University Press", "press"),
                entity(nested, "University Press in", "odd"),
                entity(nested, "New York", "city", 20),
            ],
            "New York is a city, New York University a school; University Press in is odd.",
        ),
        (right, [entity(right, "القاهرة", "مدينة")], "القاهرة مدينة"),
        ("😀 Ann met 👩‍👩‍👧 Bo", [entity("😀 Ann met 👩‍👩‍👧 Bo", "Bo", "person")], "Bo 😀 is a person"),
        (
            "A label of great length",
            [entity("A label of great length", "label", "x" * 10_000)],
            "label " + "x" * 10_000,
        ),
        (many, [entity(many, f"w{number}", "word", 0) for number in range(500)], "words: " + many),
        (
            "A long trace about Oslo",
            [entity("A long trace about Oslo", "Oslo", "city")],
            "Oslo is a city. " + "and so on " * 100_000,
        ),
    ]
    return [
        {
            "guid": f"h{number}",
            "dataset": mark if number == 0 else "h",
            "sentence": sentence,
            "schema": list(dict.fromkeys(item["label"] for item in entities)),
            "cot": cot,
            "entities": entities,
        }
        for number, (sentence, entities, cot) in enumerate(rows)
    ]


def test_hostile_rows_are_text(browser, tmp_path):
    lines = [json.dumps(row) for row in hostile()] + ['{"sentence": "half \\ud800 pair", "schema": ["a"], "cot": "x"}']
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    assert run(tmp_path, "view", "rows.jsonl").code == 0
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = open_page(context, tmp_path / "view.html")
    assert listed(page) == len(lines)
    for row in hostile():
        page.evaluate("guid => goTo(guid)", row["guid"])
        page.wait_for_function("guid => row && row.guid === guid", arg=row["guid"])
        shown = page.eval_on_selector("#sentence .sentence", WITHOUT_CHIPS)
        assert shown == row["sentence"]
        places = {(item["start"], item["end"]) for item in row["entities"]}
        assert page.locator("#sentence button.chip").count() == len(row["entities"]) >= len(places)
    assert page.title() == "rows.jsonl"
    assert page.locator("#sentence script, #trace script, #sentence img, #list script").count() == 0
    assert violations(page) == []
    assert page.complaints == []
    context.close()
