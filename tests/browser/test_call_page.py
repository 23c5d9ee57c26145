"""The call page with one person on it: every state says what to do, by eye, by keyboard, aloud."""

import re
from collections.abc import Iterator

import pytest
from call_party import Guest, link
from playwright.sync_api import Browser

from journeys.journey_server import JourneyServer
from parts import ENVS

pytestmark = [pytest.mark.needs("chromium")]

AXE = ENVS / "node" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => {
  const { violations } = await axe.run();
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}"""
PHONE = {"width": 390, "height": 780}


@pytest.fixture(scope="module")
def invited(roomtone_server: JourneyServer) -> str:
    """A link."""
    return link(roomtone_server, "Planning")[1]


@pytest.fixture
def guest(chromium: Browser) -> Iterator[Guest]:
    """Somebody with a camera and a microphone."""
    context = chromium.new_context(permissions=["camera", "microphone"])
    yield Guest(context.new_page(), "Ana")
    context.close()


@pytest.fixture
def bare(chromium: Browser) -> Iterator[Guest]:
    """Somebody whose browser lets the page use nothing."""
    context = chromium.new_context()
    found = Guest(context.new_page(), "Ana")
    denied = "() => Promise.reject(new DOMException('', 'NotAllowedError'))"
    found.page.add_init_script(f"navigator.mediaDevices.getUserMedia = {denied}")
    yield found
    context.close()


def notice(guest: Guest, url: str) -> str:
    guest.page.goto(url)
    guest.page.wait_for_selector("#notice:not([hidden])")
    return guest.page.inner_text("#notice")


def test_without_an_invitation_it_says_how_to_get_one(
    guest: Guest, roomtone_server: JourneyServer
) -> None:
    said = notice(guest, f"{roomtone_server.url}/call/{'a' * 8}")
    assert "You need an invitation" in said
    assert "roomtone call aaaaaaaa" in said


def test_with_a_wrong_invitation_it_says_so(guest: Guest, invited: str) -> None:
    said = notice(guest, invited + "x")
    assert "does not open the call" in said
    assert "incomplete or was changed" in said


def test_a_nameless_person_is_asked_for_a_name(guest: Guest, invited: str) -> None:
    guest.open(invited)
    guest.page.fill("#name", "  ")
    guest.page.press("#name", "Enter")
    assert "Write a name" in guest.page.inner_text("#name-fault")


def test_without_devices_one_is_told_what_to_do_and_may_join(bare: Guest, invited: str) -> None:
    bare.open(invited)
    bare.until("!document.querySelector('#device-fault').hidden")
    assert "Allow it beside the address bar" in bare.page.inner_text("#device-fault")
    bare.join()
    bare.until("!document.querySelector('#alone').hidden")
    bare.leave()
    assert bare.faults == []


def test_a_reload_is_the_same_person_and_a_second_tab_another(
    guest: Guest, roomtone_server: JourneyServer
) -> None:
    meeting, url = link(roomtone_server, "Two tabs")
    people = f"/meetings/{meeting}/participants"
    guest.open(url)
    guest.join()
    guest.page.reload()
    guest.page.wait_for_selector("#lobby:not([hidden])")
    assert guest.page.input_value("#name") == "Ana"
    guest.join()
    assert len(roomtone_server.get(people)) == 1
    second = Guest(guest.page.context.new_page(), "Bo")
    second.open(url)
    second.join()
    second.sees(1)
    assert len(roomtone_server.get(people)) == 2
    second.leave()
    guest.leave()


def test_every_control_has_a_key(guest: Guest, invited: str) -> None:
    guest.open(invited)
    guest.join()
    keyboard, page = guest.page.keyboard, guest.page
    keyboard.press("m")
    assert page.inner_text("#mic") == "Unmute"
    keyboard.press("m")
    assert page.inner_text("#mic") == "Mute"
    guest.until("document.querySelector('#cam').textContent.includes('Stop')")
    keyboard.press("v")
    assert page.inner_text("#cam") == "Start video"
    keyboard.press("c")
    assert page.evaluate("document.activeElement.id") == "chat-text"
    keyboard.press("m")
    assert page.input_value("#chat-text") == "m", "in the chat a key is a letter"
    keyboard.press("Escape")
    assert page.is_hidden("#chat")
    assert page.evaluate("document.activeElement.id") == "talk"
    keyboard.press("l")
    assert page.get_attribute("#cc", "aria-pressed") == "true"
    guest.leave()
    assert re.search(r"You were in it for 0:\d\d", page.inner_text("#end-text"))
    assert page.evaluate("document.activeElement.id") in ("rejoin", "")
    assert guest.faults == []


@pytest.mark.needs("typescript-7.3.0")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_and_nothing_overflows_a_phone(
    guest: Guest, invited: str, theme: str
) -> None:
    guest.page.add_init_script(f"localStorage.setItem('roomtone.call.theme', '{theme}')")
    guest.page.set_viewport_size(PHONE)
    guest.open(invited)
    faults = checked(guest, "lobby")
    guest.join()
    faults += checked(guest, "call")
    guest.write("A message")
    faults += checked(guest, "chat")
    guest.page.click("#chat-close")
    guest.page.click("#devices")
    faults += checked(guest, "devices")
    guest.page.click("#device-dialog .primary")
    guest.leave()
    faults += checked(guest, "end")
    notice(guest, invited.partition("?")[0])
    faults += checked(guest, "notice")
    assert faults == []


def checked(guest: Guest, where: str) -> list[str]:
    """What is wrong with the page as it is."""
    guest.page.wait_for_timeout(200)  # colours take a moment to change
    guest.page.evaluate(AXE.read_text())
    faults: list[str] = guest.page.evaluate(SERIOUS)
    width = guest.page.evaluate("document.documentElement.scrollWidth")
    if width > PHONE["width"]:
        faults.append(f"{width} px wide")
    return [f"{where}: {fault}" for fault in faults]
