"""The browser collector as text: typed throughout, and of getStats() it sends what is kept."""

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from parts import ENVS
from roomtone.model import stats
from roomtone.web import assets

TSC = ENVS / "node" / "node_modules" / "typescript" / "bin" / "tsc"
SCRIPTS = ("roomtone.js", "roomtone-precall.js")
NOT_SENT = {
    "local-candidate": {"relatedAddress", "relatedPort"},
    "remote-candidate": {"relayProtocol", "networkType", "relatedAddress", "relatedPort", "url"},
}
"""What a report has no need of: a private address more, and what is unknown of the other end."""


def sent() -> dict[str, set[str]]:
    """The members that roomtone.js sends of each type, read by Node from its own table."""
    source = assets.text("roomtone.js")
    table = re.search(r"const RTP.*?^}\n", source, re.MULTILINE | re.DOTALL).group(0)
    run = subprocess.run(
        ["node", "-e", table + "console.log(JSON.stringify(MEMBERS))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {kind: set(members) for kind, members in json.loads(run.stdout).items()}


@pytest.mark.needs("node")
def test_of_getstats_it_sends_what_roomtone_keeps_and_nothing_else() -> None:
    kept = {}
    for kind in get_args(stats.KeptStat):
        tag = kind.__struct_config__.tag
        members = {field.encode_name for field in msgspec.structs.fields(kind)}
        kept[tag] = (members | {"type"}) - NOT_SENT.get(tag, set())

    assert sent() == kept


@pytest.mark.needs("typescript-7.3.0")
def test_the_collector_is_typed_and_keeps_to_its_published_types(tmp_path: Path) -> None:
    folder = Path(assets.__file__).parent / "assets"
    use = tmp_path / "use.ts"
    use.write_text(
        f"""
import {{ observe, type Options }} from {json.dumps(str(folder / "roomtone.js"))};
import {{ precall }} from {json.dumps(str(folder / "roomtone-precall.js"))};
const options: Options = {{ url: "https://a.example", token: async () => "t", intervalMs: 5000 }};
export async function run(pc: RTCPeerConnection) {{
  const found = await precall({{ url: "https://a.example", iceServers: [] }});
  const seen = observe({{ ...options, precall: found, connections: [pc] }});
  seen.identify(pc, seen.peerId);
  seen.say("hand_raised", {{ at: 1 }});
  // @ts-expect-error a source that is none
  seen.label("id", {{ source: "telephone" }});
  const sent: boolean = await seen.flush();
  await seen.stop();
  return sent;
}}
"""
    )
    config = {
        "compilerOptions": {
            "allowJs": True, "checkJs": True, "strict": True, "noEmit": True, "types": [],
            "noUncheckedIndexedAccess": True, "noUnusedLocals": True, "noUnusedParameters": True,
            "allowImportingTsExtensions": True, "target": "es2023", "module": "esnext",
            "lib": ["es2023", "dom", "dom.iterable"], "moduleResolution": "bundler",
        },
        "files": [*(str(folder / name) for name in SCRIPTS), str(use)],
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))

    run = subprocess.run(["node", TSC, "-p", tmp_path], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout) == (0, "")
