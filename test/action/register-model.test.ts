import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { ModelEvent, VersionRecord } from "../../actions/shared/domain/model-version.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { modelDigest } from "../../actions/shared/lib/hash-model.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { createVersion, findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { readVerificationKey } from "../../actions/shared/lib/model-signing/keys.ts";
import { openSignature } from "../../actions/shared/lib/model-signing/signature.ts";
import { findRelease } from "../../actions/shared/lib/release-store.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type JobContext, type JobOptions, jobContext } from "../support/job-context.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { type ModelRelease, modelRelease, RUN_ID, TEST_DIGEST, TRAIN_DIGEST } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { expectPlanChangesNothing } from "../support/plan.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";
import { keyPair } from "../support/signing-key.ts";
import { FOUND, registerModelKills } from "./register-model-kills.ts";

const storeOf = (job: JobContext) => folderStore(join(job.home, "models"));

type Step = Partial<ActionRun> & { readonly job: JobContext; readonly release?: string };

/** A step with the record of its job, as a workflow would write it. */
async function step({ job, release, with: given, ...run }: Step) {
  const record = release === undefined ? {} : { release };
  const { main } = await runAction("register-model", {
    job,
    with: { name: "digits", ...record, ...given },
    post: false,
    ...run,
  });
  return main;
}

/** A job on a new machine, or the next release on that of an earlier one. */
async function prepared(options: ModelRelease & { readonly job?: JobOptions } = {}) {
  const job = jobContext({ tag: options.tag ?? "v1.0.0", ...options.job });
  return { job, release: await modelRelease(job, options) };
}

/** Whatever is not the same in two runs. */
function plain(text: string, job: JobContext): string {
  return text
    .replaceAll(job.home, "HOME")
    .replaceAll(job.root, "ROOT")
    .replaceAll(/registered in \S+:/g, "registered in TIME:");
}

const keysOf = (job: JobContext) =>
  readdirSync(join(job.home, "models"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(job.home, "models").length + 1))
    .filter((key) => !key.startsWith(".store/"))
    .toSorted();

describe("registering a run's model", () => {
  test("keeps its files, a record that nobody typed, the alias candidate and a log", async () => {
    const { job, release } = await prepared({ job: { files: { LICENSE: "SPDX-License-Identifier: Apache-2.0\n" } } });
    const main = await step({ job, release });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(keysOf(job)).toEqual([
      "digits/aliases/candidate.json",
      "digits/cards/1.0.0/MODEL_CARD.md",
      "digits/claims/1.0.0.json",
      "digits/files/1.0.0/model.onnx",
      "digits/files/1.0.0~files.json",
      "digits/log/00000000000000000001.json",
      "digits/log/00000000000000000002.json",
      "digits/versions/1.0.0.json",
      "releases/v1.0.0.json",
    ]);
    const store = storeOf(job);
    const record = await findVersion(store, "digits", "1.0.0");
    const { digest, ...known } = record as VersionRecord;
    expect(known).toEqual({
      schema: 1,
      model: "digits",
      version: "1.0.0",
      folder: "digits/files/1.0.0",
      files: [{ path: "model.onnx", size: onnxModel().length, digest: expect.stringMatching(/^sha256:/) }],
      format: { name: "onnx", version: "ir 10, opset 21, ai.onnx.ml 1" },
      framework: { name: "scikit-learn", version: "1.9.0" },
      signature: {
        inputs: [{ name: "pixels", type: "FP32", shape: [-1, 64] }],
        outputs: [
          { name: "label", type: "INT64", shape: [-1] },
          { name: "scores", type: "FP32", shape: [-1, 10] },
        ],
      },
      scan: { verdict: "data-only", imports: [] },
      data: [
        { role: "all", uri: "data/digits.csv", digest: `sha256:${"0".repeat(64)}`, rows: 1797 },
        { role: "train", uri: "file:///runs/train", digest: TRAIN_DIGEST, rows: 1464 },
        { role: "test", uri: "file:///runs/test", digest: TEST_DIGEST, rows: 333 },
      ],
      parameters: { C: 3, kernel: "rbf", gamma: "scale" },
      metrics: JSON.parse(release).metrics,
      environment: {
        os: "Linux-6.1.0-x86_64-with-glibc2.36",
        architecture: "x64",
        python: "3.11.2",
        cpu: { name: "Intel Xeon", count: 2 },
        memoryBytes: 8_123_456_789,
        gpus: [{ name: "NVIDIA H200", count: 1, memoryBytes: 143_771 * 1024 ** 2, driver: "580.1" }],
        packages: { "scikit-learn": "1.9.0", onnx: "1.22.0" },
      },
      code: { repository: "acme/digits", commit: "a".repeat(40), ref: "refs/tags/v1.0.0", tag: "v1.0.0" },
      ci: {
        event: "push",
        actor: "octocat",
        workflow: "release",
        runId: "812",
        attempt: "1",
        url: "https://github.com/acme/digits/actions/runs/812",
      },
      pipeline: JSON.parse(release).pipeline,
      run: {
        id: RUN_ID,
        attempt: 1,
        startedAt: "2026-11-21T09:00:00Z",
        finishedAt: "2026-11-21T09:01:00Z",
        task: "export",
        output: "model",
        parameters: { folds: 3 },
        details: JSON.parse(release).run.details.digest,
      },
      images: [
        {
          name: "trainer",
          ref: expect.stringContaining("@sha256:333"),
          digest: `sha256:${"3".repeat(64)}`,
          executed: true,
        },
      ],
      gate: JSON.parse(release).gate,
      author: "octocat",
      licence: "Apache-2.0",
      card: { key: "digits/cards/1.0.0/MODEL_CARD.md", digest: expect.stringMatching(/^sha256:/) },
      release: "v1.0.0",
      logAfter: 0,
      createdAt: expect.stringMatching(/Z$/),
    });
    expect(digest).toBe(JSON.parse(release).run.model.digest);
    const uri = `${store.uri}/digits/files/1.0.0`;
    expect(main.outputs).toMatchObject({ model: "digits@1.0.0", version: "1.0.0", digest, uri, existed: "false" });
    const model = { name: "digits", version: "1.0.0", digest, uri, store: store.uri };
    expect(JSON.parse(main.outputs.release ?? "").model).toEqual(model);
    expect((await findRelease(store, "v1.0.0"))?.model).toEqual(model);
    const act = {
      by: "octocat",
      at: expect.stringMatching(/Z$/),
      release: "v1.0.0",
      runId: RUN_ID,
      url: "https://github.com/acme/digits/actions/runs/812",
    };
    expect(await history(store, "digits")).toEqual([
      {
        schema: 1,
        event: "registered",
        version: "1.0.0",
        digest,
        record: sha256(readFileSync(join(job.home, "models/digits/versions/1.0.0.json"))),
        reason: "gate: pass",
        act,
      },
      { schema: 1, event: "alias-moved", alias: "candidate", version: "1.0.0", digest, move: 1, act },
    ] satisfies ModelEvent[]);
  });

  test("tells it in a summary", async () => {
    const { job, release } = await prepared();
    const main = await step({ job, release });
    expect(plain(main.summary, job)).toMatchInlineSnapshot(`
      "### ✅ digits 1.0.0 registered in TIME: \`sha256:11d8d351a254\`, 1 file, 1.13 KiB

      It lies at \`file://HOME/models/digits/files/1.0.0\`. There is no champion to compare it with.

      Next: deploy-model with \`model: digits@1.0.0\`.

      #### Aliases

      - \`candidate\` set

      <details><summary>Origin</summary>

      | origin     |                                                              |
      | ---------- | ------------------------------------------------------------ |
      | code       | acme/digits \`aaaaaaaaaaaa\` v1.0.0                            |
      | run        | \`0a1b2c3d-0000-5000-8000-000000000001\` attempt 1             |
      | pipeline   | digits v1.0.0 \`sha256:555555555555\`                          |
      | data all   | \`sha256:000000000000\`, 1797 rows                             |
      | data train | \`sha256:111111111111\`, 1464 rows                             |
      | data test  | \`sha256:222222222222\`, 333 rows                              |
      | framework  | scikit-learn 1.9.0                                           |
      | format     | onnx ir 10, opset 21, ai.onnx.ml 1                           |
      | scan       | data-only                                                    |
      | trained on | 1 x NVIDIA H200, 2 x Intel Xeon, 7.57 GiB, Linux-6.1.0-x86\\_64-with-glibc2.36, Python 3.11.2 |
      | author     | octocat                                                      |
      | verdict    | \`pass\`                                                       |

      </details>

      <details><summary>Files</summary>

      | file         |     size | SHA-256                                                      |
      | ------------ | -------: | ------------------------------------------------------------ |
      | \`model.onnx\` | 1.13 KiB | \`sha256:17718ce98e35858e9aede453e82c07cef96559e5867cc59a2cbb377f15f5f816\` |

      </details>
      "
    `);
    expect(plain(main.stdout, job)).toMatchInlineSnapshot(`
      "::add-mask::ghs_harness0123456789
      Found the model at HOME/runs/0a1b2c3d-0000-5000-8000-000000000001/model: 1 file, 1.13 KiB.
      Looked into it: onnx, data-only.
      Copied 1.13 KiB.
      Registered digits 1.0.0, sha256:11d8d351a254e00ff9517e46c51f5b83f1a95c823f0e1025a8123a0f4529338c.
      Alias candidate: new to 1.0.0.
      ::notice title=register-model::no licence that is known was found: add LICENSE to the repository, so that whoever takes the model knows what is allowed
      ✅ digits 1.0.0 registered in TIME: sha256:11d8d351a254, 1 file, 1.13 KiB
      Report: HOME/reports/register-model/v1.0.0/summary.md
      "
    `);
  });

  test("again is a no-op that says so", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    const [before, keys] = [readFileSync(join(job.home, "models/digits/versions/1.0.0.json"), "utf8"), keysOf(job)];
    const main = await step({ job, release });
    expect(main).toMatchObject({ code: 0, outputs: { existed: "true", version: "1.0.0" } });
    expect(main.summary).toContain("digits 1.0.0 was registered before with the same digest");
    expect(readFileSync(join(job.home, "models/digits/versions/1.0.0.json"), "utf8")).toBe(before);
    expect(keysOf(job)).toEqual(keys);
  });

  test("with another digest is an error that tells each file, and changes nothing", async () => {
    const files = { "model.onnx": onnxModel(), "labels.txt": "a", "old.txt": "x" };
    const { job, release } = await prepared({ files });
    await step({ job, release });
    const keys = keysOf(job);
    const other = { "model.onnx": onnxModel(), "labels.txt": "bcd", "new.txt": "y" };
    const changed = await modelRelease(job, { files: other, runId: "0a1b2c3d-0000-5000-8000-000000000002" });
    const main = await step({ job: jobContext({ tag: "v1.0.0", machine: job }), release: changed });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("digits 1.0.0 is registered with another digest, and a version never changes");
    expect(main.stdout).toMatch(/labels\.txt: differs \(saw 3 B; allowed: 1 B\)/);
    expect(main.stdout).toMatch(/new\.txt: is not in the registered version/);
    expect(main.stdout).toMatch(/old\.txt: is missing/);
    expect(keysOf(job)).toEqual(keys);
  });

  test("from files that are named, with card, metadata and aliases", async () => {
    const files = { "out/model.onnx": onnxModel(), "out/notes.txt": "n", "CARD.md": "# Digits\n" };
    const job = jobContext({ tag: "digits@v2.0.0-rc.1", files });
    const main = await step({
      job,
      with: { model: "out/*.onnx", aliases: "staging, team-a", card: "CARD.md", metadata: "owner: vision\nbudget: 3" },
    });
    expect(main).toMatchObject({ code: 0, outputs: { model: "digits@2.0.0-rc.1" } });
    const store = storeOf(job);
    const record = await findVersion(store, "digits", "2.0.0-rc.1");
    expect(record).toMatchObject({ files: [{ path: "model.onnx" }], metadata: { owner: "vision", budget: 3 } });
    expect(record).not.toHaveProperty("run");
    const card = await store.read(record?.card?.key ?? "");
    const text = new TextDecoder().decode(card?.bytes);
    expect(text).toMatch(/^---\n.*\n---\n\n# Digits\n\n## digits 2.0.0-rc.1 as registered\n/s);
    expect(sha256(text)).toBe(record?.card?.digest);
    for (const alias of ["candidate", "staging", "team-a"]) {
      expect(await findAlias(store, "digits", alias)).toMatchObject({ version: "2.0.0-rc.1" });
    }
  });

  test("on a hosted runner says that it is a rehearsal", async () => {
    const { job, release } = await prepared({ job: { hosted: true } });
    expect((await step({ job, release })).summary).toMatch(/rehearsal/i);
  });

  test("in a store of one's own, made where it is missing", async () => {
    const { job, release } = await prepared();
    const folder = join(job.root, "a/b/models");
    const main = await step({ job, release, with: { store: folder } });
    expect(main.code).toBe(0);
    expect(await findVersion(folderStore(folder), "digits", "1.0.0")).toBeDefined();
  });
});

describe("against the champion", () => {
  test("metrics, data, parameters and files are told where they changed", async () => {
    const first = await prepared({ accuracy: 0.958 });
    await step(first);
    const store = storeOf(first.job);
    const { version, digest } = (await findVersion(store, "digits", "1.0.0")) as VersionRecord;
    const act = { by: "octocat", at: "2026-11-21T09:00:00Z" };
    await moveAlias(store, { name: "digits", alias: "champion", to: { version, digest }, expected: undefined, act });
    const files = { "model.onnx": onnxModel({ weights: [{ name: "w", bytes: 5_000 }] }), "labels.txt": "0123456789" };
    const next = await prepared({
      tag: "v1.1.0",
      runId: "0a1b2c3d-0000-5000-8000-000000000002",
      accuracy: 0.961,
      files,
      job: { machine: first.job },
    });
    const main = await step(next);
    expect(plain(main.summary, next.job).split("<details>")[0]).toMatchInlineSnapshot(`
      "### ✅ digits 1.1.0 registered in TIME: \`sha256:4ae3fafd65d1\`, 2 files, 5.04 KiB

      It lies at \`file://HOME/models/digits/files/1.1.0\`.

      Next: deploy-model with \`model: digits@1.1.0\`.

      #### Aliases

      - \`candidate\` moved from 1.0.0

      #### Against champion 1.0.0

      | metric                     | 1.1.0 | champion 1.0.0 | change |
      | -------------------------- | ----: | -------------: | -----: |
      | \`evaluate.accuracy\`        | 0.961 |          0.958 | +0.003 |
      | \`evaluate.recall[class=3]\` |  0.94 |           0.94 |      0 |

      #### What else changed

      - \`labels.txt\` is new, 10 B
      - \`model.onnx\` changed, 1.13 KiB to 5.03 KiB

      "
    `);
    expect(await findAlias(store, "digits", "champion")).toMatchObject({ version: "1.0.0" });
    expect(await findAlias(store, "digits", "candidate")).toMatchObject({
      version: "1.1.0",
      previous: { version: "1.0.0" },
    });
  });

  test("the re-run of an old release leaves the candidate of a newer one", async () => {
    const first = await prepared();
    await step(first);
    const machine = first.job;
    await step(await prepared({ tag: "v1.1.0", runId: "0a1b2c3d-0000-5000-8000-000000000002", job: { machine } }));
    const main = await step(first);
    expect(main).toMatchObject({ code: 0, outputs: { existed: "true" } });
    expect(main.summary).toContain("`candidate` stays at 1.1.0");
    expect(await findAlias(storeOf(machine), "digits", "candidate")).toMatchObject({ version: "1.1.0", move: 2 });
  });
});

describe("a gate that did not pass", () => {
  test.each(["fail", "no-data"] as const)(
    "%s: the version is kept with its verdict and gets no alias",
    async (verdict) => {
      const { job, release } = await prepared({ verdict });
      const main = await step({ job, release, with: { aliases: "staging" } });
      expect(main.code).toBe(0);
      expect(main.summary).toMatch(/^### ⚠️ digits/);
      expect(main.summary).toContain("`staging` withheld: the gate did not pass");
      const store = storeOf(job);
      expect(await findVersion(store, "digits", "1.0.0")).toMatchObject({ gate: { verdict } });
      expect(await findAlias(store, "digits", "candidate")).toBeUndefined();
      expect(await findAlias(store, "digits", "staging")).toBeUndefined();
    },
  );

  test("stops before anything is written where that is asked for", async () => {
    const { job, release } = await prepared({ verdict: "fail" });
    const main = await step({ job, release, with: { "on-failed-gate": "stop" } });
    expect(main.code).toBe(1);
    expect(main.summary).toMatch(/^### ❌ digits 1.0.0 was not registered: its gate says `fail`, `accuracy >= 0.95`/);
    expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeUndefined();
  });

  test("counts as passed where a person overrode it", async () => {
    const override = { by: "octocat", reason: "known drift", at: "2026-11-21T09:00:00Z" };
    const alter: ModelRelease["alter"] = (release) => ({ ...release, gate: { ...release.gate!, override } });
    const { job, release } = await prepared({ verdict: "fail", alter });
    const main = await step({ job, release });
    expect(main.summary).toContain("overridden by octocat: known drift");
    expect(await findAlias(storeOf(job), "digits", "candidate")).toMatchObject({ version: "1.0.0" });
  });
});

describe("is refused", () => {
  const cases: readonly (readonly [string, (job: JobContext) => void, string])[] = [
    ["a link in the model", (job) => symlinkSync("/etc/passwd", join(modelFolder(job), "passwd")), "a symbolic link"],
    [
      "a model that is not what the run wrote",
      (job) => writeFileSync(join(modelFolder(job), "more"), "x"),
      "the run's model artifact must be",
    ],
    [
      "a model that was cut",
      (job) => writeFileSync(join(modelFolder(job), "model.onnx"), onnxModel().subarray(0, 500)),
      "must be an ONNX model",
    ],
    [
      "run details that were edited",
      (job) => writeFileSync(join(job.home, "runs", RUN_ID, "run.json"), "{}"),
      "the details of the run",
    ],
    ["a model that is gone", (job) => rmSync(modelFolder(job), { recursive: true }), "the model must exist"],
  ];
  const modelFolder = (job: JobContext) => join(job.home, "runs", RUN_ID, "model");

  test.each(cases)("%s", async (_, change, message) => {
    const { job, release } = await prepared();
    change(job);
    const main = await step({ job, release });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain(message);
    expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeUndefined();
    expect(await findAlias(storeOf(job), "digits", "candidate")).toBeUndefined();
  });

  test("weights outside of the model", async () => {
    const files = { "model.onnx": onnxModel({ weights: [{ name: "w", location: "../../secret.bin" }] }) };
    const main = await step(await prepared({ files }));
    expect(main.code).toBe(1);
    expect(main.stdout).toContain('weights in "../../secret.bin", outside of the model');
  });

  test("a model outside of the folders of the job", async () => {
    const { job } = await prepared();
    for (const model of ["/etc/hostname", "../../../../etc/hostname", "/etc/host*"]) {
      const main = await step({ job, with: { model } });
      expect({ model, code: main.code }).toEqual({ model, code: 1 });
      expect(main.stdout).toContain("a model must lie in a folder of this job");
    }
  });

  test("a release without a run, before anything is read", async () => {
    const main = await step({ job: jobContext({ tag: "v1.0.0" }) });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("the release record has no run");
  });

  test("a store that is no folder", async () => {
    const main = await step({ job: jobContext({ tag: "v1" }), with: { store: "gopher://models" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("input store: must be a folder");
  });
});

describe("run details that are not on this machine", () => {
  test("leave their fields out, and a warning", async () => {
    const { job, release } = await prepared();
    rmSync(join(job.home, "runs", RUN_ID, "run.json"));
    const main = await step({ job, release });
    expect(main.code).toBe(0);
    expect(main.commands.find(({ name }) => name === "warning")?.message).toContain("is not on this machine");
    const record = await findVersion(storeOf(job), "digits", "1.0.0");
    expect(record).toMatchObject({ parameters: { folds: 3 }, format: { name: "onnx" } });
    expect(record).not.toHaveProperty("framework");
  });
});

describe("mode plan", () => {
  test("says what would be registered, and writes nothing", async () => {
    const { job, release } = await prepared();
    const { main } = await expectPlanChangesNothing("register-model", { job, with: { name: "digits", release } });
    expect(main.code).toBe(0);
    expect(main.summary).toContain("digits 1.0.0 would be registered: `sha256:");
    expect(main.summary).toContain("`candidate` would be set");
    expect(main.outputs).toMatchObject({ version: "1.0.0", existed: "false" });
  });

  test("without a run says that there is no model yet", async () => {
    const job = jobContext({ tag: "v1.0.0" });
    const { main } = await expectPlanChangesNothing("register-model", { job, with: { name: "digits" } });
    expect(main.code).toBe(0);
    expect(main.summary).toContain("once there is a model: the release record has no run");
  });

  test("finds a version that has another digest", async () => {
    const { job, release } = await prepared();
    await createVersion(storeOf(job), {
      schema: 1,
      model: "digits",
      version: "1.0.0",
      digest: TEST_DIGEST,
      folder: "digits/files/1.0.0",
      files: [{ path: "model.onnx", size: 1, digest: TRAIN_DIGEST }],
      author: "octocat",
      release: "v1.0.0",
      logAfter: 0,
      createdAt: "2026-11-21T09:00:00Z",
    });
    const main = await step({ job, release, with: { mode: "plan" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("is registered with another digest");
  });
});

describe("mode verify", () => {
  test("reads every byte of a version again", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    const main = await step({ job: jobContext({ machine: job }), with: { mode: "verify", version: "1.0.0" } });
    expect(main.code).toBe(0);
    expect(main.summary).toMatch(/^### ✅ digits 1.0.0 is as it was registered: `sha256:/);
  });

  test("tells which file differs, is missing or extra, and is red", async () => {
    const { job, release } = await prepared({ files: { "model.onnx": onnxModel(), "a.txt": "a", "b.txt": "b" } });
    await step({ job, release });
    const folder = join(job.home, "models/digits/files/1.0.0");
    writeFileSync(join(folder, "a.txt"), "other");
    rmSync(join(folder, "b.txt"));
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/c.txt"), "c");
    const main = await step({ job, release, with: { mode: "verify" } });
    expect(main.code).toBe(1);
    expect(main.summary).toMatch(/^### ❌ digits 1.0.0 is damaged: 3 files of 3 are not as registered/);
    expect(main.summary).toMatch(/`a\.txt` differs/);
    expect(main.summary).toMatch(/`b\.txt` is missing/);
    expect(main.summary).toMatch(/`sub\/c\.txt` is extra/);
  });

  test("finds a card that was changed", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    writeFileSync(join(job.home, "models/digits/cards/1.0.0/MODEL_CARD.md"), "# another");
    const main = await step({ job, with: { mode: "verify", version: "1.0.0" } });
    expect(main.code).toBe(1);
    expect(main.summary).toContain("`digits/cards/1.0.0/MODEL_CARD.md` differs");
  });

  test("finds a record that was edited", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    const file = join(job.home, "models/digits/versions/1.0.0.json");
    const record = JSON.parse(readFileSync(file, "utf8"));
    record.files[0].digest = TEST_DIGEST;
    writeFileSync(file, JSON.stringify(record));
    const main = await step({ job, with: { mode: "verify", version: "1.0.0" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("it was edited by hand");
    rmSync(join(job.home, "models/digits/log"), { recursive: true });
    const unlogged = await step({ job, with: { mode: "verify", version: "1.0.0" } });
    expect(unlogged.code).toBe(1);
    expect(unlogged.stdout).toContain("the version record was edited");
  });

  test("knows no version that is not there, and names the nearest", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    const main = await step({ job, with: { mode: "verify", version: "1.0.1" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("digits 1.0.1 is not registered");
    expect(main.stdout).toContain("did you mean 1.0.0?");
  });
});

describe("mode alias", () => {
  async function twoVersions() {
    const first = await prepared();
    await step(first);
    const machine = first.job;
    await step(await prepared({ tag: "v1.1.0", runId: "0a1b2c3d-0000-5000-8000-000000000002", job: { machine } }));
    const alias = (given: Readonly<Record<string, string>>) =>
      step({ job: jobContext({ machine }), with: { mode: "alias", ...given } });
    return { store: storeOf(machine), alias };
  }

  test("moves an alias, and back to where it was", async () => {
    const { store, alias } = await twoVersions();
    const there = await alias({ aliases: "staging", version: "1.0.0" });
    expect(there).toMatchObject({ code: 0, outputs: { model: "digits@1.0.0" } });
    await alias({ aliases: "staging", version: "1.1.0" });
    const back = await alias({ aliases: "staging", version: "previous" });
    expect(back.summary).toMatch(/^### ✅ staging of digits now is 1.0.0/);
    expect(await findAlias(store, "digits", "staging")).toMatchObject({
      version: "1.0.0",
      previous: { version: "1.1.0" },
      move: 3,
      act: { by: "octocat" },
    });
    const again = await alias({ aliases: "staging", version: "1.0.0" });
    expect(again.summary).toContain("already: nothing moved");
  });

  test.each([
    [{ aliases: "champion", version: "1.0.0" }, "champion is moved by deploy-model alone"],
    [{ aliases: "champion", version: "previous" }, "champion is moved by deploy-model alone"],
    [{ aliases: "staging", version: "3.0.0" }, "digits 3.0.0 is not registered"],
    [{ aliases: "staging", version: "previous" }, "digits has no alias staging"],
    [{ aliases: "staging, candidate", version: "previous" }, "moves one alias"],
    [{ version: "1.0.0" }, "mode alias needs the aliases"],
    [{ aliases: "1.0", version: "1.0.0" }, "must be an alias"],
    [{ aliases: "staging" }, "a version must be given"],
  ])("refuses %j", async (given, message) => {
    const { alias } = await twoVersions();
    const main = await alias(given as Readonly<Record<string, string>>);
    expect(main.code).toBe(1);
    expect(main.stdout).toContain(message);
  });

  test("refuses a version whose gate did not pass", async () => {
    const { job, release } = await prepared({ verdict: "fail" });
    await step({ job, release });
    const main = await step({ job, with: { mode: "alias", aliases: "staging", version: "1.0.0" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("a version that did not pass its gate gets no alias");
  });
});

describe("signing", () => {
  const pair = keyPair();
  const signing = { "signing-key": pair.privatePem };
  const signatureFile = (job: JobContext, version = "1.0.0") =>
    join(job.home, "models/digits/signatures", version, "model.sig");
  const publicKey = sha256(pair.publicPem);

  test("keeps model.sig beside the version, and names it in the record, the report and an output", async () => {
    const { job, release } = await prepared();
    const main = await step({ job, release, with: signing });
    expect(main.code).toBe(0);
    const record = await findVersion(storeOf(job), "digits", "1.0.0");
    const bytes = readFileSync(signatureFile(job));
    expect(record?.signatures).toEqual([
      { key: "digits/signatures/1.0.0/model.sig", digest: sha256(bytes), publicKey },
    ]);
    expect(openSignature(bytes, readVerificationKey(pair.publicPem))).toMatchObject({
      state: "ok",
      value: { digest: record?.digest, files: [{ path: "model.onnx" }] },
    });
    expect(main.outputs.signature).toBe(pathToFileURL(signatureFile(job)).href);
    expect(main.summary).toContain(`It is signed with key \`${publicKey.slice(0, 19)}\``);
  });

  test("with an encrypted key, which no log shows", async () => {
    const { job, release } = await prepared();
    const locked = keyPair({ curve: "P-384", passphrase: "open sesame" });
    const given = { "signing-key": locked.privatePem, "signing-key-passphrase": "open sesame" };
    const main = await step({ job, release, with: given });
    expect(main.code).toBe(0);
    const secrets = locked.privatePem.trim().split("\n").slice(1, -1);
    for (const secret of [...secrets, "open sesame"]) {
      expect(main.masks).toContain(secret);
      expect(main.stdout.replaceAll(`::add-mask::${secret}`, "")).not.toContain(secret);
    }
    expect(
      keysOf(job)
        .map((key) => readFileSync(join(job.home, "models", key), "utf8"))
        .join(),
    ).not.toContain(secrets[0]);
  });

  test("again is a no-op, although no two signatures are the same", async () => {
    const { job, release } = await prepared();
    await step({ job, release, with: signing });
    const [before, keys] = [readFileSync(signatureFile(job)), keysOf(job)];
    const main = await step({ job, release, with: signing });
    expect(main).toMatchObject({
      code: 0,
      outputs: { existed: "true", signature: expect.stringMatching(/model\.sig$/) },
    });
    expect(readFileSync(signatureFile(job))).toEqual(before);
    expect(keysOf(job)).toEqual(keys);
    expect(
      main.commands
        .filter(({ name }) => name === "notice")
        .map(({ message }) => message)
        .join(),
    ).not.toContain("signature");
  });

  test("keeps what an attempt that was cut short signed, and goes beside what another key signed", async () => {
    const { job, release } = await prepared();
    await step({ job, release, with: signing });
    const bytes = readFileSync(signatureFile(job));
    rmSync(join(job.home, "models/digits/versions/1.0.0.json"));
    await step({ job, release, with: signing });
    expect((await findVersion(storeOf(job), "digits", "1.0.0"))?.signatures?.[0]?.digest).toBe(sha256(bytes));

    rmSync(join(job.home, "models/digits/versions/1.0.0.json"));
    const other = keyPair();
    await step({ job, release, with: { "signing-key": other.privatePem } });
    const record = await findVersion(storeOf(job), "digits", "1.0.0");
    expect(record?.signatures?.[0]?.key).toMatch(/^digits\/signatures\/1\.0\.0~[0-9a-f]{12}\/model\.sig$/);
    expect(readFileSync(signatureFile(job))).toEqual(bytes);
    const verified = await step({
      job,
      with: { mode: "verify", version: "1.0.0", "verification-key": other.publicPem },
    });
    expect(verified.code).toBe(0);
  });

  test("says that a version that was registered without stays so", async () => {
    const { job, release } = await prepared();
    await step({ job, release });
    const main = await step({ job, release, with: signing });
    expect(main.code).toBe(0);
    expect(main.stdout).toContain("digits 1.0.0 was registered without a signature, and stays so");
    expect(existsSync(signatureFile(job))).toBe(false);
  });

  test("a plan says with which key, and writes nothing", async () => {
    const { job, release } = await prepared();
    const { main } = await expectPlanChangesNothing("register-model", {
      job,
      with: { name: "digits", release, ...signing },
    });
    expect(main.summary).toContain(`It would be signed with key \`${publicKey.slice(0, 19)}\``);
  });

  test.each([
    [{ "signing-key": "secret" }, "must be a private key in PEM"],
    [{ "signing-key-passphrase": "open sesame" }, "a passphrase needs the key that it opens"],
    [{ "signing-key": keyPair({ passphrase: "right" }).privatePem }, "an encrypted key needs its passphrase"],
    [{ mode: "verify", "verification-key": keyPair().privatePem }, "must be a public key in PEM"],
    [{ mode: "verify", "signing-key": pair.privatePem }, "has no meaning in this mode"],
  ])("refuses a key that is none, before anything is copied: %#", async (given, message) => {
    const { job, release } = await prepared();
    const main = await step({ job, release, with: given as Readonly<Record<string, string>> });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain(message);
    expect(main.stdout.replaceAll(/::add-mask::.*/g, "")).not.toContain(pair.privatePem.split("\n")[1]);
    expect(existsSync(join(job.home, "models/digits"))).toBe(false);
  });

  describe("is verified", () => {
    const verifying = { mode: "verify", version: "1.0.0" };

    test("with the public key", async () => {
      const { job, release } = await prepared();
      await step({ job, release, with: signing });
      const main = await step({ job, with: { ...verifying, "verification-key": pair.publicPem } });
      expect(main.code).toBe(0);
      expect(main.summary).toContain(`It is signed with key \`${publicKey.slice(0, 19)}\`.`);
      const unchecked = await step({ job, with: verifying });
      expect(unchecked.code).toBe(0);
      expect(unchecked.summary).toContain("Its signature was not checked: give the public half of key");
    });

    test.each<[string, (job: JobContext) => void, string]>([
      ["removed", (job) => rmSync(signatureFile(job)), "the signature that the record names must be there"],
      ["made huge", (job) => truncateSync(signatureFile(job), 2 ** 40), "more than a signature can be"],
      ["cut", (job) => truncateSync(signatureFile(job), 100), "the signature must be the registered one"],
      ["made with another key", () => {}, "the signature must be made with the key that is given"],
    ])("and refused where it was %s", async (what, change, message) => {
      const { job, release } = await prepared();
      await step({ job, release, with: signing });
      change(job);
      const key = what === "made with another key" ? keyPair().publicPem : pair.publicPem;
      const main = await step({ job, with: { ...verifying, "verification-key": key } });
      expect(main.code).toBe(1);
      expect(main.summary).toMatch(/^### ❌ The signature of digits 1.0.0 does not hold/);
      expect(main.summary).toContain(message);
    });

    test("and refused where record and log were made to fit other files", async () => {
      const { job, release } = await prepared();
      await step({ job, release, with: signing });
      const folder = join(job.home, "models/digits");
      writeFileSync(join(folder, "files/1.0.0/model.onnx"), "evil");
      const file = join(folder, "versions/1.0.0.json");
      const record = JSON.parse(readFileSync(file, "utf8"));
      record.files = [{ path: "model.onnx", size: 4, digest: sha256("evil") }];
      record.digest = modelDigest(record.files);
      writeFileSync(file, JSON.stringify(record));
      const edited = await step({ job, with: verifying });
      expect(edited.code).toBe(1);
      expect(edited.stdout).toContain("it was edited by hand");
      rmSync(join(folder, "log"), { recursive: true });
      const without = await step({ job, with: verifying });
      expect(without.code).toBe(0);
      const main = await step({ job, with: { ...verifying, "verification-key": pair.publicPem } });
      expect(main.code).toBe(1);
      expect(main.summary).toContain("model.onnx: differs from what was signed");
    });

    test("and asked for where there is none", async () => {
      const { job, release } = await prepared();
      await step({ job, release });
      const main = await step({ job, with: { ...verifying, "verification-key": pair.publicPem } });
      expect(main.code).toBe(1);
      expect(main.summary).toContain("it was registered without a signature");
    });
  });
});

describe("attestations", () => {
  test("the model is named to the runner by a file whose hash is its digest", async () => {
    const { job, release } = await prepared();
    const list = join(job.root, "artifacts");
    writeFileSync(list, "");
    const main = await step({ job, release, env: { GITHUB_ARTIFACTS: list } });
    const path = readFileSync(list, "utf8").trim();
    expect(path.endsWith("/digits-1.0.0")).toBe(true);
    expect(sha256(readFileSync(path))).toBe(main.outputs.digest);
  });

  test("and no step fails where the runner's file is not there", async () => {
    const { job, release } = await prepared();
    const main = await step({ job, release, env: { GITHUB_ARTIFACTS: join(job.root, "no/such/file") } });
    expect(main.code).toBe(0);
  });
});

describe("a model card", () => {
  test("with front matter that is none is refused with its line, before anything is copied", async () => {
    const { job, release } = await prepared({
      job: { files: { "CARD.md": "---\nlicense: mit\nlicense: gpl\n---\n" } },
    });
    const main = await step({ job, release, with: { card: "CARD.md" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("CARD.md:3:1: is no valid YAML: Map keys must be unique");
    expect(existsSync(join(job.home, "models/digits"))).toBe(false);
  });

  test("of another attempt is left where it is", async () => {
    const files = { "CARD.md": "# One\n" };
    const { job, release } = await prepared({ job: { files } });
    await step({ job, release, with: { card: "CARD.md" } });
    rmSync(join(job.home, "models/digits/versions/1.0.0.json"));
    writeFileSync(join(job.workspace, "CARD.md"), "# Two\n");
    await step({ job, release, with: { card: "CARD.md" } });
    const { key = "", digest } = (await findVersion(storeOf(job), "digits", "1.0.0"))?.card ?? {};
    expect(key).toMatch(/^digits\/cards\/1\.0\.0~[0-9a-f]{12}\/MODEL_CARD\.md$/);
    expect(sha256(readFileSync(join(job.home, "models", key)))).toBe(digest);
    expect(readFileSync(join(job.home, "models", key), "utf8")).toContain("# Two");
  });
});

describe("two jobs at once", () => {
  test("with the same model register it once, and both are green", async () => {
    const { job, release } = await prepared();
    const jobs = [job, jobContext({ tag: "v1.0.0", machine: job }), jobContext({ tag: "v1.0.0", machine: job })];
    const results = await Promise.all(jobs.map((one) => step({ job: one, release })));
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    const events = await history(storeOf(job), "digits");
    expect(events.map(({ event }) => event).toSorted()).toEqual(["alias-moved", "registered"]);
  });
});

describe("a cancel", () => {
  test("while the model is copied leaves no version; the next run registers it", async () => {
    const big = Buffer.alloc(128 * 1024 * 1024, 1);
    const { job, release } = await prepared({ files: { "weights.bin": big, "model.onnx": onnxModel() } });
    const cancelled = await runAction("register-model", {
      job,
      with: { name: "digits", release },
      cancelWhen: (stdout) => stdout.includes("Found the model"),
    });
    expect(cancelled.main.code).toBe(1);
    expect(cancelled.main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
    expect(cancelled.main.summary).toMatch(/digits 1\.0\.0 was not registered|Nothing was registered/);
    expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeUndefined();
    const main = await step({ job: jobContext({ tag: "v1.0.0", machine: job }), release });
    expect(main).toMatchObject({ code: 0, outputs: { existed: "false" } });
  });
});

describe(`kill -9 at 10 of the touches of the disk, seed ${seedOfDay()}`, () => {
  registerModelKills((points) => sample(points, 10, seedOfDay()));
  describe("where the version is still to be found", () => {
    registerModelKills((points) => sample(points, 3, seedOfDay()), FOUND);
  });
});
