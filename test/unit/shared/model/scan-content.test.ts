import { createGunzip, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bytesSource } from "../../../../actions/shared/model/byte-source.ts";
import { decodedContent } from "../../../../actions/shared/model/content.ts";
import { PROTO2, PROTO4, pickle, short, uint } from "../../../support/pickle.ts";
import { scanFile } from "../../../support/scan-file.ts";
import { stateDict, torchLegacy, torchZip } from "../../../support/torch-files.ts";
import { type Member, zipArchive } from "../../../support/zip.ts";

const COMMAND = pickle(PROTO4, short("posix"), short("system"), 0x93, short("id"), 0x85, "R.");
const NUMBERS = pickle(PROTO2, "](K", 1, "K", 2, "e.");
const LAYER = pickle("X", uint(5, 4), "layer", "ctorch.nn.modules.linear\nLinear\n)", 0x81);

const npy = (type: string, rest: Uint8Array | string = "") => {
  const header = Buffer.from(
    `{'descr': ${type}, 'fortran_order': False, 'shape': (2,), }`.padEnd(117, " ").concat("\n"),
  );
  return pickle(0x93, "NUMPY", 1, 0, uint(header.length, 2), header, rest);
};

describe("torch", () => {
  test.each([
    ["a state dict in a zip", torchZip(), "torch", "data-only"],
    ["a state dict in the old form", torchLegacy(), "torch", "data-only"],
    ["a whole module in a zip", torchZip(stateDict(LAYER)), "torch", "code-bearing"],
    ["a whole module in the old form", torchLegacy(stateDict(LAYER)), "torch", "code-bearing"],
    ["a command in a zip", torchZip(COMMAND), "torch", "dangerous"],
    ["a command in the old form", torchLegacy(COMMAND), "torch", "dangerous"],
    [
      "TorchScript",
      torchZip(pickle(PROTO2, "c__torch__\nNet\n)", 0x81, "}b."), [
        { name: "archive/constants.pkl", content: pickle(PROTO2, ").") },
        { name: "archive/code/__torch__.py", content: "class Net(Module): ..." },
      ]),
      "torchscript",
      "data-only",
    ],
  ])("%s", async (...[, bytes, format, verdict]) => {
    expect(await scanFile("model.pt", bytes)).toMatchObject({ format, verdict });
  });

  test("says file, member, byte, opcode and import", async () => {
    expect((await scanFile("model.pt", torchZip(stateDict(LAYER)))).said).toEqual([
      expect.stringMatching(
        /^model\.pt: archive\/data\.pkl, byte \d+, GLOBAL: imports torch\.nn\.modules\.linear\.Linear, which is not known to be plain data$/,
      ),
    ]);
  });

  test("a pickle among the raw numbers is found by its content", async () => {
    const { said } = await scanFile("model.pt", torchZip(stateDict(), [{ name: "archive/data/1", content: COMMAND }]));
    expect(said.join()).toContain("archive/data/1, byte 17, STACK_GLOBAL: imports posix.system");
  });

  test("raw numbers that begin as a pickle would are none", async () => {
    const numbers = Buffer.concat([PROTO2, Buffer.alloc(64, 0xc3)]);
    expect(
      await scanFile("model.pt", torchZip(stateDict(), [{ name: "archive/data/1", content: numbers }])),
    ).toMatchObject({
      verdict: "data-only",
    });
  });
});

describe("archives that two readers could see differently are dangerous", () => {
  const good: Member = { name: "a.pkl", content: NUMBERS };
  test.each([
    [
      "a member of another name in its local header",
      [{ ...good, local: { name: "b.pkl" } }],
      {},
      'named "b.pkl" in its local header',
    ],
    ["another compression in its local header", [{ ...good, local: { method: 8 } }], {}, "compressed otherwise"],
    ["another size in its local header", [{ ...good, local: { size: 3 } }], {}, "another size in its local header"],
    [
      "a member that only its local header knows",
      [good, { name: "b.pkl", content: COMMAND, isHidden: true }],
      {},
      "do not end where",
    ],
    [
      "a hidden member between two others",
      [good, { name: "b.pkl", content: COMMAND, isHidden: true }, { ...good, name: "c.pkl" }],
      {},
      "belong to no member",
    ],
    ["the same name twice", [good, { name: "a.pkl", content: "" }], {}, "is there twice"],
    ["bytes before the first member", [good], { before: "GIF89a" }, ""],
    ["bytes behind the end", [good], { after: "more" }, "bytes follow its end"],
    ["a compression that is not known", [{ ...good, method: 12 }], {}, "not known here"],
    ["a path that leads out", [{ ...good, name: "../a.pkl" }], {}, "leads out of the archive"],
    ["a symbolic link", [{ ...good, mode: 0o120777 }], {}, "is a symbolic link"],
  ] as const)("%s", async (...[, members, around, said]) => {
    const scan = await scanFile("model.zip", zipArchive(members as readonly Member[], around));
    expect(scan).toMatchObject({ verdict: "dangerous" });
    expect(scan.said.join()).toContain(said);
  });

  test("members that lie on top of each other", async () => {
    const archive = zipArchive([good, { ...good, name: "b.pkl" }]);
    // The second entry of the directory is made to point at the first member.
    const second = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    archive.writeUInt32LE(0, second + 42);
    expect((await scanFile("model.zip", archive)).said.join()).toContain("overlaps another member");
  });

  test("a central directory that is cut off", async () => {
    const archive = zipArchive([good]);
    expect(await scanFile("model.zip", archive.subarray(0, -30))).toMatchObject({ verdict: "dangerous" });
  });
});

