import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { PROTO4, pickle, short } from "../support/pickle.ts";
import { expectPlanChangesNothing } from "../support/plan.ts";
import { runAction } from "../support/run-action.ts";

type Given = Readonly<Record<string, string>>;

const FILES = {
  "model/model.json": "{}",
  "model/a/labels.txt": "0123456789",
  "serving/inference.py": "def model_fn(model_dir): ...\n",
  "serving/lib/read.py": "x = 1\n",
  "serving/__pycache__/inference.cpython-311.pyc": "bytecode",
  "requirements-serving.txt": "onnxruntime==1.31.1\n",
};

const COMMAND = pickle(PROTO4, short("posix"), short("system"), 0x93, short("id"), 0x85, "R.");

const PACKAGE: Given = {
  package: "tar",
  "package-code": "serving",
  "package-requirements": "requirements-serving.txt",
};

const jobWith = (files: Readonly<Record<string, string | Uint8Array>> = {}) =>
  jobContext({ tag: "v1.0.0", files: { ...FILES, ...files } });

async function register(job: JobContext, given: Given = PACKAGE) {
  const { main } = await runAction("register-model", {
    job,
    with: { name: "adder", model: "model", ...given },
    post: false,
  });
  return main;
}

const recordIn = (job: JobContext) => findVersion(folderStore(join(job.home, "models")), "adder", "1.0.0");

test("an archive with model, code and requirements lies beside the version, named in the record by its digest", async () => {
  const job = jobWith();
  const main = await register(job);
  expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
  const file = fileURLToPath(main.outputs.package ?? "");
  const bytes = readFileSync(file);
  expect(execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n")).toEqual([
    "a/labels.txt",
    "code/inference.py",
    "code/lib/read.py",
    "code/requirements.txt",
    "model.json",
  ]);
  expect((await recordIn(job))?.package).toEqual({
    key: "adder/packages/1.0.0/model.tar.gz",
    digest: sha256(bytes),
    size: bytes.length,
  });
  expect((await recordIn(job))?.files.map(({ path }) => path)).toEqual(["a/labels.txt", "model.json"]);
  expect(main.summary).toMatch(/It is packed as one archive, [\d.]+ KiB: `file:.*model\.tar\.gz`/);

  const other = await register(jobWith());
  expect(sha256(readFileSync(fileURLToPath(other.outputs.package ?? "")))).toBe(sha256(bytes));
});

test("an archive that was changed or removed is found by mode verify", async () => {
  const job = jobWith();
  const file = fileURLToPath((await register(job)).outputs.package ?? "");
  const verify = () => register(job, { mode: "verify", version: "1.0.0", model: "" });
  expect((await verify()).code).toBe(0);
  writeFileSync(file, "other");
  const main = await verify();
  expect(main.code).toBe(1);
  expect(main.summary).toContain("`adder/packages/1.0.0/model.tar.gz` differs");
});

test("a plan says how large it would be, and writes nothing", async () => {
  const { main } = await expectPlanChangesNothing("register-model", {
    job: jobWith(),
    with: { name: "adder", model: "model", ...PACKAGE },
  });
  expect(main.summary).toContain("It would be packed as one archive,");
});

test("a version that was registered without stays so", async () => {
  const job = jobWith();
  await register(job, {});
  const main = await register(job);
  expect(main.code).toBe(0);
  expect(main.stdout).toContain("was registered without an archive, and stays so");
  expect(main.outputs.package ?? "").toBe("");
});

type Refused = {
  readonly what: string;
  readonly given?: Given;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly message: string;
};

test.each<Refused>([
  { what: "code without an archive", given: { "package-code": "serving" }, message: "set `package: tar`" },
  {
    what: "a path that is there twice",
    files: { "model/code/inference.py": "x" },
    message: "must be in the archive once",
  },
  {
    what: "two files of requirements",
    files: { "serving/requirements.txt": "x" },
    message: "must be in the archive once",
  },
  {
    what: "a secret in the code",
    files: { "serving/key.pem": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc" },
    message: "must not hold a secret",
  },
  {
    what: "a pickle that runs commands",
    files: { "serving/vocabulary.pkl": COMMAND },
    message: "must not run what came with it",
  },
  { what: "code outside of the workspace", given: { ...PACKAGE, "package-code": "../x" }, message: "package-code" },
])("refuses $what, before anything is copied", async ({ given, files, message }) => {
  const job = jobWith(files);
  const main = await register(job, given);
  expect(main.code).toBe(1);
  expect(main.stdout).toContain(message);
  expect(existsSync(join(job.home, "models/adder"))).toBe(false);
});
