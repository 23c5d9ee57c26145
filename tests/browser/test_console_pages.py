"""The console in a real browser: in and out, live rows, filters, keys, and nothing that stings."""

import gzip
import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from console_site import AXE, EVIL, Console, Visitor, visitor
from playwright.sync_api import Browser, Response, expect

from parts import require

pytestmark = [pytest.mark.needs("chromium")]

FIRST_VIEW_BYTES = 150_000
SOON_MS = 3_000

PLACES = {
    "sessions": ("/sessions", "rt-page-sessions rt-table tbody tr"),
    "no session fits": ("/sessions?search=nothing-like-it", "rt-page-sessions rt-empty"),
    "more filters": ("/sessions?mos_below=2.6&country=DE", "#more-filters input"),
    "overview": ("/overview", "rt-page-overview .figures"),
    "apps": ("/settings/apps", "rt-settings-apps rt-table"),
    "tokens": ("/settings/tokens", "rt-settings-tokens rt-table"),
    "webhooks": ("/settings/webhooks", "rt-settings-webhooks rt-table"),
    "session": ("/sessions/{session}", "rt-timeline [data-row] canvas"),
    "peer": ("/sessions/{session}/peers/{peer}", ".charts .u-wrap"),
    "import": ("/import", ".drop"),
    "webhook": ("/settings/webhooks/{webhook}", "rt-webhook-log"),
    "nowhere": ("/nowhere/at/all", "rt-empty"),
}


@pytest.fixture(scope="module")
def site(seeded_console: Console) -> Console:
    """A server with two calls."""
    return seeded_console


@pytest.fixture
def guest(site: Console, chromium: Browser) -> Iterator[Visitor]:
    """Somebody with an empty browser."""
    with visitor(chromium, site.url) as window:
        yield window
        window.check()


@pytest.fixture
def admin(site: Console, guest: Visitor) -> Visitor:
    """Somebody who is signed in."""
    return guest.sign_in(site.server.api_token)


def place(site: Console, name: str) -> tuple[str, str]:
    path, ready = PLACES[name]
    return path.format(webhook=site.webhook_id, session=site.session_id, peer=site.peer_id), ready


# --- in and out -----------------------------------------------------------------------------------


def test_the_printed_link_signs_in_once(site: Console, guest: Visitor, chromium: Browser):
    link = site.link()
    guest.page.goto(link)
    guest.page.wait_for_selector("rt-page-sessions rt-table")
    assert "enter" not in guest.page.url

    with visitor(chromium, site.url) as second:
        second.expected = ("/console/sign-in", "/console/me")
        second.page.goto(link)
        expect(second.page.get_by_role("alert")).to_contain_text("used already")
        second.check()


