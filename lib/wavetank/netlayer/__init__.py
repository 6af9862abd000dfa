"""Knative's networking layer: makes what Knative wants routed into routes of Istio's gateways.

Knative Serving writes an Ingress (networking.internal.knative.dev) for every route and domain, and leaves it to whoever
owns its class to make the data path so and to say when it is. Here that is Istio: a VirtualService for each set of
hosts, a Gateway and a copy of the certificate where there is TLS. An Ingress is Ready only once every gateway pod has
answered for every host with the hash of exactly this specification.

Read in this order: `spec` (what an Ingress asks for) and `fingerprint` (its hash), `claims` (whose a host is), `doors`
(the gateways), `translate` (an Ingress as Istio's objects, and what to ask the gateways then), `status` (what is said
about it), all pure; `probe` (asking the gateways), `reconcile` (one look at one Ingress); then what drives it: `store`
(what is there, watched), `workqueue`, `leader` (only one at a time), `health`, `main` (the process).

It never touches an Ingress of another class or an object it has not made, never takes a route away for one it cannot
make, keeps nothing in memory that the cluster does not say too, and knows the cluster only through the Kubernetes API.
"""
