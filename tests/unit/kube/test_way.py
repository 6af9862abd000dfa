"""No proxy gets between us and an API server on this machine; one elsewhere is reached as kubectl reaches it."""

import json
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.proxied import DEAD, ENVIRONMENTS, everywhere, proxy, surround
from websocket import WebSocketProxyException

from wavetank.errors import InputError, UnreachableError
from wavetank.kube import Kube
from wavetank.kube.channels import _socket, _way

AFAR = "http://k8s.example.com"


def kubeconfig(api: ApiServer, folder: Path, **cluster: str) -> Path:
    path = api.kubeconfig(folder)
    told = json.loads(path.read_text())
    told["clusters"][0]["cluster"] |= {key.replace("_", "-"): value for key, value in cluster.items()}
    path.write_text(json.dumps(told))
    return path


def tunnel(kube: Kube) -> None:
    """Open a stream as far as the proxy, which refuses it."""
    connection = kube.connection
    with pytest.raises(WebSocketProxyException):
        _socket(connection.configuration).connect(
            connection.url("/x").replace("http", "ws", 1), **_way(connection.proxy)
        )


@everywhere
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_a_server_on_this_machine_is_asked_straight(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, host: str
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    port = Kube.connect(api.kubeconfig(tmp_path)).connection.server.rpartition(":")[2]
    kube = Kube.connect(kubeconfig(api, tmp_path, server=f"http://{host}:{port}"))
    assert kube.alive()
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}})
    assert [change for change, _ in kube.watch("Pod", timeout=0.2)] == ["ADDED"]


@everywhere
def test_commands_and_ports_go_straight_too(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    pod = {"metadata": {"name": "web"}, "spec": {"nodeName": "worker", "containers": [{"name": "web"}]}}
    api.put({"apiVersion": "v1", "kind": "Pod", **pod})
    api.answer("pod:web:8080", lambda request: (200, {}, b"aye"))
    api.program("web", lambda command: (0, b"aye aye", b""), container="web")
    kube = Kube.connect(kubeconfig(api, tmp_path))
    assert kube.exec("web", "default", ["hail"], container="web").stdout == "aye aye"
    assert kube.request("pod:web:8080", "/", "default").text == "aye"


def test_a_server_elsewhere_is_asked_by_the_proxy_of_the_environment(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(api, tmp_path, server=AFAR)
    with proxy() as between:
        surround(monkeypatch, {"HTTP_PROXY": between.url.replace("//", "//me:low%20tide@"), "NO_PROXY": ".other.com"})
        assert Kube.connect(path).connection.text("/readyz") == "from afar"
        assert between.asked == [f"GET {AFAR}/readyz"]
        assert between.named == ["Basic bWU6bG93IHRpZGU="]
        tunnel(Kube.connect(path))
        assert between.asked[1:] == ["CONNECT k8s.example.com:80"]
        assert between.named[1:] == ["Basic bWU6bG93IHRpZGU="]


def test_a_server_elsewhere_that_no_proxy_excepts_is_asked_straight(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, {"HTTP_PROXY": DEAD, "NO_PROXY": "*.example.com"})
    connection = Kube.connect(kubeconfig(api, tmp_path, server=AFAR)).connection
    assert connection.proxy is None
    assert connection.configuration.proxy is None


def test_a_proxy_that_is_away_is_named_with_its_variable(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, {"http_proxy": "http://me:tide@127.0.0.1:9"})
    with pytest.raises(UnreachableError) as caught:
        Kube.connect(kubeconfig(api, tmp_path, server=AFAR)).get("Pod", "web")
    assert "by way of the proxy http://127.0.0.1:9, which $http_proxy names" in caught.value.help.observed
    assert "export NO_PROXY=k8s.example.com" in caught.value.help.hint
    assert "tide" not in str(caught.value)


def test_a_page_that_a_proxy_puts_in_between_is_no_answer(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(api, tmp_path, server=AFAR)
    with proxy() as between:
        surround(monkeypatch, {"HTTP_PROXY": between.url})
        kube = Kube.connect(path)
        with pytest.raises(UnreachableError, match="no API server") as caught:
            kube.list("Pod")
    assert "from afar" in caught.value.help.observed
    assert "$HTTP_PROXY" in caught.value.help.observed


def test_a_socks_proxy_on_the_way_is_refused_in_a_sentence(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, {"HTTP_PROXY": "socks5h://127.0.0.1:1080"})
    with pytest.raises(InputError, match="only HTTP with a proxy") as caught:
        Kube.connect(kubeconfig(api, tmp_path, server=AFAR))
    assert "socks5h://127.0.0.1:1080, which $HTTP_PROXY names" in caught.value.summary
    assert caught.value.help.hint.endswith("export NO_PROXY=k8s.example.com")


def test_the_proxy_of_a_kubeconfig_comes_before_the_environments(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, {"HTTP_PROXY": DEAD, "NO_PROXY": "*"})
    with proxy() as between:
        path = kubeconfig(api, tmp_path, server=AFAR, proxy_url=between.url)
        assert Kube.connect(path).connection.text("/readyz") == "from afar"
        tunnel(Kube.connect(path))
        assert between.asked[1:] == ["CONNECT k8s.example.com:80"]
    with pytest.raises(UnreachableError) as caught:
        Kube.connect(path).connection.text("/readyz", timeout=1)
    assert f"which proxy-url in {path} names" in caught.value.help.observed
    assert "NO_PROXY" not in caught.value.help.hint
