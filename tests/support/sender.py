"""What runs inside a pod when many events are sent to a broker from there: the standard library only.

The ids are few and so are the sources; together they tell each event from every other. (Knative counts by source.)
The plan comes as JSON in the first argument; how often each status came (0: none) goes as JSON to standard output.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

SOURCES = 25


def identity(number: int) -> tuple[str, str]:
    """Return the source and the id of one of the events."""
    return f"/harbour/{number % SOURCES}", f"{number // SOURCES}"


def send(broker: str, events: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[int]:
    """Send events one after the other on one connection, each once, and yield the statuses."""
    url = urlsplit(broker)
    connection = HTTPConnection(url.netloc, timeout=60)
    for number, kind in events:
        source, id = identity(number)
        told = {"Specversion": "1.0", "Id": id, "Source": source, "Type": kind["type"]}
        headers = {f"Ce-{name}": value for name, value in told.items()} | {"Content-Type": "application/json"}
        try:
            connection.request("POST", url.path, json.dumps(kind["data"]), headers)
            answer = connection.getresponse()
            answer.read()
            yield answer.status
        except (OSError, HTTPException):
            connection.close()
            yield 0


def main(words: str) -> str:
    """Send one event for each number from ``first`` on, of the ``kinds`` by turns, in ``at_once`` rows."""
    plan = json.loads(words)
    kinds, at_once = plan["kinds"], plan["at_once"]
    events = [(plan["first"] + turn, kinds[turn % len(kinds)]) for turn in range(plan["events"])]
    with ThreadPoolExecutor(at_once) as pool:
        rows = pool.map(lambda row: list(send(plan["broker"], events[row::at_once])), range(at_once))
        return json.dumps(Counter(status for row in rows for status in row))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1]))
