import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../../test/support/docker-registry.ts";
import { adminOf } from "../../test/support/s3-server.ts";

export type Arrived = { readonly objects: number; readonly bytes: number };

/** A server of S3 over TLS, as a process of its own. */
export type BenchServer = {
  readonly name: string;
  readonly endpoint: string;
  readonly ca: string;
  readonly keys: typeof KEYS;
  /** What the clients of all kinds read. */
  readonly env: Readonly<Record<string, string>>;
  cpuSeconds(): number;
  /** What came since it was asked last; it is gone then. */
  takeArrived(): Promise<Arrived>;
  stop(): Promise<void>;
};

export const BUCKET = "bench";
const KEYS = { accessKeyId: "root-of-the-bench", secretAccessKey: "a-secret-of-the-bench" } as const;

export type Starting = { readonly program: string; readonly folder: string };

/** A real one, whose objects are files. */
export async function startGateway({ program, folder }: Starting): Promise<BenchServer> {
  const [data, iam] = [join(folder, "data"), join(folder, "iam")];
  for (const path of [data, iam]) mkdirSync(path);
  const place = await placeIn(folder);
  const account = ["--access", KEYS.accessKeyId, "--secret", KEYS.secretAccessKey, "--iam-dir", iam];
  // Without --keep-alive: with it, version 1.8 does not understand the parts that the AWS CLI sends (digests as trailers).
  const listening = ["--port", `127.0.0.1:${place.port}`, "--cert", place.ca, "--key", place.key, "--quiet"];
  const child = spawn(program, [...account, ...listening, "posix", data], { stdio: "ignore" });
  const admin = adminOf(place.endpoint, KEYS, readFileSync(place.ca, "utf8"));
  await untilListening(place);
  await admin.createBucket({ Bucket: BUCKET });
  const bucket = join(data, BUCKET);
  return {
    name: "versitygw",
    ...serverAt(place, child),
    takeArrived: async () => {
      const sizes = sizesBelow(bucket);
      for (const entry of readdirSync(bucket)) rmSync(join(bucket, entry), { recursive: true });
      return { objects: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    },
  };
}

/** One that throws everything away, so that what is measured is the client. */
export async function startSink({ program, folder }: Starting): Promise<BenchServer> {
  const place = await placeIn(folder);
  const flags = ["--port", String(place.port), "--cert", place.ca, "--key", place.key];
  const child = spawn(program, flags, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await untilListening(place);
  return {
    name: "a server that keeps nothing",
    ...serverAt(place, child),
    takeArrived: async () => {
      child.stdin.write("\n");
      const [objects = 0, bytes = 0] = String((await lines.next()).value)
        .split(" ")
        .map(Number);
      return { objects, bytes };
    },
  };
}

type Place = { readonly port: number; readonly endpoint: string; readonly ca: string; readonly key: string };

async function placeIn(folder: string): Promise<Place> {
  const port = await freePort();
  const [key, ca] = [join(folder, `key-${port}.pem`), join(folder, `cert-${port}.pem`)];
  const kind = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const name = "-subj /CN=bench -addext subjectAltName=IP:127.0.0.1";
  execFileSync("openssl", `req -x509 ${kind} ${name} -keyout ${key} -out ${ca}`.split(" "), { stdio: "ignore" });
  return { port, endpoint: `https://127.0.0.1:${port}`, ca, key };
}

type Child = ReturnType<typeof spawn>;

function serverAt({ endpoint, ca }: Place, child: Child): Omit<BenchServer, "name" | "takeArrived"> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    endpoint,
    ca,
    keys: KEYS,
    env: {
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_CA_BUNDLE: ca,
      AWS_EC2_METADATA_DISABLED: "true",
      RCLONE_CONFIG_BENCH_TYPE: "s3",
      RCLONE_CONFIG_BENCH_PROVIDER: "Other",
      RCLONE_CONFIG_BENCH_ENV_AUTH: "true",
      RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
      RCLONE_CONFIG_BENCH_REGION: "us-east-1",
      NODE_EXTRA_CA_CERTS: ca,
    },
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilListening({ endpoint, ca }: Place): Promise<void> {
  const asking = [
    "-s",
    "-o",
    "/dev/null",
    "--cacert",
    ca,
    "--retry",
    "50",
    "--retry-connrefused",
    "--retry-delay",
    "1",
  ];
  execFileSync("curl", [...asking, `${endpoint}/`]);
}

/** User and system time of a process, in the hundredths of a second that Linux counts in. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Without what a store keeps for itself. */
function sizesBelow(folder: string): readonly number[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("/.store"))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
}
