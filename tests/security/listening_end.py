"""The other end of a socket, which listens on a thread of its own: a server that should end the
socket, and does not, makes a test fail and not wait for ever."""

from threading import Event, Thread

from anyio import ClosedResourceError
from starlette.testclient import WebSocketDisconnect, WebSocketTestSession

PATIENCE_S = 20


class ListeningEnd:
    """Hears everything, until the server or the test ends the socket."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self._socket = socket
        self._code = 0
        self.ended = Event()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                self._socket.receive_text()
        except WebSocketDisconnect as closed:
            self._code = closed.code
        except ClosedResourceError:
            return  # the test has ended it
        self.ended.set()

    def code(self) -> int:
        """What the server ends it with."""
        assert self.ended.wait(PATIENCE_S), "the server did not end it"
        return self._code
