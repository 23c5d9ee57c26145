"""The files open in what people use: LibreOffice, and the ``<track>`` of a video in Chromium."""

import http.server
import json
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from parts import CHROMIUM
from roomtone.formats.chat_csv import HEADER, chat_csv
from roomtone.formats.writing import write_transcript
from roomtone.model.words import Message, Segment, Speaker

STARTED_AT = 1_780_000_000_000
SAID = [
    ("Alice", "Hello everyone"),
    ("Zoë 👩‍💻", "Voilà: déjà vu, 会議を始めましょう"),
    ("=1+1", "=1+1"),
    ("@SUM(1+1)", '=HYPERLINK("https://example.com?"&A1,"click")'),
    ("", 'Note: "quoted", ;=2+2;\t=3+3'),
    ("Dr: Who", "<b>bold</b> & 1 < 2 --> {\\an8} &amp;"),
    ("Bob", "-1"),
    ("Bob", "+1"),
    ("שרה", "00:00:01,000 --> 00:00:02,000"),
]
TRANSCRIPT = [
    Segment(
        id=str(at),
        speaker=Speaker(peer_id=f"peer-{at}", user_id="=1+2", display_name=name),
        sentence=sentence,
        start_at=STARTED_AT + at * 1000,
        end_at=STARTED_AT + at * 1000 + 900,
    )
    for at, (name, sentence) in enumerate(SAID)
]
CHAT = [
    Message(
        id=str(at),
        speaker=Speaker(peer_id=f"peer-{at}", display_name=name),
        payload={"message": f"{text}\n=1+1\r\nlast"},
        sent_at=STARTED_AT + at,
        pinned=at % 2 == 0,
    )
    for at, (name, text) in enumerate(SAID)
]

ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TABLE, TEXT = ODF % "table", ODF % "text"
FORMULAS_ON = "CSV:{},34,76,1,,0,false,false,true,false,false,0,true"
"""Delimiters, quote, UTF-8, from line 1; the last: formulas are run (newer versions ask for it)."""
COMMA, ANY_DELIMITER = "44", "44/59/9"


def opened_in_libreoffice(csv: bytes, tmp_path: Path, delimiters: str = COMMA):
    """The cells that LibreOffice shows, row by row, and how many of them are formulas."""
    (tmp_path / "file.csv").write_bytes(csv)
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--headless",
            f"--infilter={FORMULAS_ON.format(delimiters)}",
            "--convert-to",
            "fods",
            "--outdir",
            tmp_path,
            tmp_path / "file.csv",
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    root = ET.parse(tmp_path / "file.fods").getroot()  # noqa: S314 - our own file
    rows = [_cells(row) for row in root.iter(f"{TABLE}table-row")]
    formulas = sum(f"{TABLE}formula" in cell.attrib for cell in root.iter(f"{TABLE}table-cell"))
    return [row for row in rows if any(row)], formulas


def _cells(row: ET.Element) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{TABLE}table-cell"):
        text = "\n".join("".join(p.itertext()) for p in cell.iter(f"{TEXT}p"))
        cells += [text] * min(int(cell.get(f"{TABLE}number-columns-repeated", "1")), 20)
    while cells and not cells[-1]:
        cells.pop()
    return cells


@pytest.mark.needs("libreoffice")
def test_libreoffice_would_run_a_formula_that_nobody_made_harmless(tmp_path):
    assert opened_in_libreoffice(b'"1000","=1+1"\r\n', tmp_path) == ([["1000", "2"]], 1)


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("delimiters", [COMMA, ANY_DELIMITER])
def test_libreoffice_opens_the_transcript_and_runs_nothing(tmp_path, delimiters):
    csv = b"".join(write_transcript("CSV", TRANSCRIPT, started_at=STARTED_AT))
    rows, formulas = opened_in_libreoffice(csv, tmp_path, delimiters)

    assert formulas == 0
    assert [len(row) for row in rows] == [6] * len(SAID)
    assert [row[0] for row in rows] == [str(at * 1000) for at in range(len(SAID))]
    assert [row[4].lstrip("'") for row in rows] == [name for name, _ in SAID]
    shown = [row[5].replace("\t", "").lstrip("'") for row in rows]
    assert shown == [sentence.replace("\t", "") for _, sentence in SAID]


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("delimiters", [COMMA, ANY_DELIMITER])
def test_libreoffice_opens_the_chat_and_runs_nothing(tmp_path, delimiters):
    csv = b"".join(chat_csv(CHAT, session_id="s", meeting_id="m"))
    rows, formulas = opened_in_libreoffice(csv, tmp_path, delimiters)

    assert formulas == 0
    assert rows[0] == list(HEADER)
    assert [len(row) for row in rows] == [10] * (len(SAID) + 1)
    assert [row[8].splitlines()[1:] for row in rows[1:]] == [["=1+1", "last"]] * len(SAID)


