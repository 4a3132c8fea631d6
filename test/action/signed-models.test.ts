import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type FakeSigstore, type Fault, fakeSigstore, IDENTITY, ISSUER } from "../fakes/sigstore/sigstore.ts";
import { writeAdderFiles } from "../support/adder-release.ts";
import { QUICK } from "../support/deploy-adder.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { expectPlanChangesNothing } from "../support/plan.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";
import { keyPair } from "../support/signing-key.ts";

type Given = Readonly<Record<string, string>>;

const MODEL = { name: "adder", version: "1.0.0", model: "model" };

/** A job with a model, and Sigstore at hand. */
async function prepared(fault?: Fault) {
  const fake = await fakeSigstore(fault === undefined ? {} : { answer: fault });
  const files = { "model/model.json": "{}", "model/version.txt": "1.0.0", "trusted-root.json": fake.trustedRoot };
  const job = jobContext({ tag: "v1.0.0", files });
  writeAdderFiles(job.workspace);
  return { fake, job };
}

type Prepared = { readonly fake: FakeSigstore; readonly job: JobContext };

const keylessOf = (fake: FakeSigstore): Given => ({ sign: "keyless", "fulcio-url": fake.url, "rekor-url": fake.url });

async function register({ fake, job }: Prepared, given: Given = keylessOf(fake), run: Partial<ActionRun> = {}) {
  const { main } = await runAction("register-model", {
    job,
    with: { ...MODEL, ...given },
    env: fake.env,
    post: false,
    ...run,
  });
  return main;
}

async function verify(job: JobContext, given: Given) {
  const { main } = await runAction("register-model", {
    job,
    with: { name: "adder", version: "1.0.0", mode: "verify", ...given },
    post: false,
  });
  return main;
}

const recordIn = (job: JobContext) => findVersion(folderStore(join(job.home, "models")), "adder", "1.0.0");

const BY_WORKFLOW = { "verification-identity": IDENTITY, "trusted-root": "trusted-root.json" };

test("a version is signed as the workflow that runs, and verified by who signed it", async () => {
  const { fake, job } = await prepared();
  const main = await register({ fake, job });
  expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
  expect((await recordIn(job))?.signatures).toEqual([
    {
      key: "adder/signatures/1.0.0/model.sig",
      digest: expect.stringMatching(/^sha256:/),
      identity: IDENTITY,
      issuer: ISSUER,
    },
  ]);
  expect(main.summary).toContain(`It is signed as \`${IDENTITY}\`, known to \`${ISSUER}\``);
  expect(main.outputs.signature).toMatch(/\/adder\/signatures\/1\.0\.0\/model\.sig$/);
  // The secret by which the job asks, and each token that it got.
  expect(
    main.masks.filter((mask) => mask === fake.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN || mask.startsWith("eyJ")),
  ).toHaveLength(3);
  expect(main.stdout.replaceAll(/::add-mask::.*/g, "")).not.toMatch(/eyJ/);

  const sound = await verify(job, BY_WORKFLOW);
  expect({ code: sound.code, stdout: sound.stdout }).toMatchObject({ code: 0 });
  expect(sound.summary).toContain(`It is signed as \`${IDENTITY}\``);
  const any = await verify(job, { ...BY_WORKFLOW, "verification-identity": `${IDENTITY.slice(0, -6)}*` });
  expect(any.code).toBe(0);
  const unasked = await verify(job, {});
  expect(unasked.summary).toContain("say who may have signed it, in `verification-identity`");
  const other = await verify(job, { ...BY_WORKFLOW, "verification-identity": "https://github.com/acme/other/*" });
  expect(other.code).toBe(1);
  expect(other.summary).toContain("The signature of adder 1.0.0 does not hold");
  expect(other.summary).toContain("the signature must be of whom it may be");
});

test("who signed is checked by the root that Sigstore publishes, where none is given", async () => {
  const { fake, job } = await prepared();
  await register({ fake, job });
  const verifying = (env: Given) =>
    runAction("register-model", {
      job,
      with: { name: "adder", version: "1.0.0", mode: "verify", "verification-identity": IDENTITY },
      env,
      post: false,
    });
  expect((await verifying(fake.tufEnv)).main.code).toBe(0);
  const other = await fakeSigstore();
  const { main } = await verifying(other.tufEnv);
  expect(main.code).toBe(1);
  expect(main.summary).toContain("the signature must be trusted by the trusted root");
});

