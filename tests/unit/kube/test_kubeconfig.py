"""Kubeconfig files are read as kubectl reads them, and what cannot be used is told in one sentence."""

import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.authority import certify

from wavetank.errors import InputError, KubeError, UnreachableError
from wavetank.kube import Kube
from wavetank.kube.access import end_of
from wavetank.kube.kubeconfig import read

Obj = dict[str, Any]


def write(path: Path, current: str = "", **contexts: str) -> Path:
    """Write a kubeconfig whose ``contexts`` are servers by name, each with a cluster and a user of that name."""
    config: Obj = {"apiVersion": "v1", "kind": "Config", "current-context": current}
    config["clusters"] = [{"name": name, "cluster": {"server": server}} for name, server in contexts.items()]
    config["contexts"] = [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts]
    config["users"] = [{"name": name, "user": {"token": f"{name}-{path.name}"}} for name in contexts]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def change(path: Path, **parts: Obj) -> Path:
    """Add to the first ``cluster``, ``context`` or ``user`` of a kubeconfig."""
    config = json.loads(path.read_text())
    for part, more in parts.items():
        config[f"{part}s"][0][part] |= more
    path.write_text(json.dumps(config))
    return path


def refusal(path: Path | None, context: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        Kube.connect(path, context)
    assert "\n" not in caught.value.summary
    return caught.value


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write(tmp_path / "one", "tank", tank="https://one:6443", spare="https://spare:6443")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return write(tmp_path / "two", "lake", tank="https://two:6443", lake="https://lake:6443")


# -- several files -----------------------------------------------------------------------------------------------------


def test_of_several_files_the_first_that_says_something_counts(
    tmp_path: Path, one: Path, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["", str(tmp_path / "absent"), str(one), str(two), str(one)]))
    found = read(None, None)
    assert (found.origin.server, found.origin.context, found.origin.file) == ("https://one:6443", "tank", one)
    assert found.user == {"token": "tank-one"}
    other = read(None, "lake")
    assert (other.origin.server, other.origin.file, other.origin.variable) == ("https://lake:6443", two, "KUBECONFIG")
    assert str(other.origin).endswith(f"comes from the context 'lake' in {two}, by way of $KUBECONFIG")


def test_a_file_without_a_current_context_leaves_it_to_the_next(
    tmp_path: Path, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, empty = write(tmp_path / "first", "", spare="https://spare:6443"), tmp_path / "empty"
    empty.write_text("")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (empty, first, two))))
    assert read(None, None).origin.context == "lake"


def test_the_context_of_one_file_may_mean_the_cluster_of_another(
    tmp_path: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {"name": "mine", "context": {"cluster": "spare", "user": "tank"}}
    (tmp_path / "contexts").write_text(json.dumps({"current-context": "mine", "contexts": [context]}))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "contexts"), str(one)]))
    found = read(None, None)
    assert (found.origin.server, found.origin.file, found.user) == ("https://spare:6443", one, {"token": "tank-one"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "contexts"))
    error = refusal(None)
    assert "the context 'mine' names the cluster 'spare', which is not there" in error.summary
    assert error.help.observed == "its clusters: none"


def test_a_cluster_of_one_of_several_files_can_be_used(
    api: ApiServer, tmp_path: Path, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(api.kubeconfig(tmp_path)), str(two)]))
    kube = Kube.connect()
    assert kube.alive()
    assert kube.connection.kubectl("get", "pods") == "kubectl get pods"
    assert Kube.connect(context="test").connection.kubectl("get", "pods") == "kubectl --context test get pods"


def test_paths_are_meant_from_the_file_that_they_stand_in(tmp_path: Path) -> None:
    path = write(tmp_path / "there" / "config", "tank", tank="https://one:6443")
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / "there" / name).write_text("-")
    (tmp_path / "there" / "token").write_text("tide\n")
    change(path, cluster={"certificate-authority": "ca.crt"}, user={"client-certificate": "./me.crt"})
    found = read(change(path, user={"client-key": "me.key", "tokenFile": "token", "token": ""}), None)
    assert found.cluster["certificate-authority"] == str(tmp_path / "there" / "ca.crt")
    assert found.user["client-certificate"] == str(tmp_path / "there" / "me.crt")
    assert found.document(found.user)["users"][0]["user"]["token"] == "tide"


