import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type GoTool, goTool, REQUIRE_REAL } from "./built-tool.ts";
import { freePort, untilAnswering } from "./docker-registry.ts";
import { adminOf, type Keys, type S3Server } from "./s3-server.ts";

export const VERSITYGW: GoTool = {
  name: "versitygw",
  package: "github.com/versity/versitygw/cmd/versitygw",
  version: "v1.8.0",
};

/** Built where it is not there yet. Undefined only where Go is absent and nobody insists on the real part. */
export async function versitygw(): Promise<string | undefined> {
  const program = await goTool(VERSITYGW);
  if (program === undefined && REQUIRE_REAL) throw new Error("Go is needed to build versitygw");
  return program;
}

export type Gateway = {
  readonly program: string;
  /** Flags of the gateway as a whole, such as a certificate. */
  readonly flags?: readonly string[];
  readonly scheme?: "http" | "https";
  /** Facts of objects in files beside them: as attributes, ext4 has no room for those of many hundred parts. */
  readonly sidecar?: true;
};

/** A gateway to a new folder on a free port of loopback: conditions are kept, also for parts and in buckets with versions. */
export async function startVersitygw({ program, flags = [], scheme = "http", sidecar }: Gateway): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-versitygw-"));
  for (const name of ["data", "versions", "iam", "sidecar"]) mkdirSync(join(folder, name));
  const port = await freePort();
  const keys = { accessKeyId: "root-of-the-test", secretAccessKey: "a-secret-of-the-test" };
  const common = ["--access", keys.accessKeyId, "--secret", keys.secretAccessKey, "--port", `127.0.0.1:${port}`];
  // Without an account folder an unknown key is answered 404.
  const own = [
    "--iam-dir",
    join(folder, "iam"),
    "--iam-cache-disable",
    "--quiet",
    "--keep-alive",
    "--health",
    "/health",
  ];
  const facts = sidecar === undefined ? [] : ["--sidecar", join(folder, "sidecar")];
  const backend = ["posix", ...facts, "--versioning-dir", join(folder, "versions"), join(folder, "data")];
  const child = spawn(program, [...common, ...own, ...flags, ...backend], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const endpoint = `${scheme}://127.0.0.1:${port}`;
  await untilAnswering(`${endpoint}/health`, exited);
  return {
    endpoint,
    keys,
    admin: adminOf(endpoint, keys),
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One who may do nothing but what a bucket's policy says. */
export async function addUser({
  program,
  server,
}: {
  readonly program: string;
  readonly server: S3Server;
}): Promise<Keys> {
  const keys = { accessKeyId: `user-${randomUUID()}`, secretAccessKey: "a-secret-of-a-user" };
  const root = ["--access", server.keys.accessKeyId, "--secret", server.keys.secretAccessKey];
  const user = ["--access", keys.accessKeyId, "--secret", keys.secretAccessKey, "--role", "user"];
  await promisify(execFile)(program, ["admin", ...root, "--endpoint-url", server.endpoint, "create-user", ...user]);
  return keys;
}
