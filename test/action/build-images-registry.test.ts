import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { registryStore } from "../../actions/shared/clients/oci-registry/registry-store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import type { ImageStore } from "../../actions/shared/ports/image-store.ts";
import { LOGIN, lacksRegistry, registryForTest } from "../support/docker-registry.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { proxyForTest, type RegistryProxy } from "../support/registry-proxy.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";

const FILES = {
  "trainer/Dockerfile": "FROM scratch\nCOPY train.py /\n",
  "trainer/train.py": "print('train')\n",
  "serving/Dockerfile": "FROM scratch\nCOPY serve.py /\n",
  "serving/serve.py": "print('serve')\n",
};
const CHANGED = { ...FILES, "trainer/train.py": "print('new')\n", "serving/serve.py": "print('new')\n" };
const IMAGES = "trainer: { context: trainer }\nserving: { context: serving }";

describe.skipIf(lacksRegistry())("with a real registry", () => {
  test("pushes by digest with a token, and sends nothing when nothing changed", async () => {
    const { registry, proxy } = await start("token");
    const first = await release("v1.0.0", proxy);
    expect(first.main.code).toBe(0);
    expect(first.images.trainer?.ref).toBe(`${proxy.host}/acme/digits/trainer@${first.images.trainer?.digest}`);
    const before = proxy.requests.length;
    const second = await release("v1.1.0", proxy);
    expect(second.images.trainer).toMatchObject({ how: "reused", digest: first.images.trainer?.digest });
    const writes = proxy.requests.slice(before).filter((line) => /^(PUT|PATCH) /.test(line));
    expect(writes.sort()).toEqual([
      "PUT /v2/acme/digits/serving/manifests/v1.1.0",
      "PUT /v2/acme/digits/trainer/manifests/v1.1.0",
    ]);
    expect(registry.scopes).toContain("repository:acme/digits/trainer:pull,push");
  });

  test("takes the login that docker login has left, from its file or its helper program", async () => {
    const { proxy } = await start("basic");
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");
    const byFile = await release("v1.0.0", proxy, {
      login: false,
      prepare: (job) => writeDockerConfig(job, { auths: { [proxy.host]: { auth } } }),
    });
    expect(byFile.main.code).toBe(0);
    const byHelper = await release("v1.1.0", proxy, {
      login: false,
      prepare: (job) => {
        writeDockerConfig(job, { credHelpers: { [proxy.host]: "test" } });
        const answer = JSON.stringify({ ServerURL: proxy.host, Username: LOGIN.username, Secret: LOGIN.password });
        const program = join(job.root, "docker-credential-test");
        writeFileSync(program, `#!/bin/sh\nread host; test "$host" = ${proxy.host} && echo '${answer}'\n`, {
          mode: 0o755,
        });
        job.exported.path.push(job.root);
      },
    });
    expect(byHelper.main.code).toBe(0);
    expect(byHelper.main.masks).toContain(LOGIN.password);
  });

  test("refuses before anything is built where it may not push", async () => {
    const { proxy } = await start("basic");
    const { main } = await release("v1.0.0", proxy, { with: { password: "wrong-password" } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("AUTH");
    expect(main.stdout).toContain("check that this user may");
    expect(main.stdout).not.toContain("append makes it");
    expect(proxy.requests.filter((line) => line.startsWith("PUT "))).toEqual([]);
  });

  test("moves all tags or none: a failure sets back those that were moved", async () => {
    const { proxy, store } = await start();
    const first = await release("v1.0.0", proxy, { with: { tags: "$RELEASE, latest" } });
    proxy.intercept = (line) =>
      line === "PUT /v2/acme/digits/serving/manifests/latest" ? { do: "answer", status: 400, body: "no" } : undefined;
    const second = await release("v1.1.0", proxy, { files: CHANGED, with: { tags: "$RELEASE, latest" } });
    expect(second.main.code).toBe(1);
    for (const name of ["trainer", "serving"] as const)
      expect(await store.resolve(`${proxy.host}/acme/digits/${name}`, "latest")).toBe(first.images[name]?.digest);
    // This registry cannot remove a tag: it is named.
    expect(second.main.stdout).toContain(`${proxy.host}/acme/digits/trainer:v1.1.0: this tag could not be taken back`);
    proxy.intercept = () => undefined;
    const third = await release("v1.1.0", proxy, { files: CHANGED, with: { tags: "$RELEASE, latest" } });
    expect(third.main.code).toBe(0);
    expect(third.images.trainer?.how).toBe("reused");
    expect(await store.resolve(`${proxy.host}/acme/digits/serving`, "latest")).toBe(third.images.serving?.digest);
    expect(third.main.summary).toContain("Moved from another image: `trainer:latest`");
  });

  test("sets back the tags that it has moved when it is cancelled between them", async () => {
    const { proxy, store } = await start();
    const first = await release("v1.0.0", proxy, { with: { tags: "latest" } });
    proxy.intercept = (line, before) =>
      line === "PUT /v2/acme/digits/serving/manifests/latest" && before === 1 ? { do: "hang" } : undefined;
    const second = await release("v1.1.0", proxy, {
      files: CHANGED,
      with: { tags: "latest" },
      cancelWhen: (stdout) => stdout.includes("trainer:latest moved"),
    });
    expect(second.main.code).not.toBe(0);
    expect(`${second.main.stdout}${second.post?.stdout}`).toMatch(/trainer:latest was set back to sha256:/);
    for (const name of ["trainer", "serving"] as const)
      expect(await store.resolve(`${proxy.host}/acme/digits/${name}`, "latest")).toBe(first.images[name]?.digest);
  });

  test("has its tags set back by the post step when it is killed between them", async () => {
    const { proxy, store } = await start();
    const first = await release("v1.0.0", proxy, { with: { tags: "latest" } });
    proxy.intercept = (line, before) =>
      line === "PUT /v2/acme/digits/serving/manifests/latest" && before === 1 ? { do: "hang" } : undefined;
    const second = await release("v1.1.0", proxy, {
      files: CHANGED,
      with: { tags: "latest" },
      killWhen: (stdout) => stdout.includes("trainer:latest moved"),
    });
    expect(second.main.signal).toBe("SIGKILL");
    expect(second.post?.stdout).toMatch(/trainer:latest was set back to sha256:/);
    for (const name of ["trainer", "serving"] as const)
      expect(await store.resolve(`${proxy.host}/acme/digits/${name}`, "latest")).toBe(first.images[name]?.digest);
  });

  test("survives a registry that is overloaded, breaks off answers and forgets tokens", async () => {
    const { proxy } = await start("token");
    const busy = { do: "answer", status: 503, headers: { "retry-after": "0" } } as const;
    proxy.intercept = (line, before) => {
      if (/^(PUT|POST|HEAD|GET) /.test(line) && before === 0 && !line.endsWith("/v2/")) return busy;
      return undefined;
    };
    const first = await release("v1.0.0", proxy);
    expect(first.main.code).toBe(0);
    proxy.intercept = (line, before) => (line.startsWith("GET ") && before < 1 ? { do: "break" } : undefined);
    const second = await release("v1.1.0", proxy);
    expect(second.main.code).toBe(0);
    expect(second.images.trainer?.how).toBe("reused");
  });

  test("is not fooled by a registry that gives another manifest than it promises", async () => {
    const { proxy } = await start();
    await release("v1.0.0", proxy);
    const lie = {
      "content-type": "application/vnd.oci.image.manifest.v1+json",
      "docker-content-digest": `sha256:${"0".repeat(64)}`,
    };
    proxy.intercept = (line) =>
      /GET .*\/trainer\/manifests\/k1-[0-9a-f]{64}$/.test(line)
        ? { do: "answer", status: 200, headers: lie, body: "{}" }
        : undefined;
    const { main } = await release("v1.1.0", proxy);
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("INTEGRITY");
  });

  test("builds on a base of the registry and says when it moved", async () => {
    const { proxy } = await start();
    const base = (content: string) => ({ "base/Dockerfile": "FROM scratch\nCOPY os /etc/os\n", "base/os": content });
    const files = { ...FILES, "serving/Dockerfile": `FROM ${proxy.host}/acme/base:1\nCOPY --link serve.py /\n` };
    const putBase = (content: string) =>
      release(
        "v0",
        { ...proxy, host: `${proxy.host}` },
        {
          files: base(content),
          with: { images: "base: { context: base }", tags: "1", registry: `${proxy.host}/acme` },
        },
      );
    const one = await putBase("one\n");
    const first = await release("v1.0.0", proxy, { files });
    expect(first.images.serving?.how).toBe("appended");
    expect((await release("v1.0.1", proxy, { files })).images.serving?.how).toBe("reused");
    const two = await putBase("two\n");
    const second = await release("v1.1.0", proxy, { files });
    const short = (digest: string | undefined) => digest?.slice(0, 19);
    expect(second.images.serving?.why).toBe(
      `base \`${proxy.host}/acme/base:1\` moved \`${short(one.images.base?.digest)}\` to \`${short(two.images.base?.digest)}\``,
    );
  });
});

async function start(auth: "none" | "basic" | "token" = "none") {
  const registry = await registryForTest(auth);
  const proxy = await proxyForTest(registry.host);
  const store: ImageStore = registryStore({
    clock: systemClock,
    credentials: {
      env: {},
      cwd: "/",
      mask: () => {},
      given: { host: proxy.host, credentials: { kind: "password", ...LOGIN } },
    },
  });
  return { registry, proxy, store };
}

type Options = {
  readonly files?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
  /** Whether user and password are given as inputs. */
  readonly login?: false;
  readonly prepare?: (job: JobContext) => void;
  readonly cancelWhen?: (stdout: string) => boolean;
  readonly killWhen?: (stdout: string) => boolean;
};

type Images = Readonly<Record<string, Readonly<Record<"ref" | "digest" | "key" | "how" | "why", string>>>>;

/** Each release on a machine of its own, as on hosted runners. */
async function release(tag: string, proxy: Pick<RegistryProxy, "host">, options: Options = {}) {
  const job = jobContext({ tag, files: options.files ?? FILES });
  options.prepare?.(job);
  const run: ActionRun = {
    with: {
      images: IMAGES,
      registry: `${proxy.host}/Acme/Digits`,
      ...(options.login === false ? {} : LOGIN),
      ...options.with,
    },
    job,
    ...(options.cancelWhen === undefined ? {} : { cancelWhen: options.cancelWhen }),
    ...(options.killWhen === undefined ? {} : { killWhen: options.killWhen }),
  };
  const { main, post } = await runAction("build-images", run);
  return { job, main, post, images: JSON.parse(main.outputs.images || "{}") as Images };
}

function writeDockerConfig(job: JobContext, config: unknown): void {
  mkdirSync(join(job.userHome, ".docker"), { recursive: true });
  writeFileSync(join(job.userHome, ".docker", "config.json"), JSON.stringify(config));
}
