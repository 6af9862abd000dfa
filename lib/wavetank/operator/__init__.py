"""The operator: what runs in the cluster and does what Load and Fault resources ask for, whoever made them.

Read in this order: `look` (what tending a resource means), `faults` and `loads` (one resource from Pending to its end),
`effects`, `pods`, `objects` and `mesh` (how each kind of fault acts and reverts), `rules` and `meshrules` (what is
refused), then the glue: `bells`, `handlers` and `session` (kopf), `admission` and `certificates` (the webhook), `main`
(the process).

It never lets a load or fault outlast its end, never changes anything before it has written down how it was, never puts
back what somebody else has changed since or written into a status, acts only in namespaces that have let it in, and
knows the cluster only through the Kubernetes API.
"""
