"""``python -m wavetank`` as the first process of a container."""

import os
import signal
import subprocess
import sys


def test_sigterm_is_heard_while_it_is_still_importing() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "wavetank", "load-pod"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "WAVETANK_LOAD": "{}"}) as pod:
        assert pod.stderr is not None
        next(line for line in pod.stderr if "click" in line)
        pod.send_signal(signal.SIGTERM)
        pod.stderr.read()
    assert pod.returncode == 128 + signal.SIGTERM, "not the default disposition, which PID 1 ignores"
