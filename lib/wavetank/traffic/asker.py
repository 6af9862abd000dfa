"""What runs inside a pod of the application when something is asked from there: the standard library only.

Its text is handed to the pod's own Python, so that the requests leave as the application's would, through its sidecar
where it has one. What to ask comes as JSON in the first argument; what was answered goes as JSON to standard output.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

BODY_BYTES = 4096


def ask(what: dict[str, Any]) -> dict[str, Any]:
    """Send one request on a connection of its own; return its status (0: none), seconds, and body or error."""
    url = urlsplit(what["url"])
    connection = HTTPConnection(url.hostname or "", url.port or 80, timeout=what["timeout"])
    began = time.perf_counter()
    told: dict[str, Any] = {"status": 0}
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request(what["method"], path, what["body"] or None, what["headers"])
        answer = connection.getresponse()
        body = answer.read(BODY_BYTES).decode(errors="replace")
        told = {"status": answer.status, "body": body}
    except (OSError, HTTPException) as error:
        told["error"] = f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return {**told, "seconds": round(time.perf_counter() - began, 4)}


def main(words: str) -> str:
    """Ask as often and as many at once as ``words`` say."""
    what = json.loads(words)
    with ThreadPoolExecutor(what["at_once"]) as pool:
        return json.dumps(list(pool.map(ask, [what] * what["times"])))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1]))