test("a member that says it is encrypted, as torch does not mind, is read all the same", async () => {
  const { said } = await scanFile("m.zip", zipArchive([{ name: "data.pkl", content: COMMAND, flags: 1 }]));
  expect(said.join()).toContain("says that it is encrypted");
  expect(said.join()).toContain("posix.system");
});

test("a pickle is found whatever its member is called, compressed or not, in an archive in an archive", async () => {
  const inner = zipArchive([{ name: "notes.txt", content: COMMAND, method: 8 }]);
  const { said } = await scanFile("m.zip", zipArchive([{ name: "inner.dat", content: inner }]));
  expect(said).toEqual([expect.stringContaining("inner.dat > notes.txt, byte 17, STACK_GLOBAL: imports posix.system")]);
});

test("archives nested without end are not followed", async () => {
  let archive = zipArchive([{ name: "a", content: COMMAND }]);
  for (let i = 0; i < 6; i++) archive = zipArchive([{ name: "a", content: archive }]);
  expect((await scanFile("m.zip", archive)).said.join()).toContain("nested deeper");
});

describe("what is compressed", () => {
  test.each([
    ["gzip", gzipSync(NUMBERS), "data-only"],
    ["zlib", deflateSync(NUMBERS), "data-only"],
    ["gzip with a command", gzipSync(COMMAND), "dangerous"],
    ["two members of gzip", Buffer.concat([gzipSync(NUMBERS), gzipSync(COMMAND)]), "dangerous"],
    ["bytes behind zlib", Buffer.concat([deflateSync(NUMBERS), COMMAND]), "dangerous"],
    ["gzip that is cut off", gzipSync(NUMBERS).subarray(0, -6), "dangerous"],
    ["gzip that is damaged", Buffer.concat([gzipSync(NUMBERS).subarray(0, 12), Buffer.alloc(20, 7)]), "dangerous"],
    ["bzip2", Buffer.from("BZh91AY&SY"), "dangerous"],
    ["xz", Buffer.from("fd377a585a000004", "hex"), "dangerous"],
    ["lzma", Buffer.from("5d00004000ffffff", "hex"), "dangerous"],
    ["lz4", Buffer.from("04224d1864", "hex"), "dangerous"],
  ])("%s", async (_, bytes, verdict) => {
    expect(await scanFile("model.joblib", bytes)).toMatchObject({ verdict });
  });

  test("more than may be decompressed is given up on", async () => {
    const content = decodedContent(bytesSource(gzipSync(Buffer.alloc(1_000_000))), createGunzip, { bytes: 100_000 });
    await expect(content.read((reader) => reader.skip(1_000_000))).rejects.toThrow("more than is decompressed");
  });
});

describe("tar", () => {
  const archive = (content: Buffer, { name = "data.pkl", type = "0" } = {}) => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(content.length.toString(8).padStart(11, "0"), 124);
    header.write(type, 156);
    header.write("ustar\x0000", 257);
    header.write("        ", 148);
    header.write(
      header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")
        .concat("\0 "),
      148,
    );
    return Buffer.concat([header, content, Buffer.alloc(512 - (content.length % 512)), Buffer.alloc(1024)]);
  };

  test("its members are looked into", async () => {
    expect(await scanFile("m.tar", archive(NUMBERS))).toMatchObject({ format: "tar", verdict: "data-only" });
    const { said } = await scanFile("m.tar", archive(COMMAND, { name: "notes.txt" }));
    expect(said.join()).toContain("notes.txt, byte 17, STACK_GLOBAL: imports posix.system");
  });

  test.each([
    ["a link", archive(Buffer.alloc(0), { type: "2" })],
    ["a path that leads out", archive(NUMBERS, { name: "../a" })],
    ["a member that is cut", archive(Buffer.alloc(2000)).subarray(0, 1000)],
    ["a header that is none", Buffer.concat([archive(NUMBERS).subarray(0, 1024), Buffer.alloc(512, 7)])],
    ["gzip around it", gzipSync(archive(NUMBERS))],
  ])("%s is dangerous", async (_, bytes) => {
    expect(await scanFile("m.tar", bytes)).toMatchObject({ verdict: "dangerous" });
  });
});