# -- nothing to go by --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", ":", "::"])
def test_a_variable_that_names_no_file_is_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", value)
    error = refusal(None)
    assert error.summary == "no cluster to connect to"
    assert f"$KUBECONFIG names no file: it is {value!r}" in error.help.observed


def test_files_that_are_all_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])
    monkeypatch.setenv("KUBECONFIG", value)
    error = refusal(None)
    assert "none of these files is there" in error.summary
    assert error.where == value


def test_a_home_that_no_shell_has_replaced_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "~/.kube/config")
    assert "the shell has not replaced the ~" in refusal(None).help.hint


def test_without_a_current_context_the_others_are_named(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "none", "", tank="https://one:6443", lake="https://lake:6443"))
    assert "it has no current context" in error.summary
    assert error.help.observed == "its contexts: tank, lake"
    assert error.help.hint == f"choose one: kubectl --kubeconfig {tmp_path / 'none'} config use-context NAME"


def test_a_current_context_that_is_not_there_is_told(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "gone", "gone", tank="https://one:6443"))
    assert "there is no context 'gone' (its current context)" in error.summary


# -- files that say nothing usable -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\xff\xfe{\x00", "not UTF-8 text"),
        (b"name: caf\xe9\n", ":1: cannot use the kubeconfig: not UTF-8 text"),
        (b"clusters: [\n", "not valid YAML"),
        (b"a: b\n\tc: d\n", ":2: cannot use the kubeconfig: not valid YAML: a tab"),
        (b"a: \x08\n", "there is a control character, U+0008"),
        (b"a: 1\na: 2\n", ":2: cannot use the kubeconfig: the key 'a' is there twice"),
        (b"a: 1\n---\nb: 2\n", ":3: cannot use the kubeconfig: a second document begins here"),
        (b"kind: Deployment\n", "it is no kubeconfig, but Deployment"),
        (b"current-context: on\n", "its current-context is no text"),
        (b"- 1\n", "it is no kubeconfig, but a list"),
        (b"just words", "it is no kubeconfig, but a str"),
        (b"clusters: {a: b}\n", "an entry of 'clusters' is none"),
        (b"contexts: [web]\n", "an entry of 'contexts' is none"),
        (b"users: [{name: me, user: 5}]\n", "an entry of 'users' is none"),
        (b"users: [{name: me}, {name: me}]\n", "'me' is there twice in 'users'"),
        (b"users: [{name: me, user: {token: 5}}]\n", "user/token of 'me' in 'users' is of another type"),
        (b"users: [{name: me, user: {exec: log-in}}]\n", "user/exec of 'me' in 'users' is of another type"),
        (b"users: [{name: me, user: {exec: {args: [1]}}}]\n", "user/exec/args/0 of 'me' in 'users' is of another type"),
        (
            b'clusters: [{name: a, cluster: {server: "a\\0"}}]\n',
            "cluster/server of 'a' in 'clusters' is of",
        ),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text)
    error = refusal(path)
    assert told in error.summary
    assert error.where.partition(":")[0] == str(path)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert "it is a folder" in refusal(tmp_path).summary


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, one: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is no ordinary file" in refusal(tmp_path / "pipe").summary
    error = refusal(change(one, cluster={"certificate-authority": "pipe"}))
    assert f"its certificate-authority, {tmp_path / 'pipe'}, cannot be read: it is no ordinary file" in error.summary


def test_a_byte_order_mark_is_no_hindrance(tmp_path: Path, one: Path) -> None:
    path = tmp_path / "bom"
    path.write_bytes(b"\xef\xbb\xbf" + one.read_bytes().replace(b", ", b",\r\n"))
    assert read(path, None).origin.server == "https://one:6443"


@pytest.mark.parametrize("server", ["", "one:6443", "ftp://one", "https://", "https://one:port", "https://[::1"])
def test_a_server_without_an_address_is_told(tmp_path: Path, server: str) -> None:
    assert "the context 'tank' names a cluster" in refusal(write(tmp_path / "c", "tank", tank=server)).summary


