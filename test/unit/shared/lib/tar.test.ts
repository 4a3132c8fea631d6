import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { once } from "../../../../actions/shared/lib/image/put-image.ts";
import { readWhole } from "../../../../actions/shared/lib/image/verified.ts";
import { readTar, tarIndex } from "../../../../actions/shared/lib/tar/read-tar.ts";
import { type NewTarEntry, writeTar } from "../../../../actions/shared/lib/tar/write-tar.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const file = (path: string, text: string, mode = 0o644): NewTarEntry => {
  const bytes = new TextEncoder().encode(text);
  return { type: "file", path, size: bytes.length, open: () => once(bytes), mode, uid: 0, gid: 0 };
};
const LONG = `${"very-long-folder-name/".repeat(12)}file.txt`;
const ENTRIES: readonly NewTarEntry[] = [
  { type: "folder", path: "app", mode: 0o755, uid: 0, gid: 0 },
  file("app/run.sh", "#!/bin/sh\n", 0o755),
  { type: "link", path: "app/link", target: "run.sh", mode: 0o777, uid: 0, gid: 0 },
  file("app/grüße.txt", "ü"),
  file(LONG, "long"),
  { ...file("owned", "x"), uid: 3_000_000, gid: 5 },
  file("empty", ""),
];

test("tar itself reads what is written, with modes, owners, links, long and foreign names", async () => {
  const folder = await temporaryFolder();
  const archive = join(folder, "a.tar");
  writeFileSync(archive, await readWhole(writeTar(ENTRIES)));
  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", archive], {
    encoding: "utf8",
    env: { LANG: "C.UTF-8", TZ: "UTC", PATH: process.env.PATH },
  });
  expect(
    listed
      .trim()
      .split("\n")
      .map((line) => line.replaceAll(/\s+/g, " ")),
  ).toEqual([
    "drwxr-xr-x 0/0 0 1970-01-01 00:00 app/",
    "-rwxr-xr-x 0/0 10 1970-01-01 00:00 app/run.sh",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 app/link -> run.sh",
    "-rw-r--r-- 0/0 2 1970-01-01 00:00 app/grüße.txt",
    `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${LONG}`,
    "-rw-r--r-- 3000000/5 1 1970-01-01 00:00 owned",
    "-rw-r--r-- 0/0 0 1970-01-01 00:00 empty",
  ]);
});

test("reads back what it wrote, in any cut", async () => {
  const whole = await readWhole(writeTar(ENTRIES));
  for (const size of [1, 511, 513, whole.length]) {
    const seen: string[] = [];
    for await (const { entry, content } of readTar(cut(whole, size)))
      seen.push(
        `${entry.path} ${entry.type} ${entry.mode.toString(8)} ${entry.uid} ${entry.target}${Buffer.from(await readWhole(content()))}`,
      );
    expect(seen).toEqual([
      "app folder 755 0 ",
      "app/run.sh file 755 0 #!/bin/sh\n",
      "app/link link 777 0 run.sh",
      "app/grüße.txt file 644 0 ü",
      `${LONG} file 644 0 long`,
      "owned file 644 3000000 x",
      "empty file 644 0 ",
    ]);
  }
});

test.each(["gnu", "posix", "ustar"])("reads and indexes what GNU tar writes in the %s format", async (format) => {
  const folder = await temporaryFolder();
  const deep = format === "ustar" ? "a/b" : LONG.slice(0, -9);
  mkdirSync(join(folder, "in", deep), { recursive: true });
  writeFileSync(join(folder, "in", deep, "file.txt"), "content");
  const archive = join(folder, "a.tar");
  execFileSync("tar", [`--format=${format}`, "-C", join(folder, "in"), "-cf", archive, "."]);
  const index = await tarIndex(archive);
  const part = index.get(`./${deep}/file.txt`);
  expect(part?.entry).toMatchObject({ type: "file", size: 7 });
  const bytes = execFileSync("cat", [archive]);
  expect(bytes.subarray(part?.offset, (part?.offset ?? 0) + 7).toString()).toBe("content");
  const paths: string[] = [];
  for await (const { entry } of readTar(cut(bytes, 700))) paths.push(entry.path);
  expect(paths).toContain(`./${deep}/file.txt`);
});

test("refuses what is no archive, is cut short, or has another size than it said", async () => {
  const whole = await readWhole(writeTar(ENTRIES));
  const drain = async (bytes: Uint8Array) => {
    for await (const _ of readTar(cut(bytes, 1_000)));
  };
  await expect(drain(whole.subarray(0, 1_024))).rejects.toThrow("INTEGRITY");
  await expect(drain(Buffer.alloc(2_048, "x"))).rejects.toThrow("INTEGRITY");
  const wrong: NewTarEntry = { ...file("a", "12345"), type: "file", size: 4, open: () => once(Buffer.from("12345")) };
  await expect(readWhole(writeTar([wrong]))).rejects.toThrow("a file changed while it was read");
});

async function* cut(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
