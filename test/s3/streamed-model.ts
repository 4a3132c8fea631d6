import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generatedBody } from "../support/generated-body.ts";
import { jobContext } from "../support/job-context.ts";
import { PEAK_MEMORY } from "../support/peak-memory.ts";
import { type ActionRun, type Phase, runAction } from "../support/run-action.ts";
import { envOf, newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { streamed } from "../support/streamed.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MIB = 1024 * 1024;

export type Streamed = {
  readonly main: Phase;
  /** The greatest memory of the process, in bytes. */
  readonly peak: number;
  /** The bucket of the registry. */
  readonly models: string;
};

export type Streaming = Pick<ActionRun, "bundled"> & {
  readonly engine: S3Server;
  readonly registry: S3Server;
  /** The size of the model, about. */
  readonly bytes: number;
};

/**
 * Registers a safetensors file, made up as it goes, from the one server into the other, by a process that may write no file over 8 MiB: a
 * model that took its way over the disk would not get far.
 */
export async function registerStreamed({ engine, registry, bytes, ...run }: Streaming): Promise<Streamed> {
  const [bucket, models] = [await newBucket(engine), await newBucket(registry)];
  await storeAt({ server: engine, bucket, rest: "runs" }).create("model/model.safetensors", safetensors(bytes));
  const peakFile = join(await temporaryFolder(), "peak");
  const { main } = await runAction("register-model", {
    ...run,
    job: jobContext({ tag: "v1.0.0", hosted: true }),
    env: {
      ...envOf(registry),
      ML_RELEASE_STORE: `s3://${models}/models`,
      NODE_OPTIONS: `--import=${PEAK_MEMORY}`,
      ML_RELEASE_TEST_PEAK: peakFile,
    },
    with: {
      name: "digits",
      model: `s3://${bucket}/runs/model`,
      "model-endpoint": engine.endpoint,
      "model-access-key": engine.keys.accessKeyId,
      "model-secret-key": engine.keys.secretAccessKey,
    },
    fileBytes: 8 * MIB,
    post: false,
  });
  return { main, peak: Number(readFileSync(peakFile, "utf8")), models };
}

function safetensors(bytes: number) {
  const header = Buffer.from(JSON.stringify({ w: { dtype: "U8", shape: [bytes], data_offsets: [0, bytes] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const weights = generatedBody(bytes);
  return streamed(8 + header.length + bytes, async function* () {
    yield length;
    yield header;
    yield* weights.open();
  });
}