# -- who may be trusted, and who asks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        ({"certificate-authority": "ca.crt"}, "its certificate-authority, /"),
        ({"certificate-authority-data": "-", "insecure-skip-tls-verify": True}, "says insecure-skip-tls-verify"),
        ({"certificate-authority-data": "a"}, "Invalid base64"),
        ({"certificate-authority-data": "bm9uZQ=="}, "its certificate-authority is no certificate in PEM"),
    ],
)
def test_an_authority_that_cannot_be_used_is_told(one: Path, cluster: Obj, told: str) -> None:
    error = refusal(change(one, cluster=cluster))
    assert told in f"{error.summary} {error.help.expected}"
    assert f"the API server at https://one:6443 comes from the context 'tank' in {one}" in error.help.observed


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ({"client-certificate": "me.crt", "client-key": "me.key"}, "its client-certificate, /"),
        ({"client-certificate-data": "bWU="}, "a client-certificate without a client-key"),
        ({"client-certificate-data": "bWU=", "client-key-data": "bWU="}, "are no pair in PEM"),
        ({"tokenFile": "token", "token": ""}, "its tokenFile, /"),
    ],
)
def test_a_user_whose_files_are_not_there_is_told(one: Path, user: Obj, told: str) -> None:
    assert told in refusal(change(one, user=user)).summary


def test_a_user_that_is_not_there_is_told(one: Path) -> None:
    error = refusal(change(one, context={"user": "nobody"}))
    assert "the context 'tank' names the user 'nobody', which is not there" in error.summary


# -- a program that logs in --------------------------------------------------------------------------------------------

VERSION = "client.authentication.k8s.io/v1"


def plugin(folder: Path, script: str, **more: Any) -> Obj:
    """Return the user of a kubeconfig that logs in by a shell script."""
    program = folder / "log-in"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"token": "", "exec": {"apiVersion": VERSION, "command": str(program), **more}}


def credential(**status: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})


def test_a_program_that_is_not_installed_is_named_with_its_own_hint(one: Path) -> None:
    asked = {"apiVersion": VERSION, "command": "no-such-cloud", "installHint": "get it from\nthe cloud"}
    error = refusal(change(one, user={"token": "", "exec": asked}))
    assert "the program that logs in, 'no-such-cloud', is not installed" in error.summary
    assert error.help.hint == "get it from the cloud"
    assert "'tank'" in error.help.observed


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo session is over >&2; exit 3", "failed with exit code 3: session is over"),
        ("echo hello", "has answered without a credential"),
        ("echo '{\"status\": {}}'", "has answered without a credential"),
        ('echo \'{"status": {"clientCertificateData": "x"}}\'', "has answered without a credential"),
    ],
)
def test_a_program_that_gives_nothing_is_told(tmp_path: Path, one: Path, script: str, told: str) -> None:
    assert told in refusal(change(one, user=plugin(tmp_path, script))).summary


def test_a_program_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavetank.kube.plugin.ANSWER_SECONDS", 0.2)
    assert "has not answered in 0.2 s" in refusal(change(one, user=plugin(tmp_path, "exec sleep 20"))).summary


def test_what_a_program_gives_is_sent_and_renewed_when_it_has_run_out(tmp_path: Path, one: Path) -> None:
    old = credential(token="old", expirationTimestamp=(datetime.now(UTC) + timedelta(seconds=5)).isoformat())
    script = f'cat {tmp_path}/answer; printf %s "$KUBERNETES_EXEC_INFO $FLAG $1" > {tmp_path}/told'
    (tmp_path / "answer").write_text(old)
    more = {"args": ["one"], "env": [{"name": "FLAG", "value": "blue"}], "provideClusterInfo": True}
    connection = Kube.connect(change(one, user=plugin(tmp_path, script, **more))).connection
    told = (tmp_path / "told").read_text()
    assert told.endswith("} blue one")
    information = json.loads(told.removesuffix(" blue one"))
    assert information["spec"]["cluster"] == {"server": "https://one:6443"}
    (tmp_path / "answer").write_text(credential(token="new"))
    assert connection.credentials() == {"authorization": "Bearer new"}
    (tmp_path / "answer").write_text("")  # it is good for ever: nobody is asked again
    assert connection.credentials() == {"authorization": "Bearer new"}


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "2020-02-02T00:00:00Z"])
def test_what_is_given_may_have_run_out_already(tmp_path: Path, one: Path, end: str) -> None:
    user = plugin(tmp_path, f"echo '{credential(token='tide', expirationTimestamp=end)}'")
    assert Kube.connect(change(one, user=user)).connection.credentials() == {"authorization": "Bearer tide"}


