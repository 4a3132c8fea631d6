import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BenchServer, BUCKET } from "./server.ts";
import type { Work } from "./table.ts";

export type Client = { readonly name: string; readonly command: readonly string[] };

export type Programs = {
  /** The AWS CLI. */
  readonly aws: string;
  /** Bundles of ours and of the SDK's uploader. */
  readonly ours: string;
  readonly libStorage: string;
  readonly scratch: string;
};

/** What puts the work below `up/`, each as its manual says. */
export function clients(server: BenchServer, programs: Programs, { path, files }: Work): readonly Client[] {
  const { endpoint, ca, keys } = server;
  const isFolder = files > 1;
  const user = `${keys.accessKeyId}:${keys.secretAccessKey}`;
  const sigv4 = ["--aws-sigv4", "aws:amz:us-east-1:s3", "-u", user, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
  const curl = ["curl", "-sS", "--fail", "--cacert", ca, ...sigv4];
  const recursive = isFolder ? ["--recursive"] : [];
  return [
    { name: "ours", command: [process.execPath, programs.ours, `s3://${BUCKET}/up`, path] },
    {
      name: "AWS CLI",
      command: [programs.aws, "s3", "cp", "--quiet", ...recursive, path, `s3://${BUCKET}/up/`],
    },
    {
      name: "rclone",
      command: [
        ...["env", "-u", "AWS_CA_BUNDLE", "rclone", "copy", "--config", "/dev/null", "--ca-cert", ca, "--s3-no-head"],
        ...[path, `bench:${BUCKET}/up`],
      ],
    },
    { name: "lib-storage", command: [process.execPath, programs.libStorage, BUCKET, "up", path] },
    {
      name: "curl",
      command: isFolder
        ? [...curl, "--parallel", "--parallel-max", "16", "-K", listFor(server, path, programs.scratch)]
        : [...curl, "-T", path, `${endpoint}/${BUCKET}/up/${basename(path)}`],
    },
  ];
}

function listFor({ endpoint }: BenchServer, path: string, scratch: string): string {
  const file = join(scratch, "curl-list");
  const entries = readdirSync(path).map(
    (name) => `upload-file = "${join(path, name)}"\nurl = "${endpoint}/${BUCKET}/up/${name}"\noutput = "/dev/null"`,
  );
  writeFileSync(file, entries.join("\n"));
  return file;
}
