"""The keys of words that a database knows of: an openly kept row for each that something may still
be encrypted with, so that a process without it is told at its start and not by its first reader."""

from typing import TYPE_CHECKING

from roomtone.model.errors import Failed
from roomtone.storage.ciphers import Clear, shown_id
from roomtone.storage.connections import Connection

if TYPE_CHECKING:
    from roomtone.storage.keyring import Keys

NAME = "words_key:"
"""How the names of such rows begin, among the secrets; the key's id follows."""
_CONTENT = b"roomtone"

_LIST = "SELECT name, value FROM secrets WHERE name >= ? AND name < ? ORDER BY name"
_PUT = "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
_DROP = "DELETE FROM secrets WHERE name = ?"
_AFTER = NAME[:-1] + chr(ord(NAME[-1]) + 1)


def used_keys(connection: Connection) -> dict[str, bytes]:
    """By a key's id as people read it, what was encrypted with it when it was first used."""
    rows = connection.raw.execute(_LIST, (NAME, _AFTER)).fetchall()
    return {str(name).removeprefix(NAME): bytes(value) for name, value in rows}


def admit(connection: Connection, cipher: "Keys | Clear") -> None:
    """Hold the settings' keys against those that the database was used with, and note the one that
    encrypts from now on. Raises Failed where one is missing."""
    used = check(connection, cipher)
    name = shown_id(cipher.first)
    if cipher.encrypts and name not in used:
        value = cipher.encrypt((NAME, name), _CONTENT)
        connection.raw.execute(_PUT, (NAME + name, value))


def check(connection: Connection, cipher: "Keys | Clear") -> dict[str, bytes]:
    """Hold the settings' keys against those that the database was used with, which are returned.
    Raises Failed where one is missing."""
    used = used_keys(connection)
    missing = [name for name in used if bytes.fromhex(name) not in cipher.ids]
    if missing:
        if not cipher.ids:
            said, hint = "words_key is not set", "Set words_key (or words_key_file) to its key."
        else:
            said = "words_key does not hold it"
            hint = "Put that key back, behind the one that is to encrypt."
        raise Failed(
            f"Chats and transcripts here are encrypted with the key {missing[0]}, and {said}.",
            f"{hint} Without it they cannot be read by anybody (docs/operations.md, Encryption).",
        )
    for name, value in used.items():
        cipher.decrypt((NAME, name), value)
    return used


def retire(connection: Connection, cipher: "Keys") -> list[str]:
    """Note that nothing is encrypted any more with any key but the first, nor with that one if it
    only decrypts; the ids of those that were given up."""
    kept = shown_id(cipher.first) if cipher.encrypts else None
    gone = [name for name in used_keys(connection) if name != kept]
    for name in gone:
        connection.raw.execute(_DROP, (NAME + name,))
    return gone


def carry(source: Connection, target: Connection) -> None:
    """Take the rows along into another database, whose words are the same bytes."""
    for name, value in used_keys(source).items():
        target.raw.execute(_PUT, (NAME + name, value))
