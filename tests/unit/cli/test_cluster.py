"""The cluster's commands as somebody types them, on a make-believe machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.basin import Basin

ROOT = Path(__file__).parents[3]


@pytest.fixture
def basin(tmp_path: Path) -> Iterator[Basin]:
    with Basin(tmp_path) as basin:
        yield basin


def wavetank(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "wavetank", *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ,
    )


@pytest.fixture
def spec_file(basin: Basin) -> str:
    ports = basin.spec.ports
    path = basin.folder / "basin.yaml"
    published = f"{{ingress: {ports.ingress}, gateway: {ports.gateway}, registry: {ports.registry}}}"
    path.write_text(f'provider: kind\nname: basin\nkubernetes: "1.36"\nports: {published}\n')
    return str(path)


def test_up_status_and_down(basin: Basin, spec_file: str) -> None:
    came_up = wavetank("up", "--cluster", spec_file, "--bundle", str(basin.bundle.path))
    assert came_up.returncode == 0, came_up.stderr
    assert "nodes ready" in came_up.stderr
    assert f"export KUBECONFIG={basin.state}" in came_up.stdout

    told = json.loads(wavetank("status", "--cluster", spec_file, "--json").stdout)
    assert told["state"] == "up"
    assert len(told["nodes"]) == 3

    assert wavetank("down", "--cluster", spec_file).returncode == 0
    assert basin.engine.containers == {}
    assert "absent" in wavetank("status", "--cluster", spec_file).stdout


def test_an_error_is_shown_whole_and_without_a_traceback(basin: Basin, spec_file: str) -> None:
    Path(spec_file).write_text("provider: kind\nkubernetes: 1.36\n")
    told = wavetank("up", "--cluster", spec_file)
    assert told.returncode == 1
    assert f"{spec_file}:2: " in told.stderr
    assert "Traceback" not in told.stderr


def test_doctor_tells_everything_as_text_and_as_json(basin: Basin, spec_file: str) -> None:
    findings = json.loads(wavetank("doctor", "--cluster", spec_file, "--json").stdout)
    assert {"engine", "memory", "disk", "bundle"} <= {finding["name"] for finding in findings}
    text = wavetank("doctor", "--cluster", spec_file).stdout
    assert all(finding["seen"] in text for finding in findings if finding["name"] == "engine")


def test_doctor_fails_where_no_engine_answers(basin: Basin, spec_file: str) -> None:
    basin.engine.stop()
    told = wavetank("doctor", "--cluster", spec_file)
    assert told.returncode == 1
    assert "no engine answers" in told.stdout


def test_up_for_a_lab_that_does_not_exist_names_those_that_do(basin: Basin, spec_file: str) -> None:
    told = wavetank("up", "--cluster", spec_file, "--for", "99-nowhere")
    assert told.returncode == 1
    assert "02-kubernetes" in told.stderr


def test_help_names_every_command_for_people_and_none_for_containers() -> None:
    told = wavetank("--help").stdout
    for command in ("doctor", "up", "down", "status", "lab", "bundle", "load", "fault"):
        assert f"\n  {command} " in told
    assert "power-agent" not in told


def test_a_containers_entry_point_needs_nothing_of_the_notebooks() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('ipywidgets', 'bqplot', 'jupyterlab', 'IPython')));"
        "import wavetank.cli.inside, wavetank.cli.load, wavetank.cluster.power; import wavetank.operator.main"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)
