import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { imageTree, readStored } from "../support/image-tree.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { runAction } from "../support/run-action.ts";

const FILES = {
  "trainer/Dockerfile":
    'FROM scratch\nWORKDIR /app\nCOPY train.py ./\nCOPY lib/ lib/\nENTRYPOINT ["python", "train.py"]\n',
  "trainer/train.py": "print('train')\n",
  "trainer/lib/data.py": "DATA = 1\n",
  "serving/Dockerfile":
    'FROM image://trainer\nCOPY --link serve.py /app/\nENV PORT=8080\nEXPOSE 8080\nCMD ["serve.py"]\n',
  "serving/serve.py": "print('serve')\n",
};
const IMAGES = "trainer: { context: trainer }\nserving: { context: serving, needs: [trainer] }";

test("appends images to the folder, by digest, in the order of their needs", async () => {
  const { job, main, images } = await release("v1.0.0");
  expect(main.code).toBe(0);
  expect(images.serving).toMatchObject({ how: "appended", why: "first build" });
  expect(images.serving?.ref).toBe(`localhost/acme/digits/serving@${images.serving?.digest}`);
  const store = ociLayout(join(job.home, "images"));
  const serving = await readStored(store, "localhost/acme/digits/serving", images.serving?.digest ?? "");
  expect(await imageTree(store, serving)).toEqual({
    app: "755 0:0 folder",
    "app/lib": "755 0:0 folder",
    "app/lib/data.py": "644 0:0 file DATA = 1\n",
    "app/serve.py": "644 0:0 file print('serve')\n",
    "app/train.py": "644 0:0 file print('train')\n",
  });
  expect(serving.config.config).toMatchObject({
    Entrypoint: ["python", "train.py"],
    Cmd: ["serve.py"],
    WorkingDir: "/app",
  });
  expect(await store.resolve("localhost/acme/digits/serving", "v1.0.0")).toBe(images.serving?.digest);
  expect(JSON.parse(main.outputs.release ?? "").images.trainer).toEqual({
    ref: images.trainer?.ref,
    digest: images.trainer?.digest,
    key: images.trainer?.key,
    how: "appended",
  });
});

test("takes every image again when nothing changed, and says from which release", async () => {
  const first = await release("v1.0.0");
  const second = await release("v1.1.0", { machine: first.job });
  expect(second.main.code).toBe(0);
  expect(second.images.trainer).toMatchObject({
    how: "reused",
    why: "unchanged since `v1.0.0`",
    digest: first.images.trainer?.digest,
  });
  expect(second.images.serving).toMatchObject({ how: "reused", digest: first.images.serving?.digest });
  expect(second.main.summary).toContain("trainer reused from v1.0.0");
  const store = ociLayout(join(first.job.home, "images"));
  expect(await store.tags("localhost/acme/digits/trainer")).toEqual(expect.arrayContaining(["v1.0.0", "v1.1.0"]));
});

test("says which file changed, and makes again what stands on it", async () => {
  const first = await release("v1.0.0");
  const files = { ...FILES, "trainer/train.py": "print('other')\n" };
  const second = await release("v1.1.0", { machine: first.job, files });
  expect(second.images.trainer).toMatchObject({ how: "appended", why: "`train.py` changed" });
  expect(second.images.serving).toMatchObject({ how: "appended", why: "image `trainer` changed" });
  expect(second.main.summary).toContain("trainer rebuilt: `train.py` changed");
});

test("does not count what cannot change the image: comments, times, files that nobody copies", async () => {
  const first = await release("v1.0.0");
  const files = {
    ...FILES,
    "trainer/Dockerfile": `# a comment\n${FILES["trainer/Dockerfile"]}`,
    "trainer/notes.md": "nobody copies me\n",
  };
  const second = await release("v1.1.0", { machine: first.job, files });
  expect(second.images.trainer).toMatchObject({ how: "reused", digest: first.images.trainer?.digest });
});

test("goes on where a killed step ended: what is finished is found again by its key", async () => {
  const first = await release("v1.0.0", { killWhen: (stdout) => stdout.includes("trainer appended") });
  expect(first.main.signal).toBe("SIGKILL");
  const second = await release("v1.0.0", { machine: first.job });
  expect(second.main.code).toBe(0);
  expect(second.images.trainer).toMatchObject({ how: "reused" });
  expect(second.images.serving?.how).toMatch(/appended|reused/);
});

test("is a no-op when it is run again", async () => {
  const first = await release("v1.0.0");
  const index = readFileSync(join(first.job.home, "images", "index.json"), "utf8");
  const second = await release("v1.0.0", { machine: first.job });
  expect(second.main.stdout).toContain("localhost/acme/digits/trainer:v1.0.0 unchanged.");
  expect(readFileSync(join(first.job.home, "images", "index.json"), "utf8")).toBe(index);
});

test("plans without changing anything", async () => {
  const first = await release("v1.0.0");
  const files = { ...FILES, "serving/serve.py": "print('other')\n" };
  const index = readFileSync(join(first.job.home, "images", "index.json"), "utf8");
  const plan = await release("v1.1.0", { machine: first.job, files, with: { mode: "plan" } });
  expect(plan.main.code).toBe(0);
  expect(plan.main.summary).toContain("serving would be appended: `serve.py` changed");
  expect(plan.main.summary).toContain("trainer would be reused: unchanged since `v1.0.0`");
  expect(plan.main.outputs.images ?? "").toBe("");
  expect(readFileSync(join(first.job.home, "images", "index.json"), "utf8")).toBe(index);
});

test("hands an image to a Dockerfile by its build argument", async () => {
  const files = { ...FILES, "serving/Dockerfile": "ARG TRAINER_IMAGE\nFROM $TRAINER_IMAGE\nCOPY serve.py /\n" };
  const { job, images } = await release("v1.0.0", { files });
  const store = ociLayout(join(job.home, "images"));
  const serving = await readStored(store, "localhost/acme/digits/serving", images.serving?.digest ?? "");
  expect(Object.keys(await imageTree(store, serving))).toEqual(expect.arrayContaining(["app/train.py", "serve.py"]));
});

test("says that images in a folder of a hosted runner are a rehearsal", async () => {
  const { main } = await release("v1.0.0", { hosted: true });
  expect(main.summary).toContain("Rehearsal: the folder of the images is gone with this job");
});

test("finds a damaged image before it is given on", async () => {
  const first = await release("v1.0.0");
  const digest = first.images.trainer?.digest.slice("sha256:".length) ?? "";
  const blob = join(first.job.home, "images", "blobs", "sha256", digest);
  rmSync(blob);
  writeFileSync(blob, "{}");
  const second = await release("v1.1.0", { machine: first.job });
  expect(second.main.code).toBe(1);
  expect(second.main.stdout).toContain("INTEGRITY");
});

type Options = {
  readonly machine?: JobContext;
  readonly files?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
  readonly hosted?: boolean;
  readonly killWhen?: (stdout: string) => boolean;
};

type Images = Readonly<Record<string, Readonly<Record<"ref" | "digest" | "key" | "how" | "why", string>>>>;

async function release(tag: string, { machine, files = FILES, hosted = false, killWhen, ...options }: Options = {}) {
  const job = jobContext({ tag, files, hosted, ...(machine === undefined ? {} : { machine }) });
  const inputs = { images: IMAGES, ...options.with };
  const { main, post } = await runAction("build-images", {
    with: inputs,
    job,
    ...(killWhen === undefined ? {} : { killWhen }),
  });
  return { job, main, post, images: JSON.parse(main.outputs.images || "{}") as Images };
}
