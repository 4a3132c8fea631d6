import { startCluster } from "./cluster.ts";

// Starts a small cluster, prints the ids of its processes, and waits to be killed.

const cluster = await startCluster({ bare: true });
console.log(JSON.stringify(cluster.parts().map(({ pid }) => pid)));
setInterval(() => {}, 60_000);
