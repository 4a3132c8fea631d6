import { expect, test } from "vitest";
import { nextUse, type Standing } from "../../../../../actions/shared/clients/s3/held-upload.ts";

const wanted = { key: "models/a", size: 100, partBytes: 10 };
const part = { etag: '"1"', size: 10, crc32: "AAAAAA==" };
const left: Standing = {
  note: { schema: 1, ...wanted, upload: "id", holder: "another" },
  noteQuietMs: 60_000,
  kept: { parts: new Map([[1, part]]), quietMs: 31_000 },
  wanted,
  quietMs: 30_000,
};
const noParts = { parts: new Map(), quietMs: Number.POSITIVE_INFINITY };

test.each<[string, Partial<Standing>, ReturnType<typeof nextUse>]>([
  ["to which nothing came for long is gone on with", {}, "take"],
  ["to which something came is somebody else's", { kept: { parts: new Map([[1, part]]), quietMs: 29_999 } }, "beside"],
  ["whose note is new is somebody else's", { noteQuietMs: 29_999 }, "beside"],
  ["that was only begun, just now, is somebody else's", { noteQuietMs: 100, kept: noParts }, "beside"],
  ["that was only begun, long ago, is of no use", { kept: noParts }, "replace"],
  ["that the server knows no more is of no use", { kept: undefined }, "replace"],
  ["that may not be asked about is left alone", { kept: "denied" }, "beside"],
  ["whose note cannot be read is left alone", { note: undefined }, "beside"],
  ["of a file of another size is of no use", { wanted: { ...wanted, size: 99 } }, "replace"],
  ["in parts of another size is of no use", { wanted: { ...wanted, partBytes: 20 } }, "replace"],
])("an upload %s", (_, change, use) => {
  expect(nextUse({ ...left, ...change })).toBe(use);
});
