"""The measurements of live views run, and their viewers count what they are sent."""

import asyncio
import sys
from uuid import uuid4

from benchmarks.live.viewers import INIT, TEXT, Crowd, Viewer, frame
from tests.processes import CHECKOUT

PATIENCE = 120
OPENED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"
SUBSCRIPTION = b'{"query":"subscription { changes }"}'


class Wire(asyncio.Transport):
    """Keeps what a viewer writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def sent(opcode: int, payload: bytes) -> bytes:
    """A frame as a server sends it."""
    if len(payload) < 126:
        return bytes((opcode, len(payload))) + payload
    if len(payload) < 2**16:
        return bytes((opcode, 126)) + len(payload).to_bytes(2) + payload
    return bytes((opcode, 127)) + len(payload).to_bytes(8) + payload


def update(text: str) -> bytes:
    return sent(TEXT, f'{{"id":"{uuid4()}","type":"next","payload":"{text}"}}'.encode())


def watching(crowd: Crowd) -> tuple[Viewer, Wire]:
    viewer = Viewer(crowd, SUBSCRIPTION, asyncio.get_running_loop().create_future())
    crowd.viewers.append(viewer)
    wire = Wire()
    viewer.connection_made(wire)
    return viewer, wire


async def test_frames_are_counted_once_whatever_pieces_they_come_in() -> None:
    stream = OPENED + sent(TEXT, b'{"type":"connection_ack"}') + update("x" * 70_000)
    stream += update("one") + sent(0x89, b"ping") + update("y" * 300)
    for size in (1, 2, 3, 7, 127, 4096, len(stream)):
        crowd = Crowd(0, [SUBSCRIPTION])
        viewer, wire = watching(crowd)
        crowd.expect(2)
        for place in range(0, len(stream), size):
            viewer.data_received(stream[place : place + size])
        assert len(await crowd.arrivals()) == viewer.seen == 2
        assert viewer.last.endswith(b'"payload":"' + b"y" * 300 + b'"}')
        assert crowd.first_failure == ""
        _, init, subscribe, pong = wire.written
        assert init == frame(TEXT, INIT)
        assert subscribe.endswith(b'"type":"subscribe","payload":' + SUBSCRIPTION + b"}")
        assert pong == frame(0x8A, b"ping")


async def test_a_viewer_who_missed_an_update_or_holds_another_is_wrong() -> None:
    crowd = Crowd(0, [SUBSCRIPTION])
    viewers = [watching(crowd)[0] for _ in range(5)]
    for viewer in viewers:
        opening = OPENED + sent(TEXT, b'{"type":"connection_ack"}') + update("first")
        viewer.data_received(opening + update("one"))
    assert crowd.wrong([1]) == 0
    assert crowd.wrong([2]) == 5
    for viewer in viewers[:3]:
        viewer.data_received(update("two"))
    viewers[3].data_received(update("another"))
    assert crowd.wrong([2]) == 2
    viewers[0].data_received(update("two"))
    assert crowd.wrong([2]) == 3


async def test_whatever_else_a_server_says_is_a_failure() -> None:
    crowd = Crowd(0, [SUBSCRIPTION])
    viewer, _ = watching(crowd)
    complaint = b'{"id":"1","type":"error","payload":[{"message":"No."}]}'
    viewer.data_received(OPENED + sent(TEXT, complaint))
    assert crowd.first_failure == complaint.decode()


async def test_the_measurements_run() -> None:
    words = ["--viewers", "20", "--rounds", "1", "--changes", "3", "--only", "one,stock,bare"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.live", *words),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        said, complained = (part.decode() for part in await process.communicate())
    assert process.returncode == 0, complained
    delivered, _, connected = said.partition("viewers coming")
    for title in ("one calendar", "booked by its own API", "bare broadcast", "stock Strawberry"):
        (row,) = [line for line in delivered.splitlines() if line.strip().startswith(title)]
        wrong = row.split()[-3]
        assert wrong == "0", row
    for title in ("one calendar", "bare broadcast", "stock Strawberry"):
        assert title in connected
    assert "The load generator took" in connected
