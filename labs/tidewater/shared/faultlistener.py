"""Where the fault switch is reached: on this pod's own loopback, at a port that no Service and no Ingress leads to.

Whoever may open a port-forward into the pod may switch faults on; a visitor of the site, a page in their browser and
another pod may not. JSON has to be called JSON, which a page cannot do without asking first.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from .faults import FaultError
from .messages import Answer, RefusedError, Request
from .server import Server

if TYPE_CHECKING:
    from .metrics import Metrics
    from .service import Service

PORT = "8079"


class FaultListener:
    """Answers ``/faults`` for ``service``: what is on, switching on, switching off."""

    draining = False

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def metrics(self) -> Metrics:
        """The service's own: it does not end before a fault's order is answered."""
        return self._service.metrics

    def listen(self) -> int | None:
        """Listen on ``$FAULTS_PORT`` and return the port; None where it is taken, and the service goes on without."""
        try:
            server = Server(("127.0.0.1", int(os.environ.get("FAULTS_PORT", PORT))), self)
        except OSError as error:
            self.log("no faults can be switched on here: their port is taken", level="warning", detail=str(error))
            return None
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True).start()
        return int(server.server_address[1])

    def log(self, message: str, **fields: Any) -> None:
        """Write a line of the service's log."""
        self._service.log(message, **fields)

    def answer(self, request: Request) -> Answer:
        """Answer one request about the faults."""
        faults = self._service.faults
        match request.method, request.path:
            case "GET", "/faults":
                return Answer(200, {"faults": [fault.describe() for fault in faults.active()]})
            case "POST", "/faults":
                return self._start(request)
            case "DELETE", path if path == "/faults" or path.startswith("/faults/"):
                fault_id = path.removeprefix("/faults").strip("/") or None
                ended = faults.stop(fault_id)
                return Answer(404 if fault_id and not ended else 200, {"ended": ended})
        return Answer(404, {"error": "only /faults is here"})

    def _start(self, request: Request) -> Answer:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return Answer(415, {"error": "Content-Type: expected application/json"})
        try:
            fault = self._service.faults.start(request.json())
        except FaultError as error:
            return Answer(422, {"error": str(error)})
        except RefusedError as refused:
            return refused.answer
        self.log("a fault was switched on", level="warning", fault=fault.describe())
        return Answer(201, fault.describe())
