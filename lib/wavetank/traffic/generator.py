"""The generator: sends requests on schedule whatever the answers do, and measures how well it kept to it.

It is an open model. Visitors do not wait for each other, so a stalled target still gets its requests, and the latency
of each counts from the moment it was due: a stall of two seconds shows up in everything that was due in them. A
generator that waits for an answer before it sends the next request would hide all but one (Gil Tene calls it
coordinated omission). What the generator itself does wrong - a request sent late, or not at all - it counts and
reports too.

It may stand still itself: its container is paused, its machine sleeps. What came due then is not sent afterwards, as
one wave that nobody has ordered; it is counted as not sent, in the second in which it was due, and each second tells
how much of it the generator stood still. The load ends when it would have ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from wavetank.clock import sleepless
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.record import Second, Summary

__all__ = ["MAX_IN_FLIGHT", "TOO_LATE", "Generator", "Request"]

MAX_IN_FLIGHT = 1000
"""Requests that may wait for an answer at once; one more cannot be sent, which breaks the schedule."""

VISIT = 10
"""Requests on one connection before it is closed: visitors come and go, so new pods get their share of the load."""

TOO_LATE = 2.0
"""Seconds after which a request that could not be sent is not sent any more, and a silent generator stood still."""

_LONGEST_NAP = 1.0
"""Seconds: the generator looks at the clock that often. The event loop's own clock stops while the machine sleeps."""

_LAST_CALL = 0.2
"""Seconds that requests in flight may still take when the generator is stopped."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, each time; ``timeout`` in seconds."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float = 2.0


@dataclass(slots=True)
class _Tally:
    """What has happened since the last report."""

    scheduled: int = 0
    sent: int = 0
    unsent: int = 0
    status: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)
    lateness: Latencies = field(default_factory=Latencies)


class Generator:
    """Sends ``request`` at each of ``arrivals`` (seconds from the start, in order). Runs once."""

    def __init__(
        self,
        request: Request,
        arrivals: Iterable[float],
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
        clock: Callable[[], float] = sleepless,
    ) -> None:
        self._request = request
        self._arrivals = arrivals
        self._max_in_flight = max_in_flight
        self._clock = clock
        self._in_flight: set[asyncio.Task[None]] = set()
        self._tally = _Tally()
        self._sending: asyncio.Task[None] | None = None
        self._start = 0.0
        self._seen = 0.0  # when this process was last seen to run, in seconds from the start
        self._gaps: list[tuple[float, float]] = []  # from when to when it stood still

    async def run(self, report: Callable[[Second], None]) -> Summary:
        """Send everything, calling ``report`` once a second and once at the end, and return the sum."""
        summary = Summary()
        began = datetime.now(UTC)
        self._start = self._clock()

        def tell() -> None:
            second = self._take_second(summary.seconds, began)
            summary.add(second)
            report(second)

        async with self._session() as session:
            self._sending = asyncio.get_running_loop().create_task(self._send_all(session, tell))
            await asyncio.wait([self._sending])
            await self._give_up()
        if not self._sending.cancelled():
            self._sending.result()
        tell()
        return summary

    def stop(self) -> None:
        """End the run that is under way: nothing more is sent, and what is in flight is given up after a moment."""
        if self._sending is not None:
            self._sending.cancel()

    def _session(self) -> aiohttp.ClientSession:
        # As many connections as requests in flight: a request never waits for another one's connection.
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_in_flight),
            timeout=aiohttp.ClientTimeout(total=self._request.timeout, ceil_threshold=float("inf")),
            headers={"User-Agent": "wavetank"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def _send_all(self, session: aiohttp.ClientSession, tell: Callable[[], None]) -> None:
        """Start each request when it is due, then wait until all have ended; ``tell`` of each second that is over."""
        ends = 1  # of the second to be told next
        for number, due in enumerate(self._arrivals, start=1):
            while due >= ends:
                await self._until(ends)
                tell()
                ends += 1
            await self._until(due)
            self._tally.scheduled += 1
            if self._look() - due > TOO_LATE or len(self._in_flight) >= self._max_in_flight:
                self._tally.unsent += 1
                continue
            task = asyncio.create_task(self._send(session, due, last_of_visit=number % VISIT == 0))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
            await asyncio.sleep(0)  # one that is late is sent all the same before the next
        while self._in_flight:
            await asyncio.wait(self._in_flight, timeout=max(0.0, ends - self._look()))
            if self._in_flight:
                tell()
                ends += 1

    async def _until(self, moment: float) -> None:
        """Return at ``moment``, in seconds from the start; at once when it is past."""
        while (left := moment - self._look()) > 0:
            await asyncio.sleep(min(left, _LONGEST_NAP))

    def _look(self) -> float:
        """Return the seconds from the start, and note when nobody has looked for so long that nobody can have run."""
        now = self._clock() - self._start
        if now - self._seen > TOO_LATE:
            self._gaps.append((self._seen, now))
        self._seen = now
        return now

    async def _give_up(self) -> None:
        """Let what is still in flight end within a moment, and cancel the rest."""
        if not self._in_flight:
            return
        _, late = await asyncio.wait(self._in_flight, timeout=_LAST_CALL)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _send(self, session: aiohttp.ClientSession, due: float, *, last_of_visit: bool) -> None:
        sent = self._look()
        self._tally.sent += 1
        self._tally.lateness.record(sent - due)
        outcome = "cancelled"
        try:
            outcome = await self._ask(session, last_of_visit)
        finally:
            ended = self._look()
            if not outcome.isdecimal() and self._stood_still(sent, ended):
                outcome = "cancelled"  # whether an answer came in time, nobody saw
            self._tally.status[outcome] += 1
            if (outcome == "timeout" or outcome.isdecimal()) and not self._stood_still(due, ended):
                self._tally.latencies.record(ended - due)

    def _stood_still(self, begin: float, end: float) -> float:
        """Return for how many of the seconds from ``begin`` to ``end`` the generator itself stood still."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self._gaps)

    async def _ask(self, session: aiohttp.ClientSession, last_of_visit: bool) -> str:
        """Send one request and read its answer; return how it ended, as `Second.status` names it."""
        headers = {**self._request.headers, "Connection": "close"} if last_of_visit else self._request.headers
        try:
            async with session.request(
                self._request.method,
                self._request.url,
                headers=headers,
                data=self._request.body or None,
                allow_redirects=False,
            ) as answer:
                await answer.read()
                return str(answer.status)
        except TimeoutError:
            return "timeout"
        except aiohttp.ClientConnectorDNSError:
            return "dns"
        except aiohttp.ClientConnectorError:
            return "refused"
        except (aiohttp.ClientError, ConnectionError):
            return "reset"

    def _take_second(self, t: int, began: datetime) -> Second:
        tally, self._tally = self._tally, _Tally()
        return Second(
            t=t,
            at=(began + timedelta(seconds=t)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            scheduled=tally.scheduled,
            sent=tally.sent,
            unsent=tally.unsent,
            status=dict(tally.status),
            histogram=tally.latencies.encode(),
            lateness=tally.lateness.encode(),
            still=round(self._stood_still(t, t + 1), 3),
        )
