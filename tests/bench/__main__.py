"""`make bench`: the client, the load generator beside Fortio, then the cluster."""

from tests.bench import bench_client, bench_cluster, bench_load

bench_client.main()
bench_load.main()
bench_cluster.main()
