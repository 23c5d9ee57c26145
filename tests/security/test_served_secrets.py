"""TLS by the server itself, and secrets that come by file or variable and are shown nowhere."""

import datetime
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from roomtone.cli import roomtone
from roomtone.cli.tls import check_tls
from roomtone.model.errors import Failed
from roomtone.settings import SETTINGS, Settings, exposed, load

SECRET = "s3cr3t-5f0c"
GIVEN = {
    "database": f"postgresql://u:{SECRET}@127.0.0.1:1/x",
    "journal": f"nats://u:{SECRET}@127.0.0.1:1",
    "ice_servers": f'[{{"urls": "turn:t", "username": "u", "credential": "{SECRET}"}}]',
    "metrics_token": SECRET,
    "summary_key": SECRET,
    "words_key": SECRET,
}


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    secret.chmod(0o600)
    return pem, secret


def test_a_certificate_makes_the_address_https(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    settings = Settings(tls_certificate=str(pem), tls_key=str(key), port=8443)

    assert settings.url == "https://127.0.0.1:8443"
    assert Settings(port=8443).url == "http://127.0.0.1:8443"
    for fine in (settings, Settings()):
        check_tls(fine)


def test_certificate_and_key_may_be_one_file(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + pem.read_bytes())
    both.chmod(0o600)

    check_tls(Settings(tls_certificate=str(both)))


@pytest.mark.parametrize("wrong", ["no file", "no certificate", "another's key", "key alone"])
def test_what_cannot_work_is_refused_at_the_start_without_a_stack_trace(
    tmp_path: Path, wrong: str
) -> None:
    pem, key = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text(SECRET)
    named = {
        "no file": {"tls_certificate": str(tmp_path / "none.pem")},
        "no certificate": {"tls_certificate": str(nonsense), "tls_key": str(key)},
        "another's key": {"tls_certificate": str(pem), "tls_key": str(other)},
        "key alone": {"tls_key": str(key)},
    }[wrong]

    with pytest.raises(Failed) as failed:
        check_tls(Settings(**named))

    assert "tls_" in failed.value.message
    assert SECRET not in failed.value.message


def test_a_key_that_others_may_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem, key = certificate(tmp_path)
    key.chmod(0o644)

    check_tls(Settings(tls_certificate=str(pem), tls_key=str(key)))

    assert "others may read the key" in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", GIVEN)
def test_every_secret_can_come_from_a_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(GIVEN[name] + "\n")
    variable = {f"ROOMTONE_{name.upper()}_FILE": str(file)}

    assert getattr(load({}, variable), name) == GIVEN[name]
    assert getattr(load({name: "other"}, variable), name) == "other"
    with pytest.raises(Failed) as failed:
        load({}, {f"ROOMTONE_{name.upper()}_FILE": str(tmp_path / "none")})
    assert f"{name}_file" in failed.value.message


def test_what_is_secret_is_marked_and_has_its_file() -> None:
    names = {setting.name for setting in SETTINGS}
    marked = {setting.name for setting in SETTINGS if setting.secret}

    assert marked == set(GIVEN)
    assert {f"{name}_file" for name in marked} <= names


def test_a_secret_that_is_given_as_a_flag_is_told_but_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roomtone.cli.options.load", lambda *_, **__: Settings(data=str(tmp_path)))
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in GIVEN.items()]

    said = CliRunner().invoke(roomtone, ["doctor", *flags]).output

    for name in GIVEN:
        assert f"ROOMTONE_{name.upper()} or --{name.replace('_', '-')}-file" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"database": "postgresql://u@h/x", "ice_servers": "stun:s.example"}, []),
        ({"journal": "nats://h:4222", "metrics_token": None, "summary_key": ""}, []),
        ({"journal": f"nats://h,nats://u:{SECRET}@h2"}, ["journal"]),
        ({"journal": f"nats://{SECRET}@h"}, ["journal"]),
        ({"database": f"postgresql://h/x?user=u&password={SECRET}"}, ["database"]),
        ({"database": f"postgresql://u@h/x?sslkey=k&sslpassword={SECRET}"}, ["database"]),
        (GIVEN, sorted(GIVEN)),
    ],
)
def test_only_what_holds_a_secret_is_told(flags: dict[str, Any], told: list[str]) -> None:
    assert sorted(setting.name for setting in exposed(flags)) == told


@pytest.mark.parametrize("name", ["database", "journal"])
def test_a_server_that_cannot_be_reached_is_named_without_its_password(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ROOMTONE_{name.upper()}", GIVEN[name])
    done = CliRunner().invoke(roomtone, ["init", "--data", str(tmp_path / "d")])

    assert SECRET not in done.output + repr(done.exception) + str(done.exc_info)


def test_the_server_speaks_tls_itself(tmp_path: Path) -> None:
    import subprocess
    import sys

    pem, key = certificate(tmp_path)
    arguments = ["serve", "--data", str(tmp_path / "data"), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "roomtone", *arguments, "--tls-certificate", pem, "--tls-key", key],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]
            assert url.startswith("https://127.0.0.1:")
            port = url.rpartition(":")[2]
            context = ssl.create_default_context(cafile=str(pem))
            with httpx.Client(
                base_url=f"https://localhost:{port}",
                verify=context,
                transport=httpx.HTTPTransport(verify=context, retries=20),
            ) as client:
                assert client.get("/healthz").status_code == 200
                headers = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}
                nobody = client.post("/console/sign-in", json={"token": "x"}, headers=headers)
                assert nobody.status_code == 401
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"https://localhost:{port}/healthz", verify=old)
        finally:
            process.terminate()
