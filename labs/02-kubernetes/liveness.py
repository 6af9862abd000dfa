"""Whether a liveness probe asks web alone, and whether it notices a web that hangs: both tried, not read."""

from __future__ import annotations

from functools import partial
from typing import Any

from wavetank.errors import KubeError
from wavetank.kube import Obj, application_container, application_port
from wavetank.kube.pods import is_ready
from wavetank.lesson import Bench, CheckResult

WEB = {"app": "web"}
LONGEST = 120.0  # seconds that the task leaves a web that hangs
LATE = 5.0  # seconds a kubelet may be late, on top of a period

HANG = """
import os, resource, socket, time
if os.fork():
    os._exit(0)
os.setsid()
for number in (0, 1, 2):
    os.dup2(os.open(os.devnull, os.O_RDWR), number)
before = resource.prlimit(1, resource.RLIMIT_NOFILE)
resource.prlimit(1, resource.RLIMIT_NOFILE, (3, before[1]))
queue = [socket.socket() for _ in range(400)]
for one in queue:
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", {port}))
time.sleep({seconds})
resource.prlimit(1, resource.RLIMIT_NOFILE, before)
"""
"""What a hang is: the process takes no connection any more, and those that wait to be taken fill its queue.

It is over by itself after some seconds, or with the container.
"""


def asks_nobody_else(bench: Bench) -> CheckResult:
    """While timetable gives no answer, ask what web's liveness probe asks: it has to be well, whatever its patience."""
    result = partial(
        CheckResult,
        claim="web's liveness probe is well while timetable gives no answer",
        look=bench.kubectl("get", "deployment", "web", "-o", "yaml"),
    )
    pod, container, probe = _probed(bench)
    if not probe:
        return result(False, saw="web has no liveness probe", expected="one that asks web, and nobody else")
    bench.fault("silent-timetable")
    trouble = _ask(bench, pod, container, probe)
    return result(not trouble, saw=trouble or _words(probe), expected="an answer that needs web alone")


def hangs_are_ended(bench: Bench) -> CheckResult:
    """Make one pod of web hang, and see its container restarted as soon as its probe promises."""
    result = partial(
        CheckResult,
        claim="a web that hangs is restarted",
        look=bench.kubectl("describe", "pods", "-l", "app=web"),
    )
    pod, container, probe = _probed(bench)
    if not probe:
        return result(False, saw="web has no liveness probe", expected="one that notices a web that hangs")
    promised = probe["failureThreshold"] * max(probe["periodSeconds"], probe["timeoutSeconds"])
    if promised > LONGEST:
        saw = f"web's liveness probe ({_words(probe)}) lets it hang for {promised} s"
        return result(False, saw=saw, expected=f"a restart within {LONGEST:.0f} s of hanging")
    within = promised + probe["periodSeconds"] + probe["timeoutSeconds"] + LATE
    name = pod["metadata"]["name"]
    port = application_port(pod, bench.kube.list("Service", bench.namespace))
    script = HANG.format(port=port, seconds=within)
    begun = bench.kube.exec(name, bench.namespace, ["python3", "-c", script], container=container["name"])
    if begun.exit_code:
        raise KubeError(f"pod {name} cannot be made to hang", observed=begun.stderr.strip()[-300:])
    events = bench.until(
        "Event",
        lambda events: any(map(_of_liveness, events)),
        within,
        fields=f"reason=Killing,involvedObject.name={name}",
        waiting_for=f"{name}, which hangs, to be restarted",
    )
    noticed = any(map(_of_liveness, events))
    saw = f"{name} hung, and {'was restarted' if noticed else f'was not restarted in {within:.0f} s'} ({_words(probe)})"
    return result(noticed, saw=saw, expected="its liveness probe fails, and its container is restarted")


def _of_liveness(event: Obj) -> bool:
    return "failed liveness probe" in (event.get("message") or "")


def _probed(bench: Bench) -> tuple[Obj, Obj, dict[str, Any]]:
    """Return a ready pod of web, its application's container, and that one's liveness probe."""
    pods = [pod for pod in bench.pods(WEB) if is_ready(pod)]
    if not pods:
        raise KubeError("no pod of web is ready", command=bench.kubectl("get", "pods", "-l", "app=web"))
    container = application_container(pods[0], bench.kube.list("Service", bench.namespace))
    return pods[0], container, container.get("livenessProbe") or {}


def _ask(bench: Bench, pod: Obj, container: Obj, probe: dict[str, Any]) -> str:
    """Ask what a probe asks; return what is wrong with the answer, empty when it is well."""
    patience = float(probe["timeoutSeconds"])
    name, asked = pod["metadata"]["name"], f"it asks {_words(probe)}"
    match probe:
        case {"httpGet": get}:
            headers = {header["name"]: header["value"] for header in get.get("httpHeaders") or ()}
            path, target = get.get("path") or "/", f"pod:{name}:{_number(container, get['port'])}"
            try:
                answer = bench.kube.request(target, path, bench.namespace, headers=headers, timeout=patience)
            except KubeError as error:
                return f"{asked}: {error.summary}"
            return "" if answer.status < 400 else f"{asked}: {answer.status}, {' '.join(answer.text.split())[:120]}"
        case {"exec": {"command": command}}:
            try:
                ended = bench.kube.exec(name, bench.namespace, command, container=container["name"], timeout=patience)
            except KubeError as error:
                return f"{asked}: {error.summary}"
            said = " ".join(ended.stderr.split())[-120:]
            return f"{asked}: exit code {ended.exit_code}, {said}" if ended.exit_code else ""
        case {"grpc": _}:
            return f"{asked}, and web answers HTTP"
    return ""  # a connection alone asks nobody but web


def _number(container: Obj, port: str | int) -> int:
    named = {each.get("name"): int(each["containerPort"]) for each in container.get("ports") or ()}
    return named[port] if isinstance(port, str) and port in named else int(port)


def _words(probe: dict[str, Any]) -> str:
    match probe:
        case {"httpGet": get}:
            return f"GET {get.get('path') or '/'} at port {get['port']}"
        case {"exec": {"command": command}}:
            return " ".join(command)
        case {"tcpSocket": tcp}:
            return f"a connection to port {tcp['port']}"
    return "gRPC"
