"""What the source itself must not do, found by reading it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src" / "roomtone"
MODULES = sorted(SRC.rglob("*.py"))
SECRET = re.compile(
    r"(^|_)(secret|secrets|password|passwd|credential|signature|mac|hmac|digest|sha256|sha1|"
    r"token|tokens|key_text|bearer|authorization|cookie|ticket|sum|checksum)$"
)
ALLOWED = {
    ("storage/backup.py", "sha256"),  # of a file that was written, beside it
}
CONSTANT_TIME = {
    "services/tenants.py",  # API tokens
    "web/metrics.py",  # the scraper's token
    "web/inlets/signatures.py",  # what servers sign or log in with
    "web/inlets/sockets.py",  # secrets in addresses
    "web/inlets/peermetrics.py",  # its API key
}
"""Where something secret is compared by ourselves, in constant time. Participant tokens are PyJWT's
to compare, links, invitations, cookies and tickets itsdangerous's; both use hmac.compare_digest."""
XML = {"xml", "lxml", "expat", "pyexpat", "xmltodict", "defusedxml", "html5lib", "bs4"}
DANGEROUS_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads",
    "marshal.load", "marshal.loads", "shelve.open", "yaml.load", "tempfile.mktemp",
    "ssl._create_unverified_context",
}  # fmt: skip


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def last_name(node: ast.AST) -> str:
    """``b`` of ``a.b``, ``a`` of ``a``, ``x`` of ``a["x"]``; else nothing."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(attr="encode" | "strip" | "hexdigest" | "digest") as of):
            return "digest" if of.attr.endswith("digest") else last_name(of.value)
    return ""


def equalities(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """(line, name, text) of what is compared and named like a secret, neither side a constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if not any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            continue
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        for side in sides:
            if SECRET.search(last_name(side).lower()):
                yield node.lineno, last_name(side), ast.unparse(node)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_secret_is_compared_with_an_equality(path: Path) -> None:
    found = [
        (line, text)
        for line, name, text in equalities(tree_of(path))
        if (name_of(path), name) not in ALLOWED
    ]

    assert found == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("given == inlet.secret", True),
        ("self._token != sent", True),
        ("a.hexdigest() == b", True),
        ('said["token"] == x', True),
        ("hmac.compare_digest(a, b)", False),
        ("kind == 'token'", False),
        ("token.scope == scope", False),
    ],
)
def test_the_search_for_such_equalities_finds_them(text: str, *, is_found: bool) -> None:
    assert bool(list(equalities(ast.parse(text)))) == is_found


def test_what_is_secret_is_compared_in_constant_time_where_we_say() -> None:
    found = {name_of(path) for path in MODULES if "compare_digest(" in path.read_text()}

    assert found >= CONSTANT_TIME
    assert found - CONSTANT_TIME == set(), "name the place in CONSTANT_TIME and docs/threats.md"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_xml_is_parsed_at_all(path: Path) -> None:
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)

    assert {name for name in names if XML & set(name.split("."))} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_runs_what_it_was_sent(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        assert ast.unparse(node.func) not in DANGEROUS_CALLS, node.lineno
        for given in node.keywords:
            said = ast.unparse(given.value)
            assert not (given.arg == "shell" and said != "False"), node.lineno
            assert not (given.arg == "verify" and said == "False"), node.lineno
            assert given.arg != "verify_signature", node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_secrets_are_made_by_the_operating_system(path: Path) -> None:
    """``random`` can be foretold; where it is used, no secret is made."""
    if re.search(r"^\s*(import random|from random import)", path.read_text(), re.MULTILINE):
        assert not re.search(r"secret|token|password|nonce", path.read_text(), re.IGNORECASE)
