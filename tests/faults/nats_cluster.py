"""Three NATS servers with JetStream, who elect leaders among them."""

import asyncio
from pathlib import Path

import nats
from journey_server import wait_for
from nats.errors import Error
from nats.js.errors import APIError

from own_servers import OwnNats, free_port

NODES = 3
STREAM = "roomtone"
LOOK_S = 2


class NatsCluster:
    """``nodes`` by name; ``url`` names all of them."""

    def __init__(self, folder: Path) -> None:
        ports = [free_port() for _ in range(NODES)]
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
        self.nodes = {
            f"n{number}": OwnNats(
                folder / f"n{number}",
                (
                    *("--name", f"n{number}", "--cluster_name", "faults"),
                    *("--cluster", f"nats://127.0.0.1:{port}", "--routes", routes),
                ),
            )
            for number, port in enumerate(ports)
        }
        for node in self.nodes.values():
            node.start()
        self.url = ",".join(node.url for node in self.nodes.values())
        wait_for("a leader of JetStream", self._ready)

    def leader(self) -> str:
        """The name of the node that leads the stream; waits for an election to end."""
        found: str = wait_for("a leader of the stream", lambda: asyncio.run(self._state())[0])
        return found

    def whole(self) -> bool:
        """Whether every node has all of the stream."""
        return asyncio.run(self._state())[1]

    def stop(self) -> None:
        """End all of them."""
        for node in self.nodes.values():
            node.stop()

    def _ready(self) -> bool:
        async def ask() -> bool:
            client = await self._client()
            try:
                await client.jetstream(timeout=LOOK_S).account_info()
            except (Error, APIError, TimeoutError):
                return False
            finally:
                await client.close()
            return True

        return asyncio.run(ask())

    async def _client(self) -> nats.NATS:
        up = [node.url for node in self.nodes.values() if node.runs]
        return await nats.connect(up, connect_timeout=LOOK_S, allow_reconnect=False)

    async def _state(self) -> tuple[str, bool]:
        client = await self._client()
        try:
            info = await client.jetstream(timeout=LOOK_S).stream_info(STREAM)
        except (Error, APIError, TimeoutError):
            return "", False
        finally:
            await client.close()
        group = info.cluster
        if group is None or not group.leader:
            return "", False
        followers = group.replicas or []
        whole = len(followers) == NODES - 1 and all(
            one.current and not one.offline and not one.lag for one in followers
        )
        return group.leader, whole
