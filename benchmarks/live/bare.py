"""Yardstick: the same bytes to the same number of sockets, and nothing else.

Plain ASGI on the same server software, without a framework, a schema, rights or a database: what
uvicorn, its WebSockets and this machine allow.
"""

from typing import TYPE_CHECKING

from benchmarks.serving import serve

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ACK = {"type": "websocket.send", "text": '{"type":"connection_ack"}'}
ID = "00000000-0000-4000-8000-000000000000"


class Broadcast:
    """The sockets, and what each is sent when it comes."""

    def __init__(self) -> None:
        self.senders: set[Send] = set()
        self.picture: dict[str, str] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Let viewers in, and send what is posted to all of them."""
        if scope["type"] == "websocket":
            await self.let_in(receive, send)
        elif scope["type"] == "http":
            message = {"type": "websocket.send", "text": framed(await body_of(receive))}
            if scope["path"] == "/picture":
                self.picture = message
            else:
                for sender in list(self.senders):
                    await sender(message)
            start = {"type": "http.response.start", "status": 200}
            await send({**start, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await live_through(receive, send)

    async def let_in(self, receive: "Receive", send: "Send") -> None:
        """One viewer, from the handshake to the end."""
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        await receive()
        await send(ACK)
        await receive()
        self.senders.add(send)
        await send(self.picture)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.senders.discard(send)


def framed(payload: bytes) -> str:
    """A payload as graphql-transport-ws sends it."""
    return f'{{"id":"{ID}","type":"next","payload":{payload.decode()}}}'


async def body_of(receive: "Receive") -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def live_through(receive: "Receive", send: "Send") -> None:
    """Say that there is nothing to start or to stop."""
    for _ in range(2):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


if __name__ == "__main__":
    serve(Broadcast())
