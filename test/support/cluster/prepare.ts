import { REQUIRE_REAL } from "../built-tool.ts";
import { builtProgram, canBuild, PROGRAMS } from "./build.ts";
import { keptEtcd } from "./kept-etcd.ts";

// Builds what the suites on a real Kubernetes need into the cache, and says what took how long.

if (REQUIRE_REAL || (await canBuild())) {
  for (const program of PROGRAMS) await timed(program, () => builtProgram(program));
  await timed("kept etcd", keptEtcd);
} else console.error("Go is not installed: nothing is built, and the suites on a real Kubernetes will be skipped");

async function timed(what: string, make: () => Promise<string>): Promise<void> {
  const started = Date.now();
  const path = await make();
  console.error(`${what}: ${((Date.now() - started) / 1_000).toFixed(1)} s (${path})`);
}
