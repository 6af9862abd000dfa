"""A program in the place of kind: makes the containers its configuration asks for, through the engine's API alone.

What it shall do besides is in the environment: FAKE_KIND_API_PORT is published as the API server's port,
FAKE_KIND=fail ends it in the middle with kind's kind of words, FAKE_KIND=hang makes it wait after the first node.
"""

import json
import os
import pathlib
import sys
import time
import urllib.request


def main() -> None:
    config = json.load(sys.stdin)
    trouble = os.environ.get("FAKE_KIND", "")
    workers = 0
    for node in config["nodes"]:
        workers += node["role"] == "worker"
        suffix = "control-plane" if node["role"] == "control-plane" else f"worker{workers if workers > 1 else ''}"
        make(f"{config['name']}-{suffix}", config["name"], node)
        if trouble == "hang":
            time.sleep(120)
        if trouble:
            sys.exit(f"ERROR: failed to create cluster: {trouble}")


def make(name: str, cluster: str, node: dict) -> None:
    network = os.environ[f"KIND_EXPERIMENTAL_{os.environ['KIND_EXPERIMENTAL_PROVIDER'].upper()}_NETWORK"]
    ports = {}
    if node["role"] == "control-plane":
        ports = {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": os.environ["FAKE_KIND_API_PORT"]}]}
    labels = {"io.x-k8s.kind.cluster": cluster, "io.x-k8s.kind.role": node["role"]}
    host = {"PortBindings": ports, "NetworkMode": network}
    asked = {"Image": node["image"], "Labels": labels, "HostConfig": host, "Env": proxies()}
    post(f"/containers/create?name={name}", asked)
    post(f"/containers/{name}/start", None)


def proxies() -> list[str]:
    """Hand on what kind hands on: proxies of the environment, and those of the docker command's settings."""
    found = [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]
    settings = pathlib.Path(os.environ.get("DOCKER_CONFIG", "~/.docker")).expanduser() / "config.json"
    named = json.loads(settings.read_text()).get("proxies", {}) if settings.exists() else {}
    return found + [f"{name}={value}" for each in named.values() for name, value in each.items()]


def post(path: str, body: object) -> None:
    address = os.environ["DOCKER_HOST"].replace("tcp://", "http://") + path
    content = b"" if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, content, method="POST")) as answer:
        answer.read()


main()
