import { join } from "node:path";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import { kfpEngine as kubeflowEngine } from "../../actions/shared/clients/kfp/engine.ts";
import { markedReader } from "../../actions/shared/clients/kfp/marker.ts";
import { nativeReader } from "../../actions/shared/clients/kfp/native-results.ts";
import { kfpPodLog } from "../../actions/shared/clients/kfp/pod-log.ts";
import { resultsReader } from "../../actions/shared/clients/kfp/read-results.ts";
import { kfpBase } from "../../actions/shared/clients/kfp/server.ts";
import { metadataReader } from "../../actions/shared/clients/mlmd/metadata-reader.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { request as send } from "../../actions/shared/lib/http.ts";
import { kfpEngine as localEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import type { PipelineEngine } from "../../actions/shared/ports/pipeline-engine.ts";
import { type EngineBench, pipelineEngineContract } from "../contract/pipeline-engine-contract.ts";
import { localCluster } from "../fakes/kfp/local-cluster.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { logInto } from "../support/logs.ts";
import { lacksMetadataStore, type MetadataStore, startMetadataStore } from "../support/mlmd.ts";
import { kfpPython } from "../support/python-environment.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

beforeAll(() => kfpPython(), 300_000);

function localIn(runs: string): PipelineEngine {
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" };
  return localEngine({ runs, pythonWith: kfpPython, env, taskEnv: {}, allowCpu: false });
}

pipelineEngineContract("local", async () => {
  const runs = await temporaryFolder();
  return { engine: localIn(runs), again: () => localIn(runs) };
});

describe.skipIf(lacksMetadataStore())("with the real ML Metadata", () => {
  let metadata: MetadataStore;
  beforeAll(async () => {
    metadata = await startMetadataStore();
  }, 120_000);
  afterAll(() => metadata.close());

  /** Over real HTTP: a server that behaves as Kubeflow Pipelines and executes what is uploaded on this machine. */
  async function onKubeflow(): Promise<EngineBench> {
    const engine = localIn(join(await temporaryFolder(), "runs"));
    const fake = await startFakeKfp({ cluster: localCluster({ engine, metadata }), metadata: metadata.endpoint });
    onTestFinished(() => fake.close());
    const endpoint = fake.url;
    const clock = systemClock;
    const base = kfpBase({ send, endpoint, clock });
    const again = () =>
      kubeflowEngine({
        send,
        endpoint,
        clock,
        log: logInto([]),
        experiment: "digits",
        caching: "package",
        onChangedVersion: "suffix",
        readResults: resultsReader({
          metricsFrom: "auto",
          native: async (run) => nativeReader({ send, endpoint: await base() })(run),
          metadata: metadataReader({ send, endpoint }),
          marked: markedReader(kfpPodLog({ send, endpoint, clock })),
          clock,
        }),
      });
    return { engine: again(), again };
  }

  pipelineEngineContract("kubeflow", onKubeflow);
});
