import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { goTool, pythonTools } from "../test/support/built-tool.ts";
import { bundled } from "../test/support/bundled.ts";
import { VERSITYGW } from "../test/support/versitygw.ts";
import { clients } from "./upload/clients.ts";
import { type BenchServer, startGateway, startSink } from "./upload/server.ts";
import { type Sample, tableOf, type Work } from "./upload/table.ts";
import { largeFile, smallFiles } from "./upload/work.ts";

// How long a model takes into a bucket over TLS, by us and by others: in turn, in one call, on the same server. Writes upload.md.
// Usage: node benchmarks/upload.ts [ROUNDS]. Wants curl, openssl, python3, Go and rclone; the AWS CLI comes from PyPI into the user's cache.

const ROOT = join(import.meta.dirname, "..");
const AWS_CLI = "awscli==1.45.11";
const rounds = Number(process.argv[2] ?? "3");
const MEMORY = "/dev/shm";
const machine = `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)} when it began`;

const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "ml-release-bench-"));
try {
  const gateway = await goTool(VERSITYGW);
  if (gateway === undefined) throw new Error("Go is needed to build the servers");
  const programs = {
    aws: join(await pythonTools([AWS_CLI]), "aws"),
    ours: bundled("test/s3/upload-program.ts", folder),
    libStorage: bundled("benchmarks/upload/lib-storage.ts", folder),
    scratch: folder,
  };
  const servers = [await startSink({ program: builtSink(), folder }), await startGateway({ program: gateway, folder })];
  try {
    const works = [largeFile(folder), smallFiles(folder)];
    const samples: Sample[] = [];
    // The first round warms the caches of the disk, and is not counted.
    for (let round = 0; round <= rounds; round++)
      for (const server of servers)
        for (const work of works)
          for (const { name, command } of clients(server, programs, work)) {
            const sample = {
              server: server.name,
              work: work.name,
              client: name,
              ...(await measure(server, work, command)),
            };
            console.error(`${round}: ${work.name}, ${server.name}, ${name}: ${sample.seconds.toFixed(2)} s`);
            if (round > 0) samples.push(sample);
          }
    const table = tableOf({ works, samples, rounds, machine, versions: versions(programs.aws) });
    writeFileSync(join(import.meta.dirname, "upload.md"), table);
    console.log(table);
  } finally {
    for (const server of servers) await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(server: BenchServer, work: Work, command: readonly string[]) {
  const cpuBefore = server.cpuSeconds();
  const told = execFileSync("python3", [join(import.meta.dirname, "upload/measured.py"), ...command], {
    env: { ...server.env, PATH: process.env.PATH ?? "", HOME: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const serverCpu = server.cpuSeconds() - cpuBefore;
  const { objects, bytes } = await server.takeArrived();
  if (objects < work.files || bytes < work.bytes) throw new Error(`${work.name}: only ${objects} objects arrived`);
  return { ...(JSON.parse(String(told)) as Pick<Sample, "seconds" | "cpu" | "peakMb">), serverCpu };
}

function builtSink(): string {
  const program = join(folder, "sink");
  const source = join(import.meta.dirname, "upload/sink/main.go");
  execFileSync("go", ["build", "-trimpath", "-o", program, source], { env: { ...process.env, CGO_ENABLED: "0" } });
  return program;
}

function versions(aws: string): string {
  const first = (command: string, args: readonly string[]) =>
    String(execFileSync(command, args, { env: { PATH: process.env.PATH ?? "", HOME: folder } })).split("\n")[0] ?? "";
  const sdk = readFileSync(join(ROOT, "node_modules/@aws-sdk/lib-storage/package.json"), "utf8");
  return [
    `Node ${process.version}`,
    first(aws, ["--version"]).split(" ")[0]?.replace("/", " ") ?? "",
    first("rclone", ["version"]),
    `lib-storage ${(JSON.parse(sdk) as { readonly version: string }).version}`,
    first("curl", ["--version"]).split(" ").slice(0, 2).join(" "),
    `versitygw ${VERSITYGW.version}`,
  ].join(", ");
}