def test_a_token_that_the_server_takes_no_more_is_renewed(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = Kube.connect(logging_in(api, tmp_path))
    api.tokens = {"new"}
    (tmp_path / "answer").write_text(credential(token="new"))
    with pytest.raises(KubeError, match="Unauthorized"):  # the program was asked a moment ago
        kube.list("Pod")
    monkeypatch.setattr("wavetank.kube.connection.LOG_IN_AGAIN_AFTER", 0.0)
    assert kube.list("Pod") == []
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"nodeName": "worker"}})
    api.program("web", lambda command: (0, b"aye", b""), container="web")
    assert kube.exec("web", "default", ["true"], container="web").stdout == "aye"
    (tmp_path / "answer").write_text(credential(token="newer"))
    api.tokens = {"newer"}
    assert kube.exec("web", "default", ["true"], container="web").stdout == "aye", "a stream is opened anew too"
    assert (tmp_path / "asked").read_text() == "...", "once at first, and once after each refusal"


def test_a_login_that_is_over_is_told_and_the_next_one_is_used(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavetank.kube.connection.LOG_IN_AGAIN_AFTER", 0.0)
    kube = Kube.connect(logging_in(api, tmp_path))
    api.tokens = {"new"}
    (tmp_path / "answer").write_text("")
    with pytest.raises(UnreachableError, match="has answered without a credential"):
        kube.list("Pod")
    (tmp_path / "answer").write_text(credential(token="new"))
    assert kube.list("Pod") == []


def logging_in(api: ApiServer, folder: Path) -> Path:
    """Return a kubeconfig whose program gives what is in ``answer``, at first an old token; it counts in ``asked``."""
    (folder / "answer").write_text(credential(token="old"))
    script = f"printf . >> {folder}/asked; cat {folder}/answer"
    return change(api.kubeconfig(folder), user=plugin(folder, script))


def test_a_certificate_that_runs_out_is_renewed(tmp_path: Path, one: Path) -> None:
    def gives(**more: str) -> str:
        pair = {name: Path(file).read_text() for name, file in certify(tmp_path, "me").items()}
        status = {"clientCertificateData": pair["client-certificate"], "clientKeyData": pair["client-key"], **more}
        (tmp_path / "answer").write_text(credential(**status))
        return pair["client-certificate"]

    def shown() -> str:
        connection.credentials()
        return Path(connection.configuration.cert_file).read_text()

    old = gives(expirationTimestamp=(datetime.now(UTC) + timedelta(seconds=5)).isoformat())
    connection = Kube.connect(change(one, user=plugin(tmp_path, f"cat {tmp_path}/answer"))).connection
    assert Path(connection.configuration.cert_file).read_text() == old
    before, new = connection._pool, gives()
    assert shown() == new != old
    assert connection._pool is not before, "what is connected already has shown the old one"
    gives()
    assert shown() == new, "it is good for ever: nobody is asked again"


def test_a_program_beside_the_kubeconfig_is_found(tmp_path: Path, one: Path) -> None:
    user = plugin(tmp_path, f"echo '{credential(token='tide')}'")
    user["exec"]["command"] = "./log-in"
    assert Kube.connect(change(one, user=user)).connection.credentials() == {"authorization": "Bearer tide"}


# -- who is not let in -------------------------------------------------------------------------------------------------


def test_a_user_that_the_server_does_not_know_is_told_with_where_the_server_came_from(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = api.kubeconfig(tmp_path)
    connection = Kube.connect(path).connection
    told = connection.refused(401, b'{"kind": "Status", "message": "Unauthorized", "code": 401}')
    assert isinstance(told, KubeError)
    assert (told.summary, told.status) == ("Unauthorized", 401)
    assert str(connection.origin) in told.help.expected
    assert told.help.command == f"kubectl --kubeconfig {path} auth whoami"
    connection.configuration.cert_file = str(certificate(tmp_path, until=datetime(2020, 2, 2, tzinfo=UTC)))
    told = connection.refused(401, b"Unauthorized")
    assert told.help.observed == "the client certificate ran out at 2020-02-02 00:00:00+00:00"


def test_only_a_certificate_that_has_run_out_is_told(tmp_path: Path) -> None:
    assert end_of(str(certificate(tmp_path, until=datetime.now(UTC) + timedelta(days=1)))) is None
    assert end_of(str(tmp_path / "absent")) is None
    assert end_of(None) is None
    (tmp_path / "nonsense").write_bytes(base64.b64encode(b"nonsense"))
    assert end_of(str(tmp_path / "nonsense")) is None


def certificate(folder: Path, until: datetime) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, until - timedelta(days=365), until)
    path = folder / "me.crt"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path
