"""A whole Roomtone in this process, with two accounts: a victim who has one of everything, and a
neighbour who would like to see it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from msgspec import structs
from starlette.testclient import TestClient

from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, LIVE, Peer, Session
from roomtone.model.subjects import subject_key
from roomtone.model.tenancy import ADMIN, READ
from roomtone.services.tenants import FirstStart
from roomtone.settings import Settings
from roomtone.wiring import Roomtone
from roomtone.wiring.site import site as make_site

PRIVATE = "Merger-talks-with-Hollow-Oak"
"""In everything that the victim has: it must be in no answer to anybody else."""
URL = "http://roomtone.test"


class Tenant:
    """An account with an app, and what a caller needs of it."""

    def __init__(self, account_id: str, app_id: str, token: str) -> None:
        self.account_id = account_id
        self.app_id = app_id
        self.token = token
        self.other_app_id = ""
        self.ids: dict[str, str] = {}
        """By the name of a path's parameter."""
        self.participant_token = ""
        self.peer_id = ""

    @property
    def bearer(self) -> dict[str, str]:
        return bearer(self.token)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class TwoTenants:
    """The site, its services, and both tenants."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.roomtone = Roomtone(
            Settings(
                data=str(folder), base_url=URL, rate_limit=0, ingest_limit=0, metrics=True,
                metrics_token="a scraper's token", **settings,
            )
        )  # fmt: skip
        self.application = make_site(self.roomtone, self._alone)
        self.client = TestClient(self.application, base_url=URL, raise_server_exceptions=False)

    @asynccontextmanager
    async def _alone(self, _: Any) -> AsyncIterator[None]:
        """No loops: what is in the rows is what the requests put there."""
        yield
        await self.roomtone.close()

    def open(self) -> None:
        """Give both tenants what they have."""
        self.client.__enter__()
        tenants = self.roomtone.tenants
        first: FirstStart = self.run(tenants.first_start)
        self.victim = Tenant(first.account.id, first.app.id, first.issued.text)
        account = self.run(tenants.create_account, "Neighbour")
        app = self.run(tenants.create_app, account.id, "Neighbour's")
        issued = self.run(tenants.create_token, account.id, None, "neighbour", ADMIN)
        self.neighbour = Tenant(account.id, app.id, issued.text)
        self.victim.other_app_id = self.run(
            tenants.create_app, self.victim.account_id, "Sibling"
        ).id
        for tenant, word in ((self.victim, PRIVATE), (self.neighbour, "nothing special")):
            self._furnish(tenant, word)

    def close(self) -> None:
        self.client.__exit__(None, None, None)

    def run(self, call: Any, *arguments: Any) -> Any:
        """Call one of the services on the site's own event loop."""
        assert self.client.portal is not None
        return self.client.portal.call(call, *arguments)

    def token(self, tenant: Tenant, scope: str = ADMIN, app_id: str | None = None) -> str:
        """Another API token of an account."""
        made = self.run(
            self.roomtone.tenants.create_token, tenant.account_id, app_id, "another", scope
        )
        return str(made.text)

    def revoked(self, tenant: Tenant) -> str:
        """A token that was good until a moment ago."""
        tenants = self.roomtone.tenants
        made = self.run(tenants.create_token, tenant.account_id, None, "revoked", READ)
        self.run(tenants.revoke_token, tenant.account_id, made.token.id)
        return str(made.text)

    def path(self, tenant: Tenant, path: str, app_id: str | None = None) -> str:
        """Below an app of a tenant."""
        app = tenant.app_id if app_id is None else app_id
        return f"/client/v4/accounts/{tenant.account_id}/realtime/kit/{app}{path}"

    def ask(self, tenant: Tenant, method: str, path: str, **more: Any) -> httpx.Response:
        """As the tenant itself, below its own app."""
        return self.client.request(method, self.path(tenant, path), headers=tenant.bearer, **more)

    def made(self, tenant: Tenant, path: str, body: Any) -> dict[str, Any]:
        """What a POST that succeeds made."""
        answer = self.ask(tenant, "POST", path, json=body)
        assert answer.is_success, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def _furnish(self, tenant: Tenant, word: str) -> None:
        meeting = self.made(tenant, "/meetings", {"title": word})["id"]
        person = self.made(
            tenant,
            f"/meetings/{meeting}/participants",
            {
                "custom_participant_id": f"{word}-{tenant.app_id}",
                "preset_name": "group_call_host",
                "name": word,
            },
        )
        preset = self.made(tenant, "/presets", {"name": word})["id"]
        hook = self.made(
            tenant,
            "/webhooks",
            {"name": word, "url": "https://hooks.example.com/x", "events": ["meeting.started"]},
        )["id"]
        inlet = self.made(tenant, "/inlets", {"kind": "generic", "name": word})["id"]
        made = self.run(
            self.roomtone.tenants.create_token, tenant.account_id, tenant.app_id, word, READ
        )
        session, peer = str(uuid4()), str(uuid4())
        self.run(self._record, tenant, session, meeting, person["id"], peer, word)
        tenant.participant_token = person["token"]
        tenant.peer_id = peer
        tenant.ids = {
            "session_id": session,
            "participant_id": person["id"],
            "peer_id": peer,
            "meeting_id": meeting,
            "preset_id": preset,
            "webhook_id": hook,
            "delivery_id": str(uuid4()),
            "inlet_id": inlet,
            "token_id": made.token.id,
            "named_app_id": tenant.app_id,
        }

    async def _record(
        self, tenant: Tenant, session_id: str, meeting: str, user: str, peer_id: str, word: str
    ) -> None:
        """A session that ended an hour ago, and somebody who was there."""
        now = self.roomtone.clock.now()
        start, end = now - 7_200_000, now - 3_600_000
        session = Session(
            id=session_id, app_id=tenant.app_id, meeting_id=meeting, title=word, status=ENDED,
            started_at=start, ended_at=end, created_at=start, updated_at=end,
        )  # fmt: skip
        live = structs.replace(session, id=str(uuid4()), status=LIVE, ended_at=None)
        peer = Peer(
            subject=subject_key(tenant.app_id, user, peer_id), app_id=tenant.app_id,
            session_id=session_id, peer_id=peer_id, user_id=user,
            custom_participant_id=word, display_name=word, preset_name="group_call_host",
            joined_at=start, left_at=end, last_sign_at=end,
            presence=Presence(joins=((start, "call_join"),), leaves=((end, "disconnect"),)),
            created_at=start, updated_at=end,
        )  # fmt: skip

        def put(tx: Any) -> None:
            tx.sessions.put_session(session)
            tx.sessions.put_session(structs.replace(live, meeting_id=str(uuid4())))
            tx.sessions.put_peer(peer)

        await self.roomtone.records.write(put)

    def rows_of(self, tenant: Tenant) -> dict[str, list[str]]:
        """Every row of the database that is a tenant's, as text."""

        def rows(connection: Any) -> dict[str, list[str]]:
            raw = connection.raw
            names = [
                row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            found: dict[str, list[str]] = {}
            for name in names:
                columns = [row[1] for row in raw.execute(f"PRAGMA table_info({name})")]
                for column, value in (("app_id", tenant.app_id), ("account_id", tenant.account_id)):
                    if column in columns:
                        held = raw.execute(f"SELECT * FROM {name} WHERE {column} = ?", (value,))
                        found[f"{name}.{column}"] = sorted(map(repr, held.fetchall()))
            return found

        read: dict[str, list[str]] = self.roomtone.database.peek(rows)
        return read


@contextmanager
def two_tenants(folder: Path, **settings: Any) -> Iterator[TwoTenants]:
    """The site, closed afterwards."""
    site = TwoTenants(folder, **settings)
    site.open()
    try:
        yield site
    finally:
        site.close()


def batch(peer_id: str, now: int) -> bytes:
    """A join, as the collector's script sends it."""
    entry = {"event": "call_join", "timestamp": now}
    return json.dumps({"peer_id": peer_id, "entries": [entry]}).encode()
