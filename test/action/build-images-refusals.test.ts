import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { runAction } from "../support/run-action.ts";

const DOCKERFILE = "FROM scratch\nCOPY a.txt /\n";
const FILES = { "app/Dockerfile": DOCKERFILE, "app/a.txt": "a\n" };

type Refusal = {
  readonly what: string;
  readonly says: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
  readonly prepare?: (job: JobContext) => void;
};

const REFUSALS: readonly Refusal[] = [
  { what: "a name with capitals", with: { images: "App: { context: app }" }, says: "must be a-z, 0-9" },
  { what: "no image at all", with: { images: "{}" }, says: "must name an image" },
  { what: "an unknown key", with: { images: "app: { contxt: app }" }, says: "did you mean context?" },
  {
    what: "a context outside of the workspace",
    with: { images: "app: { context: ../.. }" },
    says: "must lie in the workspace",
  },
  {
    what: "a context that a link leads outside",
    with: { images: "app: { context: outside }" },
    prepare: (job) => symlinkSync("/etc", join(job.workspace, "outside")),
    says: "must lie in the workspace, symbolic links resolved",
  },
  { what: "a context that is not there", with: { images: "app: { context: nowhere }" }, says: "does not exist" },
  {
    what: "a Dockerfile outside of the workspace",
    with: { images: "app: { context: app, dockerfile: ../../../../etc/passwd }" },
    says: "must lie in the workspace",
  },
  {
    what: "a link that leaves the context",
    files: { "app/Dockerfile": "FROM scratch\nCOPY . /\n" },
    prepare: (job) => symlinkSync("../../../secrets", join(job.workspace, "app/link")),
    says: "a link must not lead out of the build context",
  },
  {
    what: "a source of COPY that is a link",
    files: { "app/Dockerfile": "FROM scratch\nCOPY passwd /\n" },
    prepare: (job) => symlinkSync("/etc/passwd", join(job.workspace, "app/passwd")),
    says: "a source of COPY must not be a symbolic link",
  },
  {
    what: "a source that is not there, with its line",
    files: { "app/Dockerfile": "FROM scratch\n\nCOPY missing.txt /\n" },
    says: "app/Dockerfile:3: COPY finds nothing in the build context",
  },
  {
    what: "a source that .dockerignore leaves out",
    files: { ...FILES, "app/.dockerignore": "*.txt\n" },
    says: "check the path, and that .dockerignore does not leave it out",
  },
  {
    what: "an instruction that does not exist",
    files: { "app/Dockerfile": "FROM scratch\nCOPPY a.txt /\n" },
    says: "app/Dockerfile:2: is no Dockerfile instruction",
  },
  {
    what: "RUN where append was asked for, with its line",
    files: { "app/Dockerfile": "FROM scratch\nRUN make\n" },
    with: { builder: "append" },
    says: "app/Dockerfile:2: RUN runs a program, which append cannot do",
  },
  {
    what: "an engine that is not there",
    files: { "app/Dockerfile": "FROM scratch\nRUN make\n" },
    says: "no container engine answers on this machine",
  },
  {
    what: "a target that the Dockerfile has not",
    with: { images: "app: { context: app, target: prod }" },
    says: "target names a stage",
  },
  {
    what: "a need that is not in the list",
    with: { images: "app: { context: app, needs: [bass] }\nbase: { context: app }" },
    says: "did you mean base?",
  },
  {
    what: "a circle of needs",
    with: { images: "a: { context: app, needs: [b] }\nb: { context: app, needs: [a] }" },
    says: "in a circle",
  },
  {
    what: "a base of the folder that is not there",
    files: { "app/Dockerfile": "FROM localhost/acme/digits/base:1\n" },
    says: "app/Dockerfile:1: there is no such base image",
  },
  { what: "a tag with a variable that is not known", with: { tags: "$TAGNAME" }, says: "did you mean $TAG_NAME?" },
  {
    what: "a tag with a variable that has no value here",
    with: { tags: "$BRANCH_NAME" },
    says: "$BRANCH_NAME has no value here",
  },
  { what: "what is no tag", with: { tags: "-v1" }, says: "is no image tag" },
  {
    what: "a registry with a scheme",
    with: { registry: "https://images.example/acme" },
    says: "is no place for images",
  },
  {
    what: "a user without a password",
    with: { registry: "ghcr.io/acme", username: "octocat" },
    says: "username and password must be given together",
  },
  {
    what: "a git-LFS pointer",
    files: { ...FILES, "app/a.txt": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n" },
    says: "is a git-LFS pointer",
  },
];

test.each(REFUSALS)("refuses $what, before anything is made", async ({ says, files = FILES, prepare, ...wanted }) => {
  const job = jobContext({ tag: "v1.0.0", files });
  mkdirSync(join(job.workspace, "app"), { recursive: true });
  prepare?.(job);
  // No engine of this machine is found.
  const env = {
    DOCKER_HOST: "unix:///nowhere/docker.sock",
    CONTAINERS_STORAGE_CONF: "/nowhere",
    BUILDAH_ISOLATION: "none",
  };
  const { main } = await runAction("build-images", {
    with: { images: "app: { context: app }", ...wanted.with },
    job,
    env,
    post: false,
  });
  expect(main.stdout).toContain(says);
  expect(main.code).toBe(1);
  expect(main.stdout).not.toMatch(/INTERNAL|appended:/);
});

test("tells the problems of all images at once", async () => {
  const files = { "a/Dockerfile": "FROM scratch\nCOPY x /\n", "b/Dockerfile": "NOTHING\n" };
  const { main } = await runAction("build-images", {
    with: { images: "a: { context: a }\nb: { context: b }\nc: { context: c }" },
    job: jobContext({ tag: "v1.0.0", files }),
    post: false,
  });
  for (const problem of ["a/Dockerfile:2", "b/Dockerfile:1", "images.c.context: c"])
    expect(main.stdout).toContain(problem);
});

test("warns of arguments that are named like secrets, declared nowhere, or different in every release", async () => {
  const files = { "app/Dockerfile": "FROM scratch\nARG API_TOKEN\nARG VERSION\nCOPY a.txt /\n", "app/a.txt": "a\n" };
  const { main } = await runAction("build-images", {
    with: { images: "app: { context: app, args: { API_TOKEN: t0psecret, VERSION: v1.0.0, OTHER: x } }" },
    job: jobContext({ tag: "v1.0.0", files }),
    post: false,
  });
  expect(main.code).toBe(0);
  for (const warning of [
    "API_TOKEN of app looks like a secret",
    "VERSION of app changes with every release",
    "OTHER of app is declared by no ARG",
  ])
    expect(main.stdout).toContain(warning);
  expect(main.stdout).not.toContain("t0psecret");
});