def test_a_wrong_token_is_told_so_and_a_right_one_lets_in(site: Console, guest: Visitor):
    guest.expected = ("/console/me", "/console/sign-in")
    page = guest.page
    page.goto(f"{site.url}/console")
    page.fill("#token", "rt_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    page.fill("#token", site.server.api_token)
    page.keyboard.press("Enter")
    page.wait_for_selector("rt-page-sessions rt-table")

    assert page.evaluate("document.cookie") == ""
    (cookie,) = guest.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


def test_signing_out_leaves_nothing_behind(admin: Visitor):
    admin.expected += ("401",)
    admin.page.get_by_role("button", name="Sign out").click()
    admin.page.wait_for_selector("#token")

    assert admin.context.cookies() == []
    admin.page.reload()
    admin.page.wait_for_selector("#token")


def test_another_sites_page_gets_nothing_by_the_cookie(site: Console, admin: Visitor):
    admin.expected += ("",)
    page = admin.context.new_page()
    # The same host by another name is another site, as any page of the web is.
    page.goto(site.url.replace("127.0.0.1", "localhost") + "/docs")
    target = f"{site.server.base}/sessions"
    status = page.evaluate(
        "async (url) => { try { const a = await fetch(url, {credentials: 'include',"
        " headers: {'x-roomtone-console': '1'}}); return a.status; } catch { return 'refused'; } }",
        target,
    )

    assert status == "refused"


# --- sessions -------------------------------------------------------------------------------------


def test_a_call_shows_up_while_it_begins_and_moves_when_it_ends(site: Console, admin: Visitor):
    page = admin.go("/sessions", "rt-page-sessions rt-table")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    title = f"Stand-up {time.time_ns()}"
    alice = site.join(title)
    row = page.locator("tr", has_text=title)

    expect(row).to_be_visible(timeout=SOON_MS)
    expect(row.locator(".badge-live")).to_be_visible()
    assert title in page.locator("tbody tr").first.inner_text()
    alice.leave()
    expect(row.locator(".col-people")).to_contain_text("0 now", timeout=SOON_MS)


def test_filters_are_in_the_address_and_come_back_from_it(admin: Visitor):
    page = admin.go("/sessions", "rt-page-sessions tbody tr")
    page.fill("input[type=search]", "lossy")
    page.wait_for_url(re.compile("search=lossy"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.select_option("select[name=status]", "ENDED")
    page.wait_for_url(re.compile("status=ENDED"))

    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.input_value("input[type=search]") == "lossy"
    assert page.input_value("select[name=status]") == "ENDED"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_url(re.compile(r"#/sessions(\?app=[\w-]+)?$"))
    expect(page.locator("input[type=search]")).to_have_value("")


def test_quality_and_findings_filter_what_is_shown(site: Console, admin: Visitor):
    page = admin.go("/sessions?mos_below=3.6&status=ENDED", "rt-page-sessions tbody tr")
    expect(page.locator("tbody tr")).to_have_count(
        len(site.server.get("/sessions", mos_below=3.6, status="ENDED")["sessions"])
    )
    expect(page.locator("tbody tr").first).to_contain_text("Lossy")


def test_a_row_tells_what_the_api_tells(site: Console, admin: Visitor):
    (row,) = site.server.get("/sessions", search="Weekly")["sessions"]
    page = admin.go("/sessions?search=Weekly", "rt-page-sessions tbody tr")
    expect(page.locator("tbody tr")).to_have_count(1)
    shown = page.locator("tbody tr").inner_text()

    assert f"{row['mos']:.2f}" in shown
    assert re.search(rf"\b{row['total_participants']}\b", shown)
    counts = row["finding_counts"]
    badges = page.locator("tbody tr .col-findings rt-badge")
    assert badges.count() == sum(counts[kind] > 0 for kind in ("error", "warning", "info"))
    strip = row["quality_strip"]
    heights = page.locator("tbody tr rt-strip rect").evaluate_all(
        "(all) => all.map((one) => Number(one.getAttribute('height')))"
    )
    assert len(heights) == len(strip)
    assert any(strip)
    assert len(row["finding_strip"]) == len(strip)
    # Each bar is as high as its MOS says; a flat line is where nothing was measured.
    assert heights == [
        1 if mos is None else pytest.approx(3 + (mos - 1) / 3.5 * 11) for mos in strip
    ]
    assert page.locator("tbody time").first.get_attribute("datetime") == row["started_at"]
    assert "UTC" in (page.locator("tbody time").first.get_attribute("title") or "")


def test_paging_survives_a_reload_and_ends_politely(site: Console, admin: Visitor):
    page = admin.go("/sessions?page_no=9999", "rt-page-sessions rt-empty")
    expect(page.get_by_role("heading", name="The list ends before this page")).to_be_visible()
    page.get_by_role("link", name="To the first page").click()
    page.wait_for_selector("rt-page-sessions tbody tr")
    total = site.server.ask("GET", "/sessions").json()["paging"]["total_count"]
    expect(page.locator("rt-paging")).to_contain_text(f"of {total} sessions")


def test_the_whole_list_can_be_walked_by_keys(admin: Visitor):
    page = admin.go("/sessions", "rt-page-sessions tbody tr")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.href")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.href") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.href") == first
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_selector("rt-page-overview")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_selector("rt-page-sessions tbody tr")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#/sessions/[0-9a-f-]+"))


def test_the_first_stop_of_tab_skips_to_the_content(admin: Visitor):
    page = admin.go("/sessions", "rt-page-sessions tbody tr")
    page.reload()
    page.wait_for_selector("rt-page-sessions tbody tr")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


# --- settings -------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_can_be_revoked(site: Console, admin: Visitor):
    page = admin.go("/settings/tokens", "rt-settings-tokens rt-table")
    name = f"dashboard {EVIL}"
    page.fill("input[name=name]", name)
    page.get_by_role("button", name="Make the token").click()
    text = page.locator(".secret").inner_text()
    bearer = {"authorization": f"Bearer {text}"}
    assert site.server.ask("GET", "/sessions", headers=bearer).status_code == 200

    page.get_by_role("button", name="I have it").click()
    expect(page.locator(".secret")).to_have_count(0)
    assert text not in page.content()
    row = page.locator("tr", has_text="dashboard")
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name="Revoke for good").click()
    expect(row).to_contain_text("revoked")
    assert site.server.ask("GET", "/sessions", headers=bearer).status_code == 401


def test_an_app_is_made_and_chosen(admin: Visitor):
    page = admin.go("/settings/apps", "rt-settings-apps rt-table")
    name = f"Staging {time.time_ns()}"
    page.fill("input[name=name]", name)
    page.get_by_role("button", name="Make the app").click()
    page.locator(".app-choice select").select_option(label=name)
    page.locator(".places").get_by_role("link", name="Sessions").click()

    # A new app has no calls: the page says how to send the first one.
    expect(page.get_by_role("heading", name="No call has come in yet")).to_be_visible()
    expect(page.locator("rt-empty pre")).to_contain_text("/roomtone.js")
    page.go_back()


def test_a_webhook_is_made_and_its_log_sends_again(site: Console, admin: Visitor):
    page = admin.go("/settings/webhooks", "rt-settings-webhooks rt-table")
    page.get_by_role("button", name="New webhook").click()
    page.fill("input[name=name]", f"Hook {EVIL}")
    page.fill("input[name=url]", "http://127.0.0.1:9/here")
    page.get_by_role("button", name="Make the webhook").click()
    page.locator("tr", has_text="Hook").locator("a").click()
    page.wait_for_selector("rt-webhook-log")
    site.join(f"Told {EVIL}").leave()

    page.reload()
    row = page.locator("rt-webhook-log tr", has_text="meeting.started")
    expect(row).to_be_visible()
    row.get_by_role("button", name="Send again").click()
    expect(page.locator("rt-webhook-log [role=status]").first).to_contain_text("sent again")
    row.get_by_role("button", name="Details").click()
    expect(page.locator(".detail")).to_contain_text("rtk-uuid")


# --- everywhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_anywhere(site: Console, chromium: Browser, theme: str):
    require("typescript-7.3.0")  # axe-core is installed beside it
    assert AXE.exists(), "run make test"
    with visitor(chromium, site.url, color_scheme=theme, reduced_motion="reduce") as window:
        window.expected = ("/console/me",)
        window.page.goto(f"{site.url}/console")
        window.page.wait_for_selector("#token")
        found = {"sign in": window.axe()}
        window.sign_in(site.server.api_token)
        for name in PLACES:
            window.go(*place(site, name))
            window.page.wait_for_timeout(150)
            found[name] = window.axe()
        window.check()

    assert {name: said for name, said in found.items() if said} == {}


def test_a_phone_shows_every_page_without_scrolling_sideways(site: Console, chromium: Browser):
    size = {"width": 390, "height": 844}
    with visitor(chromium, site.url, viewport=size, has_touch=True, is_mobile=True) as window:
        window.sign_in(site.server.api_token)
        wide = {}
        for name in PLACES:
            page = window.go(*place(site, name))
            page.wait_for_timeout(100)
            wide[name] = page.evaluate("document.documentElement.scrollWidth")
        window.check()

    assert {name: width for name, width in wide.items() if width > size["width"]} == {}


def test_the_first_view_is_small(site: Console, chromium: Browser):
    answers: dict[str, Response] = {}
    with visitor(chromium, site.url) as window:
        window.page.on("response", lambda answer: answers.setdefault(answer.url, answer))
        window.page.goto(site.link())  # signed in, with an empty cache
        window.page.wait_for_selector("rt-page-sessions tbody tr")
        window.page.wait_for_timeout(300)
        sizes = {
            url: len(gzip.compress(answer.body(), 9))
            for url, answer in answers.items()
            if answer.status == 200 and not url.endswith("/live")
        }

    assert any("lit.js" in url for url in sizes)
    assert sum(sizes.values()) <= FIRST_VIEW_BYTES, sizes


def test_an_error_says_what_to_do_and_can_be_tried_again(admin: Visitor):
    page = admin.page
    admin.expected += ("sessions",)
    page.route("**/sessions?*", lambda route: route.fulfill(status=500, body="no JSON"))
    admin.go("/sessions?search=nothing-like-it", "rt-page-sessions rt-error button")
    expect(page.get_by_role("alert")).to_contain_text("500")
    page.unroute("**/sessions?*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("rt-page-sessions rt-empty")


def test_a_hash_that_somebody_made_up_runs_nothing(site: Console, admin: Visitor):
    for hash_ in (
        f"/sessions?search={quote(EVIL)}&status={quote(EVIL)}&finding={quote(EVIL)}",
        f"/sessions/{quote(EVIL, safe='')}",
        f"/settings/webhooks/{quote(EVIL, safe='')}",
        "/sessions/%E0%A4%A",
        f"/overview?range={quote(EVIL)}",
    ):
        admin.expected += ("422", "404", "400")
        admin.page.goto(f"{site.url}/console#{hash_}")
        admin.page.wait_for_selector("rt-outlet > *")
        admin.page.wait_for_timeout(150)
        admin.check()
