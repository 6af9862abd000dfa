"""`make bench`: the client, a look at a mesh, the load generator beside Fortio, the cluster, cold starts, `goto`."""

from tests.bench import bench_client, bench_cluster, bench_goto, bench_load, bench_observe, bench_serverless

bench_client.main()
bench_observe.main()
bench_load.main()
bench_cluster.main()
bench_serverless.main()
bench_goto.main()