describe("numpy", () => {
  test.each([
    ["numbers", npy("'<f8'", Buffer.alloc(16)), "data-only"],
    ["a structured type of numbers", npy("[('a', '<f8'), ('b', '<i4')]", Buffer.alloc(24)), "data-only"],
    ["objects that are data", npy("'|O'", NUMBERS), "data-only"],
    ["objects that run a command", npy("'|O'", COMMAND), "dangerous"],
    ["a structured type with objects", npy("[('a', '<f8'), ('b', '|O')]", COMMAND), "dangerous"],
    ["a type with an escape in it", npy("'\\x4f'", COMMAND), "dangerous"],
    ["a header that is none", pickle(0x93, "NUMPY", 9, 0, "xxxxxxxx"), "dangerous"],
  ])("%s", async (_, bytes, verdict) => {
    expect(await scanFile("a.npy", bytes)).toMatchObject({ format: "npy", verdict });
    expect(await scanFile("a.npz", zipArchive([{ name: "a.npy", content: bytes, method: 8 }]))).toMatchObject({
      format: "npz",
      verdict,
    });
  });
});

describe("Keras", () => {
  const keras = (config: unknown) =>
    zipArchive([
      { name: "metadata.json", content: '{"keras_version": "3.5.0"}' },
      { name: "config.json", content: JSON.stringify(config) },
      { name: "model.weights.h5", content: "\x89HDF\r\n\x1a\n" },
    ]);
  const layer = (parts: object) => ({ class_name: "Sequential", module: "keras", config: { layers: [parts] } });

  test.each([
    ["layers of its own", layer({ class_name: "Dense", module: "keras.layers", registered_name: null }), "data-only"],
    ["a Lambda layer", layer({ class_name: "Lambda", module: "keras.layers", config: {} }), "dangerous"],
    [
      "a lambda in an argument",
      layer({ class_name: "Dense", module: "keras.layers", config: { activation: { class_name: "__lambda__" } } }),
      "dangerous",
    ],
    ["a layer of another package", layer({ class_name: "Attention", module: "acme.layers" }), "code-bearing"],
    [
      "a class that must be registered",
      layer({ class_name: "Attention", module: null, registered_name: "acme>Attention" }),
      "code-bearing",
    ],
  ])("%s", async (_, config, verdict) => {
    expect(await scanFile("m.keras", keras(config))).toMatchObject({ format: "keras", verdict });
  });

  test.each([
    ['{"class_name": "Dense"}', "data-only"],
    ['{"class_name": "Lambda"}', "dangerous"],
    ['{"cl\\u0061ss_name": "Lambda"}', "dangerous"],
  ])("HDF5 with %s", async (config, verdict) => {
    const bytes = Buffer.concat([
      Buffer.from("\x89HDF\r\n\x1a\n", "latin1"),
      Buffer.alloc(100_000),
      Buffer.from(config),
      Buffer.alloc(99),
    ]);
    expect(await scanFile("m.h5", bytes)).toMatchObject({ format: "hdf5", verdict });
  });
});

describe("what is no pickle", () => {
  test.each([
    ["text", "color,size\nred,1\nblue,2\n"],
    ["JSON", '{"a": [1, 2]}'],
    ["YAML", "name: digits\nversion: 1\n"],
    ["a text that reads as an import", "cat\ndog\nmouse\n"],
    ["nothing", ""],
  ])("%s", async (_, text) => {
    expect(await scanFile("notes.txt", Buffer.from(text))).toEqual({
      format: undefined,
      verdict: "data-only",
      said: [],
    });
  });

  test("under the name of a pickle it is told", async () => {
    expect(await scanFile("model.pkl", Buffer.from("hello"))).toMatchObject({ verdict: "dangerous" });
  });

  test("a zip archive behind a picture is told where its name is an archive's", async () => {
    const bytes = zipArchive([{ name: "config.json", content: "{}" }], { before: "GIF89a" });
    expect(await scanFile("m.keras", bytes)).toMatchObject({ verdict: "dangerous" });
  });
});

test("a pickle with a zip archive behind it is dangerous", async () => {
  expect(await scanFile("model.pt", Buffer.concat([NUMBERS, torchZip()]))).toMatchObject({ verdict: "dangerous" });
});

test("an archive with far more to tell of than anybody reads says so, and is dangerous", async () => {
  const members = Array.from({ length: 1_200 }, (_, i) => ({ name: `${i}.pkl`, content: "\x80\x04cos\nsystem\n)R." }));
  const { verdict, said } = await scanFile("model.zip", zipArchive(members));
  expect({ verdict, count: said.length }).toEqual({ verdict: "dangerous", count: 1_001 });
  expect(said.at(-1)).toContain("more to tell of than is told");
});
