import { join } from "node:path";
import { expect, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { PROTO4, pickle, short } from "../support/pickle.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";

const COMMAND = pickle(PROTO4, short("posix"), short("system"), 0x93, short("id"), 0x85, "R.");
const SCALER = pickle(PROTO4, short("digits.features"), short("Scaler"), 0x93, ")", 0x81, ".");

/** Registers these files as digits 1.0.0 on a new machine. */
async function registering(files: Readonly<Record<string, Uint8Array | string>>, given: ActionRun["with"] = {}) {
  const job = jobContext({ tag: "v1.0.0" });
  const release = await modelRelease(job, { files });
  const { main } = await runAction("register-model", { job, with: { name: "digits", release, ...given }, post: false });
  return { ...main, record: await findVersion(folderStore(join(job.home, "models")), "digits", "1.0.0") };
}

test("a pickle that runs a command is refused before a byte is copied, with its place", async () => {
  const { code, stdout, record } = await registering({ "model.pkl": COMMAND });
  expect(code).toBe(1);
  expect(stdout).toContain(
    "model.pkl: byte 17, STACK_GLOBAL: imports posix.system, which can run commands, files or code",
  );
  expect(record).toBeUndefined();
});

test("with `unsafe-pickle: warn` it is registered as what it is", async () => {
  const { code, stdout, record } = await registering({ "model.pkl": COMMAND }, { "unsafe-pickle": "warn" });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^::warning.*posix\.system/m);
  expect(record?.scan).toEqual({ verdict: "dangerous", imports: ["posix.system"] });
});

test("a class that is not known is a warning, and one that the user vouches for is none", async () => {
  const unknown = await registering({ "model.pkl": SCALER });
  expect(unknown.code).toBe(0);
  expect(unknown.stdout).toMatch(/^::warning.*digits\.features\.Scaler/m);
  expect(unknown.record?.scan).toEqual({ verdict: "code-bearing", imports: ["digits.features.Scaler"] });
  const allowed = await registering({ "model.pkl": SCALER }, { "allow-imports": "digits.*" });
  expect(allowed.stdout).not.toContain("::warning");
  expect(allowed.record?.scan).toEqual({ verdict: "data-only", imports: [] });
});

test("a token in a file of the model is refused, and is not printed", async () => {
  const token = `ghp_${"a1B2".repeat(9)}`;
  const { code, stdout, stderr } = await registering({ "model.onnx": onnxModel(), "config.txt": `token=${token}` });
  expect(code).toBe(1);
  expect(stdout).toContain("a token of GitHub");
  expect(stdout + stderr).not.toContain(token);
});
