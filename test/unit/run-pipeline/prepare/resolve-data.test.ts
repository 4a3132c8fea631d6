import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type DataWish, resolveData } from "../../../../actions/run-pipeline/prepare/resolve-data.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function resolveIn(files: Readonly<Record<string, string>>, wishes: Readonly<Record<string, DataWish>>) {
  const workspace = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(workspace, path, ".."), { recursive: true });
    writeFileSync(join(workspace, path), content);
  }
  return { workspace, ...(await resolveData(wishes, { workspace, base: workspace })) };
}

test("a table is known by its bytes, its rows and its columns; it is handed over by its place on this machine", async () => {
  const csv = 'id,"the\nname"\n1,a\n2,"b\nc"\n\n3,d';
  const { workspace, sets, parameters, places } = await resolveIn({ "data/t.csv": csv }, { train: "data/t.csv" });
  const digest = sha256(csv);
  const schemaDigest = sha256('["id","the\\nname"]');
  expect(sets).toEqual([{ role: "train", uri: "data/t.csv", digest, rows: 3, schemaDigest }]);
  expect(parameters).toEqual({ train_uri: join(workspace, "data/t.csv"), train_digest: digest });
  expect(places).toEqual(["train_uri"]);
});

test.each([
  ["t.jsonl", '{"a":1}\n\n{"a":2}', 2],
  ["t.tsv", "a\tb\r\n1\t2\r\n", 1],
  ["t.csv", "", 0],
  ["t.csv", "a,b\n", 0],
  ["t.bin", "a\nb\n", undefined],
])("%s with %j has %s rows", async (name, content, rows) => {
  expect((await resolveIn({ [name]: content }, { train: name })).sets[0]?.rows).toBe(rows);
});

test("a folder is known by its manifest: other content, other digest", async () => {
  const [one, other] = await Promise.all(
    ["x", "y"].map((content) => resolveIn({ "d/a": "a", "d/b/c": content }, { train: "d" })),
  );
  expect(one?.sets[0]?.digest).toMatch(/^sha256:/);
  expect(one?.sets[0]?.digest).not.toBe(other?.sets[0]?.digest);
});

test("a git-LFS pointer gives the content's digest, and a warning that the content is not there", async () => {
  const oid = `sha256:${"ab".repeat(32)}`;
  const pointer = `version https://git-lfs.github.com/spec/v1\noid ${oid}\nsize 99\n`;
  const { sets, findings } = await resolveIn({ "t.csv": pointer }, { train: "t.csv" });
  expect(sets[0]?.digest).toBe(oid);
  expect(findings).toMatchObject([{ level: "warning", message: expect.stringContaining("lfs: true") }]);
});

test("a DVC file gives the content where it is pulled, else the hash that it names", async () => {
  const dvc = "outs:\n- md5: 0cc175b9c0f1b6a831c399e269772661\n  size: 1\n  path: t.csv\n";
  const pulled = await resolveIn({ "t.csv.dvc": dvc, "t.csv": "a\n1\n" }, { train: "t.csv.dvc" });
  expect(pulled.sets).toMatchObject([
    { uri: "t.csv", digest: sha256("a\n1\n"), version: "md5:0cc175b9c0f1b6a831c399e269772661" },
  ]);
  expect(pulled.parameters.train_uri).toBe(join(pulled.workspace, "t.csv"));
  const absent = await resolveIn({ "t.csv.dvc": dvc }, { train: "t.csv.dvc" });
  expect(absent.sets).toEqual([{ role: "train", uri: "t.csv.dvc", version: "md5:0cc175b9c0f1b6a831c399e269772661" }]);
  expect(absent.parameters.train_digest).toBe("md5:0cc175b9c0f1b6a831c399e269772661");
});

test("what is elsewhere is known by its version or by the digest that is given; without either it is a warning", async () => {
  const digest = `sha256:${"c".repeat(64)}`;
  const { sets, parameters, places, findings } = await resolveIn(
    {},
    { a: "s3://b/k?versionId=7", b: { uri: "https://example.org/x", digest }, c: "s3://b/k" },
  );
  expect(sets).toEqual([
    { role: "a", uri: "s3://b/k?versionId=7", version: "7" },
    { role: "b", uri: "https://example.org/x", digest },
    { role: "c", uri: "s3://b/k" },
  ]);
  expect(parameters).toMatchObject({ a_uri: "s3://b/k?versionId=7", a_digest: "7", b_digest: digest });
  expect(places).toEqual([]);
  expect(findings).toMatchObject([{ level: "warning", message: expect.stringMatching(/^c: .*versionId/) }]);
});

test("data that is not there, or not the one that was meant, is an error", async () => {
  const { problems } = await resolveIn(
    { "t.csv": "a\n" },
    { gone: "no.csv", other: { uri: "t.csv", digest: `sha256:${"0".repeat(64)}` }, dvc: "no.dvc" },
  );
  expect(problems.map(({ rule }) => rule)).toEqual([
    "the data set gone must exist",
    "the data set other is not the one whose digest is given",
    "the data set dvc must exist",
  ]);
});