test("a version that is registered again keeps its signature, and the log its one entry", async () => {
  const { fake, job } = await prepared();
  await register({ fake, job });
  const again = await register({ fake, job });
  expect(again.outputs.existed).toBe("true");
  expect(
    again.commands
      .filter(({ name }) => name === "notice" || name === "warning")
      .map(({ message }) => message)
      .join(),
  ).not.toContain("signature");
  expect(fake.entries()).toBe(1);
});

test("a plan says as whom it would be signed, and writes nothing into the log", async () => {
  const { fake, job } = await prepared();
  const { main } = await expectPlanChangesNothing("register-model", {
    job,
    with: { ...MODEL, ...keylessOf(fake) },
    env: fake.env,
  });
  expect(main.summary).toContain(`It would be signed as \`${IDENTITY}\``);
  expect(fake.asked).toEqual(["/token"]);
});

test("nothing is registered where the log is down; the next run signs", async () => {
  const switches = { isDown: true };
  const { fake, job } = await prepared((path) =>
    switches.isDown && path === "/api/v1/log/entries" ? { status: 503, body: "{}" } : undefined,
  );
  const main = await register({ fake, job });
  expect(main.code).toBe(1);
  expect(main.stdout).toContain("UNAVAILABLE the transparency log (Rekor) must answer");
  expect(await recordIn(job)).toBeUndefined();
  switches.isDown = false;
  expect((await register({ fake, job })).code).toBe(0);
  expect((await verify(job, BY_WORKFLOW)).code).toBe(0);
});

test.each<[string, Given, string]>([
  ["a job that cannot say who it is", { sign: "keyless" }, "id-token: write"],
  ["a key besides", { sign: "keyless", "signing-key": keyPair().privatePem }, "signed with a key or without one"],
  ["no key where one is asked for", { sign: "key" }, "`sign: key` needs a key"],
  ["an address that is none", { sign: "keyless", "rekor-url": "rekor" }, "rekor-url"],
])("refuses %s, before anything is copied", async (_, given, message) => {
  const { fake, job } = await prepared();
  const main = await register({ fake, job }, given, { env: {} });
  expect(main.code).toBe(1);
  expect(main.stdout).toContain(message);
  expect(existsSync(join(job.home, "models/adder"))).toBe(false);
  expect(fake.asked).toEqual([]);
});

test.each<[string, Given, string]>([
  ["a key and an identity", { ...BY_WORKFLOW, "verification-key": keyPair().publicPem }, "of a key or of an identity"],
  ["a root for nobody", { "trusted-root": "trusted-root.json" }, "for signatures of somebody"],
  [
    "a file that is no root",
    { ...BY_WORKFLOW, "trusted-root": "model/model.json" },
    "must be a trusted root of Sigstore",
  ],
])("verifying refuses %s", async (_, given, message) => {
  const { job } = await prepared();
  const main = await verify(job, given);
  expect(main.code).toBe(1);
  expect(main.stdout).toContain(message);
});

test("deploy-model takes only a version that is signed by whom it may be", async () => {
  const { fake, job } = await prepared();
  await register({ fake, job });
  const deploying = (given: Given, mode = "plan") =>
    runAction("deploy-model", { job, with: { ...QUICK, model: "adder@1.0.0", mode, ...given }, post: false });
  const planned = await deploying(BY_WORKFLOW);
  expect(planned.main.stdout).toContain(`adder 1.0.0 is signed as ${IDENTITY} (${ISSUER}).`);
  const other = await deploying(
    { ...BY_WORKFLOW, "verification-identity": "https://github.com/acme/other/*" },
    "deploy",
  );
  expect(other.main.code).toBe(1);
  expect(other.main.summary).toContain("adder 1.0.0 must be signed by whom this step trusts");
  expect(other.main.summary).toContain("the signature must be of whom it may be");
  const byKey = await deploying({ "verification-key": keyPair().publicPem });
  expect(byKey.main.stdout).toContain("it was signed without a key");
});

test("deploy-model refuses a version that is not signed, or with another key", async () => {
  const { fake, job } = await prepared();
  await register({ fake, job }, {});
  const key = keyPair();
  writeFileSync(join(job.workspace, "model/version.txt"), "2.0.0");
  await register({ fake, job }, { version: "2.0.0", "signing-key": key.privatePem });
  const planned = async (version: string, publicPem = key.publicPem) => {
    const given = { ...QUICK, model: `adder@${version}`, mode: "plan", "verification-key": publicPem };
    return (await runAction("deploy-model", { job, with: given, post: false })).main;
  };
  expect((await planned("1.0.0")).stdout).toContain("the version must be signed");
  expect((await planned("2.0.0", keyPair().publicPem)).stdout).toContain("must be made with the key that is given");
  expect((await planned("2.0.0")).stdout).toContain("adder 2.0.0 is signed with key sha256:");
});