PAGE = """<!doctype html><meta charset="utf-8"><video muted></video><script>
const SECONDS = 12, RATE = 8000;
function silence() {  // a WAV, which any Chromium can play
  const view = new DataView(new ArrayBuffer(44 + SECONDS * RATE));
  const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + SECONDS * RATE, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true); view.setUint32(28, RATE, true); view.setUint16(32, 1, true);
  view.setUint16(34, 8, true); text(36, "data"); view.setUint32(40, SECONDS * RATE, true);
  for (let at = 44; at < view.byteLength; at++) view.setUint8(at, 128);
  return URL.createObjectURL(new Blob([view], {type: "audio/wav"}));
}
const next = (target, name) => new Promise((done, failed) => {
  target.addEventListener(name, done, {once: true});
  target.addEventListener("error", () => failed(new Error(name)), {once: true});
});
async function source() {
  if (!location.search) return "/words.vtt";
  // What pages do that show SRT: a header, points for the commas of the times, text as text.
  const words = await (await fetch("/words.srt")).text();
  const srt = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const times = /^(\\d+:\\d\\d:\\d\\d),(\\d{3}) --> (\\d+:\\d\\d:\\d\\d),(\\d{3})$/gm;
  return URL.createObjectURL(new Blob(["WEBVTT\\n\\n", srt.replace(times, "$1.$2 --> $3.$4")]));
}
async function shown() {
  const video = document.querySelector("video");
  const ready = next(video, "loadeddata");
  video.src = silence();
  await ready;
  const track = document.createElement("track");
  track.default = true;
  track.src = await source();
  const loaded = next(track, "load");
  video.append(track);
  track.track.mode = "showing";
  await loaded;
  const cues = [...track.track.cues].map(cue => [
    Math.round(cue.startTime * 1000), Math.round(cue.endTime * 1000),
    cue.getCueAsHTML().textContent]);
  const active = [];
  for (const [start, end] of cues) {
    const seeked = next(video, "seeked");
    video.currentTime = (start + end) / 2000;
    await seeked;
    await new Promise(done => setTimeout(done, 50));
    active.push([...track.track.activeCues].map(cue => cue.getCueAsHTML().textContent));
  }
  return {cues, active};
}
shown().catch(error => ({error: String(error)})).then(
  found => fetch("/found", {method: "POST", body: JSON.stringify(found)}));
</script>"""
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


class _Pages(http.server.BaseHTTPRequestHandler):
    """The page, its subtitles, and the place where it says what it found."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        files = {
            "/": ("text/html", PAGE.encode()),
            "/words.vtt": ("text/vtt", _written("VTT")),
            "/words.srt": ("application/x-subrip", _written("SRT")),
        }
        kind, body = files.get(path, ("text/plain", b""))
        self.send_response(200 if path in files else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.found = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()
        self.server.told.set()

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what went wrong."""


def _written(format_: str) -> bytes:
    return b"".join(write_transcript(format_, TRANSCRIPT, started_at=STARTED_AT))


def shown_in_chromium(tmp_path: Path, query: str):
    """What the page found: every cue (start, end in ms; text), and the active ones at each."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.told = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = next(name for name in CHROMIUM if shutil.which(name))
    browser = subprocess.Popen(
        [
            program,
            *QUIET,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"http://127.0.0.1:{server.server_port}/{query}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.told.wait(90), "the page never said what it found"
    finally:
        browser.terminate()
        browser.wait(30)
        server.shutdown()
        server.server_close()
    return server.found


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("query", ["", "?srt"], ids=["VTT", "SRT"])
def test_chromium_shows_the_cues_on_a_video(tmp_path, query):
    found = shown_in_chromium(tmp_path, query)

    # In SRT and before colons the invisible word joiner keeps a text from being taken for markup.
    assert [
        [start, end, text.replace("\u2060", "")] for start, end, text in found.get("cues", [found])
    ] == [
        [at * 1000, at * 1000 + 900, f"{name}: {sentence}" if name else sentence.replace("\t", " ")]
        for at, (name, sentence) in enumerate(SAID)
    ]
    assert found["active"] == [[text] for _, _, text in found["cues"]]
