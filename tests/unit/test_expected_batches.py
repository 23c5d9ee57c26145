"""Of a burst, as many batches are let in as there are places, though none has taken its own yet."""

import asyncio

from roomtone.web.traffic import Traffic

BATCH = b"POST /v1/collect HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}"
READ = b"GET /v2/apps HTTP/1.1\r\nhost: here\r\n\r\n"


async def nobody(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nothing is parsed here")


def test_places_that_are_being_taken_count() -> None:
    async def story() -> None:
        traffic = Traffic(nobody, most_batches=2)
        assert [traffic.early(BATCH) for _ in range(2)] == [None, None]
        refused = traffic.early(BATCH)
        assert refused is not None
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert traffic.early(READ) is None
        # Their tasks have had their turn: whoever took a place is counted as waiting now.
        await asyncio.sleep(0)
        assert traffic.early(BATCH) is None

    asyncio.run(story())


def test_reads_take_no_place_of_a_batch() -> None:
    async def story() -> None:
        traffic = Traffic(nobody, most_batches=1)
        for _ in range(9):
            assert traffic.early(READ) is None
        assert traffic.early(BATCH) is None

    asyncio.run(story())
