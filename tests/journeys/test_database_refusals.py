"""What an operator is told whom PostgreSQL does not let in: what to look at, and no password."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey_server import roomtone_command

from own_servers import OwnPostgres
from roomtone.model.errors import Failed
from roomtone.storage.database import connected

pytestmark = [pytest.mark.slow, pytest.mark.needs("own-servers")]

SECRET = "s3cr3t"
LOCAL = "127.0.0.1/32"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    server = OwnPostgres(tmp_path_factory.mktemp("postgres")).start()
    server.run("CREATE USER app PASSWORD 'right'")
    server.run("CREATE USER sleeper NOLOGIN")
    server.run("CREATE USER crowd CONNECTION LIMIT 0")
    ((rules,),) = server.run("SHOW hba_file")
    file = Path(rules)
    own = f"host all app {LOCAL} scram-sha-256\nhost all banned {LOCAL} reject\n"
    file.write_text(own + file.read_text())
    server.run("SELECT pg_reload_conf()")
    yield server
    server.stop()


def refused(url: str) -> Failed:
    """What who connects so is told."""
    with pytest.raises(Failed) as told:
        connected(url)
    assert SECRET not in f"{told.value.message} {told.value.hint} {told.value!r}"
    return told.value


@pytest.mark.parametrize("who", [f"app:{SECRET}", "app", f"nobody:{SECRET}", "sleeper", "banned"])
def test_whoever_is_not_let_in_is_told_to_look_at_user_and_password(
    postgres: OwnPostgres, who: str
) -> None:
    told = refused(f"postgresql://{who}@127.0.0.1:{postgres.port}/postgres")
    assert "user and the password" in (told.hint or "")


def test_a_database_that_does_not_exist_is_to_be_made(postgres: OwnPostgres) -> None:
    told = refused(f"postgresql://app:right@127.0.0.1:{postgres.port}/none")
    assert '"none" does not exist' in told.message
    assert "Create the database" in (told.hint or "")


def test_a_database_that_cannot_hold_every_text_is_refused_in_one_sentence(
    postgres: OwnPostgres, tmp_path: Path
) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    url = f"postgresql://app:right@127.0.0.1:{postgres.port}/latin"
    assert "LATIN1" in refused(url).message
    asked = roomtone_command("migrate", "--data", tmp_path / "data", database=url)
    assert asked.returncode == 1
    assert len(asked.stderr.strip().splitlines()) == 2, asked.stderr
    assert "ENCODING 'UTF8'" in asked.stderr


def test_too_many_connections_are_told_as_such(postgres: OwnPostgres) -> None:
    told = refused(f"postgresql://crowd@127.0.0.1:{postgres.port}/postgres")
    assert "max_connections" in (told.hint or "")


def test_only_where_nobody_answers_postgresql_is_to_be_started() -> None:
    told = refused(f"postgresql://app:{SECRET}@127.0.0.1:1/postgres")
    assert "Start PostgreSQL" in (told.hint or "")


@pytest.mark.parametrize("password", ["p@{}", "p/{}", "p%{}", "p {}", "{}/9", "p@{}@q"])
def test_a_password_that_breaks_the_address_is_not_shown(password: str) -> None:
    told = refused(f"postgresql://app:{password.format(SECRET)}@127.0.0.1:1/postgres")
    assert "%40" in (told.hint or "")


@pytest.mark.parametrize("password", ["p:{}", "p?{}", "p%40{}", "p#{}"])
def test_a_password_that_does_not_break_it_is_taken_as_it_is(password: str) -> None:
    told = refused(
        f"postgresql://app:{password.format(SECRET)}@127.0.0.1:1/postgres?application_name=a@b"
    )
    assert "Start PostgreSQL" in (told.hint or "")


def test_an_address_may_leave_all_of_it_to_libpqs_own_variables(
    postgres: OwnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("HOST", "127.0.0.1"), ("PORT", postgres.port), ("USER", "roomtone")):
        monkeypatch.setenv(f"PG{name}", str(value))
    monkeypatch.setenv("PGDATABASE", "postgres")
    connected("postgresql://").close()


def test_a_command_says_so_in_two_lines(postgres: OwnPostgres, tmp_path: Path) -> None:
    url = f"postgresql://app:{SECRET}@127.0.0.1:{postgres.port}/postgres"
    done = roomtone_command("migrate", "--data", tmp_path / "data", database=url)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert "user and the password" in done.stderr
    assert SECRET not in done.stderr + done.stdout
