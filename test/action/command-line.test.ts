import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { claimPlace } from "../../actions/shared/lib/model-registry/claims.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { actAt, pointed, registered } from "../support/registry.ts";
import { entryOf } from "../support/run-action.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// ml-release as a process of its own, on a store of a folder.

const ENTRY = entryOf("shared/cli");

let folder: string;
let store: ModelStore;

beforeEach(async () => {
  folder = await temporaryFolder();
  store = folderStore(join(folder, "models"));
});

type Run = {
  readonly env?: Readonly<Record<string, string>>;
  /** What is done to the process as soon as it is there. */
  readonly onStart?: (child: ReturnType<typeof spawn>) => void;
};

async function mlRelease(line: string, { env = {}, onStart }: Run = {}) {
  const child = spawn(process.execPath, [ENTRY, ...line.split(" ")], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, ML_RELEASE_STORE: "models", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  onStart?.(child);
  const code = await new Promise<number | null>((settle) => child.once("close", settle));
  return { code, out, err, json: () => JSON.parse(out) as Record<string, unknown> };
}

/** Two versions; the champion moved from the one to the other on a day. */
async function twoChampions() {
  const one = await registered(store, {
    version: "1.0.0",
    createdAt: "2026-10-28T09:00:00Z",
    metrics: [{ name: "accuracy", value: 0.95 }],
  });
  const run = { id: "0a1b2c3d-0000-5000-8000-000000000002", attempt: 1 };
  const code = { repository: "acme/digits", commit: "c".repeat(40), ref: "refs/tags/v1.1.0", tag: "v1.1.0" };
  const two = await registered(store, {
    version: "1.1.0",
    createdAt: "2026-11-01T08:00:00Z",
    metrics: [{ name: "accuracy", value: 0.97 }],
    run,
    code,
  });
  await pointed(store, one, { act: actAt("2026-10-28T10:00:00Z", { release: "v1.0.0" }) });
  const url = "https://github.com/acme/digits/actions/runs/812";
  await pointed(store, two, {
    act: actAt("2026-11-01T09:30:00Z", { by: "hubot", release: "v1.1.0", runId: run.id, url }),
  });
  return { one, two };
}

describe("history", () => {
  test("tells which version was champion on a day, who moved it and from which run", async () => {
    await twoChampions();
    const { code, out } = await mlRelease("history digits --alias champion --on 2026-11-01");
    expect(out).toMatchSnapshot();
    expect(code).toBe(0);
  });

  test("answers programs the same", async () => {
    await twoChampions();
    const { json } = await mlRelease("history --on 2026-10-31 --json", { env: { ML_RELEASE_MODEL: "digits" } });
    expect(json()).toMatchObject({
      model: "digits",
      alias: "champion",
      on: "2026-10-31",
      reigns: [
        {
          version: "1.0.0",
          from: "2026-10-28T10:00:00Z",
          until: "2026-11-01T09:30:00Z",
          act: { by: "octocat", release: "v1.0.0" },
        },
      ],
    });
  });

  test("says so where there was none yet, and names the first", async () => {
    await twoChampions();
    const { code, out } = await mlRelease("history digits --on 2026-10-27");
    expect(out).toMatchSnapshot();
    expect(code).toBe(0);
  });

  test("shows the whole log, newest first, as a job summary too", async () => {
    await twoChampions();
    expect((await mlRelease("history digits")).out).toMatchSnapshot("terminal");
    await mlRelease("history digits --summary summary.md");
    await mlRelease("history nobody --summary summary.md");
    expect(readFileSync(join(folder, "summary.md"), "utf8").replaceAll(folder, "FOLDER")).toMatchSnapshot("summary");
  });

  test("knows a move that a killed job did not log", async () => {
    const { two } = await twoChampions();
    const log = join(folder, "models/digits/log");
    writeFileSync(join(folder, "models/digits/log", readdirSync(log).at(-1) ?? ""), "");
    const { code, out, err } = await mlRelease("history digits --on 2026-11-02");
    expect(out).toContain(`digits@champion was ${two.version} on 2026-11-02`);
    // The entry that was emptied is told, too.
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain("digits/log/00000000000000000004.json");
  });

  test("tells of a record that was edited, and fails", async () => {
    await twoChampions();
    const path = join(folder, "models/digits/versions/1.0.0.json");
    writeFileSync(path, readFileSync(path, "utf8").replace("0.95", "0.99"));
    const { code, out } = await mlRelease("history digits");
    expect(out).toContain("error: digits/versions/1.0.0.json: the record was edited after it was registered");
    expect(code).toBe(1);
  });

  test("asks back for a model or an alias that is not there", async () => {
    await twoChampions();
    const model = await mlRelease("history digit");
    expect(model).toMatchObject({ code: 3, out: "" });
    expect(model.err).toMatch(/digit is not a model of this store \(saw digits in file:\/\/\/.*did you mean digits\?/s);
    const alias = await mlRelease("history digits --alias champoin --json");
    expect(alias.json()).toMatchObject({
      error: { code: "NOT_FOUND", problems: [{ hint: "did you mean champion?" }] },
    });
  });

  test("refuses a day that is not over when it has not begun", async () => {
    await twoChampions();
    const { code, err } = await mlRelease("history digits --on 2999-01-01");
    expect([code, err]).toEqual([2, expect.stringContaining("lies in the future")]);
  });

  test("ends quietly where nobody reads on", async () => {
    await twoChampions();
    const { code, err } = await mlRelease("history digits", { onStart: (child) => child.stdout?.destroy() });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});

describe("diff", () => {
  test("compares versions, and what aliases are at", async () => {
    await twoChampions();
    const { code, out } = await mlRelease("diff digits 1.0.0 champion");
    expect(out).toMatchSnapshot();
    expect(code).toBe(0);
  });

  test("refuses a record that was edited", async () => {
    await twoChampions();
    const path = join(folder, "models/digits/versions/1.0.0.json");
    writeFileSync(path, readFileSync(path, "utf8").replace("0.95", "0.99"));
    const { code, err } = await mlRelease("diff digits 1.0.0 1.1.0");
    expect([code, err]).toEqual([3, expect.stringContaining("INTEGRITY")]);
  });

  test("asks back for a version that is not there", async () => {
    await twoChampions();
    const { code, err } = await mlRelease("diff digits 1.0.0 1.1.1");
    expect([code, err]).toEqual([3, expect.stringContaining("did you mean 1.1.0?")]);
  });
});

describe("gc", () => {
  const left = "models/digits/files/2.0.0/model.onnx";

  /** What a job left that was killed this many days ago. */
  async function killed(days: number) {
    await claimPlace(store, "digits", "2.0.0");
    await store.create("digits/files/2.0.0/model.onnx", new Uint8Array(2_000));
    const then = Date.now() / 1_000 - days * 86_400;
    for (const path of [left, "models/digits/claims/2.0.0.json"]) utimesSync(join(folder, path), then, then);
  }

  test("tells what it would remove, and removes nothing", async () => {
    const { one } = await twoChampions();
    await killed(8);
    const { code, out } = await mlRelease("gc");
    expect(out.replace(/\d{4}-\d\d-\d\d/, "DAY")).toMatchSnapshot();
    expect(code).toBe(0);
    expect(await store.read("digits/files/2.0.0/model.onnx")).toBeDefined();
    expect(await store.read(`${one.folder}/model.onnx`)).toBeDefined();
    expect(readdirSync(join(folder, "models"))).not.toContain("gc");
  });

  test("removes it with --apply, and no version loses anything", async () => {
    const { one, two } = await twoChampions();
    await killed(8);
    const { code, out, err, json } = await mlRelease("gc --apply --json");
    expect(code, out).toBe(0);
    expect(err).toContain("Removed digits/files/2.0.0: 1.95 KiB.");
    expect(json()).toMatchObject({ applied: true, olderThanSeconds: 604_800, left: [] });
    expect(readdirSync(join(folder, "models/digits/files"))).toEqual(["1.0.0", "1.1.0"]);
    for (const { folder: kept } of [one, two]) expect(await store.read(`${kept}/model.onnx`)).toBeDefined();
    expect((await mlRelease("gc")).out).toBe("Nothing is left over that is older than 7 days\n");
  });

  test.each(["gc digist", "gc digist --apply"])("says in %s that there is nothing of that name", async (line) => {
    await killed(8);
    const { code, out } = await mlRelease(line);
    expect(out).toMatch(
      /^Nothing of digist lies in file:\/\/\/.*\n\nNothing was removed: check the name and the store\.\n$/,
    );
    expect(code).toBe(0);
    expect(await store.read("digits/files/2.0.0/model.onnx")).toBeDefined();
  });

  test("leaves what is younger", async () => {
    await killed(2);
    const { out } = await mlRelease("gc --apply");
    expect(out).toContain(
      "Left, since it is younger or in use by a registration that may go on: 1 folder (1 file, 1.95 KiB).",
    );
    expect((await mlRelease("gc --apply --older-than 36h")).out).toContain("Removed 1 folder (1 file, 1.95 KiB)");
  });
});

describe("catalog", () => {
  test("writes a site, and replaces it whole", async () => {
    await twoChampions();
    expect(await mlRelease("catalog --out site")).toMatchObject({ code: 0 });
    writeFileSync(join(folder, "site/stale.html"), "");
    const { code, json } = await mlRelease("catalog --out site --json");
    expect(code).toBe(0);
    expect(json()).toMatchObject({ folder: join(folder, "site"), models: 1, versions: 2, problems: [] });
    expect(readdirSync(join(folder, "site"))).toEqual(expect.arrayContaining(["catalog.json", "index.html"]));
    expect(readdirSync(join(folder, "site"))).not.toContain("stale.html");
    expect(readFileSync(join(folder, "site/index.html"), "utf8")).toContain("digits");
    expect(readdirSync(folder).sort()).toEqual(["models", "site"]);
  });

  test("does not replace what is no catalog", async () => {
    mkdirSync(join(folder, "work"));
    writeFileSync(join(folder, "work/thesis.tex"), "");
    const { code, err } = await mlRelease("catalog --out work");
    expect([code, err]).toEqual([3, expect.stringContaining("which holds thesis.tex")]);
    expect(readdirSync(join(folder, "work"))).toEqual(["thesis.tex"]);
  });

  test("does not replace a folder in which something lies beside a catalog", async () => {
    await mlRelease("catalog --out site");
    mkdirSync(join(folder, "site/.git"));
    const { code, err } = await mlRelease("catalog --out site");
    expect([code, err]).toEqual([3, expect.stringContaining("which holds .git")]);
    expect(readdirSync(join(folder, "site"))).toEqual(expect.arrayContaining([".git", "catalog.json"]));
  });

  test("leaves what lies beside its folder", async () => {
    mkdirSync(join(folder, "site.old"));
    await mlRelease("catalog --out site");
    await mlRelease("catalog --out site");
    expect(readdirSync(folder).sort()).toEqual(["site", "site.old"]);
  });

  test("shows a store that is damaged, and fails", async () => {
    await twoChampions();
    writeFileSync(join(folder, "models/digits/versions/1.0.0.json"), "{");
    const { code, out } = await mlRelease("catalog --out site");
    expect([code, out]).toEqual([1, expect.stringContaining("error: digits/versions/1.0.0.json:")]);
    expect(readdirSync(join(folder, "site"))).toContain("index.html");
  });
});

describe("the process", () => {
  test("ends as a shell counts it when it is interrupted", async () => {
    const silent = createServer((_, response) => void response.writeHead(200, { "content-length": "10" }).write("x"));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const asked = new Promise((resolve) => silent.once("request", resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const env = {
      ML_RELEASE_STORE: `s3://models?endpoint=${endpoint}`,
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "s3cr3t-of-the-test",
    };
    const onStart = (child: ReturnType<typeof spawn>) => void asked.then(() => child.kill("SIGINT"));
    const { code, out, err } = await mlRelease("history digits", { env, onStart });
    expect({ code, out }).toEqual({ code: 130, out: "" });
    expect(err).toContain("the command was stopped");
  });

  test("keeps a secret of the address out of what it says", async () => {
    const env = { ML_RELEASE_STORE: "s3://models?endpoint=http://user:s3cr3t@127.0.0.1:1" };
    const { code, err } = await mlRelease("history digits", { env });
    expect(code).toBe(2);
    expect(err).not.toContain("s3cr3t");
  });

  test("says which Node it needs to one that is too old", async () => {
    const old = "Object.defineProperty(process.versions,'node',{value:'20.20.2'});delete Promise.withResolvers";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(old)}` };
    const { code, out, err } = await mlRelease("history digits", { env });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^\[CONFIG\] ml-release needs Node 24 or newer \(saw 20\.20\.2\); .*\n$/);
  });

  test("tells every wrong word at once, and shows where more is to be read", async () => {
    const { code, err } = await mlRelease("history --onn");
    expect([code, err]).toEqual([2, expect.stringMatching(/2 things are wrong[\s\S]*--onn[\s\S]*MODEL/)]);
  });
});
