"""The hash of an Ingress is what Knative's own Go computes: the expected ones come from it (ingress.ComputeHash)."""

from __future__ import annotations

from tests.support.ingresses import rule, split

from wavetank.netlayer.fingerprint import fingerprint

RICH = {
    "metadata": {"name": "tides", "namespace": "tidewater"},
    "spec": {
        "rules": [
            {
                "visibility": "ClusterLocal",
                "hosts": ["tides.tidewater", "tides.tidewater.svc.cluster.local"],
                "http": {
                    "paths": [
                        {
                            "splits": [
                                split("one", 99, appendHeaders={"y": "", "x": "1"}),
                                {**split("two", 1), "servicePort": "http"},
                            ],
                            "path": "/a&b",
                            "rewriteHost": "x.y",
                            "headers": {"Z": {"exact": "<1>"}, "A": {"exact": 'ü\u2028\n"\\'}},
                            "appendHeaders": {"K-b": "2", "K-a": "1"},
                        }
                    ]
                },
            },
            rule("tides.example.com", paths=[{"splits": [split("one", 100)]}]),
        ],
        "tls": [{"hosts": ["tides.example.com"], "secretName": "cert", "secretNamespace": "tidewater"}],
        "httpOption": "Redirected",
    },
}


def test_an_ingress_with_everything_in_it() -> None:
    assert fingerprint(RICH) == "1d0d2c56f4571b8c5ac63705c81eda3780f69ed89ce1ea2835ae2fc9cb2eab45"


def test_an_ingress_with_almost_nothing_in_it() -> None:
    splits = [{"serviceName": "blah", "serviceNamespace": "", "servicePort": 0}]
    rules = [{"hosts": ["example.com"], "http": {"paths": [{"splits": splits}]}}]
    bare = {"metadata": {"name": "", "namespace": ""}, "spec": {"rules": rules}}
    assert fingerprint(bare) == "a25000a350642c8abef53078b329bd043e18758f6063c1172d53b04e14fcf5c1"


def test_it_depends_on_whose_it_is_and_not_on_who_has_looked_at_it() -> None:
    metadata = RICH["metadata"]
    assert fingerprint({**RICH, "metadata": {**metadata, "name": "tide"}}) != fingerprint(RICH)
    looked_at = {**RICH, "metadata": {**metadata, "resourceVersion": "9"}, "status": {"observedGeneration": 3}}
    assert fingerprint(looked_at) == fingerprint(RICH)
