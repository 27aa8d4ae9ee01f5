"""The audit page in a real browser: judged by keys, kept over a kill, in two tabs, saved, read back into the card."""

from __future__ import annotations

import json
import os
import signal

import pytest
from browser import chromium, need_chromium, open_page, violations
from commands import run

CORPUS = "build/quickstart/candidate"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    assert run(folder, "build", "quickstart").code == 0
    assert run(folder, "audit", CORPUS, "--sample", 30).code == 0
    return folder


@pytest.fixture(scope="module")
def browser(corpus):
    with chromium() as started:
        yield started


def judge(page, keys: str) -> None:
    """Presses a key a row from the first on, and waits until each judgement is kept."""
    page.locator("[role=option]").first.click()
    page.wait_for_selector("#verdict")
    for number, key in enumerate(keys):
        page.keyboard.press(key)
        page.wait_for_function("() => document.getElementById('kept').textContent === 'kept in this browser'")
        if number + 1 < len(keys):
            before = page.evaluate("place_")
            page.keyboard.press("j")
            page.wait_for_function("before => place_ !== before", arg=before)


def saved(page, folder, name: str) -> list[dict]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save verdicts").click()
    download.value.save_as(folder / name)
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_twenty_rows_by_keys_end_in_the_card(browser, corpus):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = open_page(context, corpus / "audit.html")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Your name").press("Tab")
    judge(page, "1112" * 5)
    page.get_by_label("extent: 1").check()
    page.get_by_label("Note").fill("too long")
    page.get_by_label("a mention is missing").check()
    assert page.locator("#judged").inner_text() == "20 of 30 judged"
    assert violations(page) == []
    lines = saved(page, corpus, "ann.jsonl")
    assert [line["verdict"] for line in lines].count("wrong") == 5
    assert {line["person"] for line in lines} == {"Ann"}
    last = next(line for line in lines if line["note"])
    assert [fault["kind"] for fault in last["faults"]] == ["extent", "missing"]
    page.get_by_role("checkbox", name="wrong").first.check()
    page.wait_for_function("() => listed.length === 5")
    assert page.complaints == []
    context.close()
    ran = run(corpus, "audit", CORPUS, "--verdicts", "ann.jsonl", "--json")
    assert json.loads(ran.out)["answers"] == 20
    assert "Ann (20)" in (corpus / CORPUS / "README.md").read_text()


def test_a_killed_browser_forgets_nothing(browser, corpus, tmp_path):
    import subprocess
    import time

    command = [need_chromium(), "--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--remote-debugging-port=0", "about:blank"]
    started = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        port = tmp_path / "profile" / "DevToolsActivePort"
        for _ in range(600):
            if port.exists() and port.read_text().strip():
                break
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
        remote = browser.browser_type.connect_over_cdp(address)
        page = open_page(remote.contexts[0], corpus / "audit.html")
        judge(page, "1" * 10)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    again = browser.browser_type.launch_persistent_context(
        tmp_path / "profile", executable_path=need_chromium(), args=["--no-sandbox"]
    )
    page = open_page(again, corpus / "audit.html")
    assert page.locator("#judged").inner_text() == "10 of 30 judged"
    assert len(saved(page, tmp_path, "verdicts.jsonl")) == 10
    again.close()


def test_two_tabs_lose_nothing(browser, corpus, tmp_path):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    one, two = (open_page(context, corpus / "audit.html") for _ in range(2))
    guids = one.evaluate("index.guid")
    for place in range(8):
        tab = (one, two)[place % 2]
        tab.bring_to_front()
        tab.evaluate("guid => goTo(guid)", guids[place])
        tab.wait_for_function("guid => row && row.guid === guid", arg=guids[place])
        tab.keyboard.press("12"[place % 2])
    for tab in (one, two):
        tab.evaluate("keeping")
    assert {line["guid"] for line in saved(one, tmp_path, "one.jsonl")} == set(guids[:8])
    assert len(saved(two, tmp_path, "two.jsonl")) == 8
    context.close()
