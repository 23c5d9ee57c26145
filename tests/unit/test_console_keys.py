"""Tickets open once and soon, cookies end, and neither can be made by anybody else."""

import pytest

from roomtone.model.errors import Unauthenticated
from roomtone.model.limits import MAX_CONSOLE_SIGN_OUTS
from roomtone.web.console.keys import COOKIE_MS, TICKET_MS, ConsoleKeys

SECRET = b"0123456789abcdef"
START = 1_767_225_600_000
DIGEST = bytes(range(32))


def keys(since: int = START, secret: bytes = SECRET) -> ConsoleKeys:
    return ConsoleKeys(secret, since)


def test_a_ticket_names_the_token_and_opens_once():
    held = keys()
    ticket = held.ticket(DIGEST, START)

    assert held.take(ticket, START + 1) == DIGEST
    with pytest.raises(Unauthenticated, match="used already"):
        held.take(ticket, START + 2)


def test_a_ticket_is_good_for_ten_minutes():
    held = keys()

    assert held.take(held.ticket(DIGEST, START), START + TICKET_MS) == DIGEST
    with pytest.raises(Unauthenticated, match="too old"):
        held.take(held.ticket(DIGEST, START), START + TICKET_MS + 1)


def test_a_restart_makes_no_used_ticket_good_again():
    before = keys()
    ticket = before.ticket(DIGEST, START + 5)
    before.take(ticket, START + 6)

    with pytest.raises(Unauthenticated):
        keys(since=START + 10).take(ticket, START + 11)


def test_a_ticket_of_another_process_on_the_same_folder_opens():
    assert keys(since=START).take(keys(since=START + 9).ticket(DIGEST, START + 9), START + 9)


@pytest.mark.parametrize("text", ["", "x", "a.b", "é" * 50, "A" * 5000])
def test_what_was_not_made_here_opens_nothing(text: str):
    held = keys()

    with pytest.raises(Unauthenticated):
        held.take(text, START)
    with pytest.raises(Unauthenticated):
        held.visit(text, START)


def test_another_folders_tickets_and_cookies_open_nothing():
    other, held = keys(secret=b"another secret!!"), keys()

    with pytest.raises(Unauthenticated):
        held.take(other.ticket(DIGEST, START), START)
    with pytest.raises(Unauthenticated):
        held.visit(other.cookie(DIGEST, START)[0], START)
    assert other.cookie_name != held.cookie_name


def test_a_ticket_is_no_cookie_and_a_cookie_no_ticket():
    held = keys()

    with pytest.raises(Unauthenticated):
        held.visit(held.ticket(DIGEST, START), START)
    with pytest.raises(Unauthenticated):
        held.take(held.cookie(DIGEST, START)[0], START)


def test_a_cookie_ends_after_twelve_hours_or_when_its_holder_signs_out():
    held = keys()
    value, visit = held.cookie(DIGEST, START)

    assert held.visit(value, START + COOKIE_MS) == visit
    with pytest.raises(Unauthenticated):
        held.visit(value, START + COOKIE_MS + 1)
    held.sign_out(visit, START)
    with pytest.raises(Unauthenticated):
        held.visit(value, START + 1)


def test_what_is_used_up_is_remembered_within_bounds():
    held = keys()
    first = held.ticket(DIGEST, START)
    held.take(first, START)
    for _ in range(MAX_CONSOLE_SIGN_OUTS):
        held.take(held.ticket(DIGEST, START + 1), START + 1)
    latest = held.ticket(DIGEST, START + 2)
    held.take(latest, START + 2)

    assert len(held._used._used) <= MAX_CONSOLE_SIGN_OUTS
    with pytest.raises(Unauthenticated):
        held.take(latest, START + 3)
