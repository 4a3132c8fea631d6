import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256, sha256File, sha256Stream, uuidV5 } from "../../../../actions/shared/lib/hash.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("text, bytes, a stream and a file have the digest of their bytes", async () => {
  const path = join(await temporaryFolder(), "abc");
  await writeFile(path, "abc");
  const chunks = async function* () {
    yield Buffer.from("a");
    yield Buffer.from("bc");
  };
  expect(sha256("abc")).toBe(abc);
  expect(sha256(Buffer.from("abc"))).toBe(abc);
  expect(await sha256Stream(chunks())).toEqual({ digest: abc, size: 3 });
  expect(await sha256File(path)).toEqual({ digest: abc, size: 3 });
});

test.for([
  // RFC 9562, appendix A.4
  ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"],
  // a URL as the namespace is its own UUIDv5 among URLs
  [
    "https://github.com/acme/digits",
    "x",
    uuidV5(uuidV5("6ba7b811-9dad-11d1-80b4-00c04fd430c8", "https://github.com/acme/digits"), "x"),
  ],
] as const)("UUIDv5 of %s and %s", ([namespace, name, expected]) => {
  expect(uuidV5(namespace, name)).toBe(expected);
});
