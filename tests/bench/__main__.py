"""`make bench`: the load generator beside Fortio, then the cluster."""

from tests.bench import bench_cluster, bench_load

bench_load.main()
bench_cluster.main()
