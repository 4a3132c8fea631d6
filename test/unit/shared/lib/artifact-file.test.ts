import { describe, expect, test } from "vitest";
import type { Digest } from "../../../../actions/shared/domain/digest.ts";
import { artifactFile, type OpenedArtifact } from "../../../../actions/shared/lib/artifact-file.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";

const BYTES = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) % 251);

type Far = {
  /** What the server has at the nth request. */
  readonly bytes?: (request: number) => Uint8Array;
  readonly etag?: (request: number) => string | undefined;
  readonly ranges?: boolean;
  /** After how many bytes the nth answer breaks off. */
  readonly breaks?: (request: number) => number;
  readonly size?: number;
  /** What it was when it was read before. */
  readonly digest?: Digest;
};

function far({
  bytes = () => BYTES,
  etag = () => '"1"',
  ranges = true,
  breaks = () => Infinity,
  size = BYTES.length,
  digest,
}: Far = {}) {
  const known = digest === undefined ? {} : { digest };
  const asked: number[] = [];
  const file = artifactFile(
    { path: "model.bin", source: "mlflow-artifacts:/1/model.bin", size, service: "MLflow", ...known },
    async (from): Promise<OpenedArtifact> => {
      const request = asked.push(from) - 1;
      const start = ranges ? from : 0;
      return { from: start, etag: etag(request), body: pieces(bytes(request).subarray(start), breaks(request)) };
    },
  );
  return { file, asked };
}

async function* pieces(bytes: Uint8Array, most: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (at >= most) throw new TypeError("terminated");
    yield bytes.slice(at, at + 65_536);
  }
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const whole = async (options?: Far) => (await all(far(options).file.read())).equals(BYTES);

describe("a file of MLflow read in order", () => {
  test("is every byte of it", async () => {
    expect(await whole()).toBe(true);
  });

  test("is gone on with where an answer breaks off", async () => {
    const { file, asked } = far({ breaks: (request) => (request < 2 ? 700_000 : Infinity) });
    expect((await all(file.read())).equals(BYTES)).toBe(true);
    expect(asked).toEqual([0, 720_896, 1_441_792]);
  });

  test("is not gone on with for ever", async () => {
    await expect(whole({ breaks: () => 1 })).rejects.toThrow(
      /^\[UNAVAILABLE\] mlflow-artifacts:\S+: a file of MLflow broke off/,
    );
  });

  test("is not put together from two answers that nobody can tell to be of the same file", async () => {
    await expect(whole({ breaks: () => 700_000, etag: () => undefined })).rejects.toThrow(/^\[UNAVAILABLE\]/);
    await expect(whole({ breaks: () => 700_000, ranges: false })).rejects.toThrow(/gives no part of it again/);
  });

  test.each<[string, Far]>([
    [
      "became another one",
      { breaks: (request) => (request === 0 ? 700_000 : Infinity), etag: (request) => `"${request}"` },
    ],
    ["became shorter", { bytes: () => BYTES.subarray(1) }],
    ["became longer", { size: BYTES.length - 1 }],
  ])("is refused where it %s", async (_, options) => {
    await expect(whole(options)).rejects.toThrow(
      /^\[INTEGRITY\] mlflow-artifacts:\S+: a file of the model must not change/,
    );
  });
});

describe("a file whose digest is known, of a server that tells no ETag and takes no ranges", () => {
  const known = { etag: () => undefined, ranges: false, digest: sha256(BYTES) } as const;

  test("is read from its start once more where an answer breaks off, and each byte is given once", async () => {
    const { file, asked } = far({ ...known, breaks: (request) => (request < 2 ? 700_000 : Infinity) });
    expect((await all(file.read())).equals(BYTES)).toBe(true);
    expect(asked).toEqual([0, 720_896, 720_896]);
  });

  test.each<[string, Far]>([
    ["became another one of the same size", { bytes: () => BYTES.with(2_000_000, 7) }],
    [
      "became another one between two answers",
      {
        bytes: (request) => (request === 0 ? BYTES : BYTES.with(2_999_999, 7)),
        breaks: (request) => (request === 0 ? 700_000 : Infinity),
      },
    ],
    ["became shorter", { bytes: () => BYTES.subarray(0, 1_000_000) }],
  ])("is refused where it %s", async (_, options) => {
    await expect(whole({ ...known, ...options })).rejects.toThrow(
      /^\[INTEGRITY\] mlflow-artifacts:\S+: a file of the model must not change/,
    );
  });
});

describe.each([true, false])("a file of MLflow read at any place, ranges: %s", (ranges) => {
  const places = [
    [2_999_990, 10],
    [0, 8],
    [1_500_000, 70_000],
    [2_000_000, 999_999],
    [5, 3],
    [2_999_999, 100],
    [3_000_000, 5],
  ] as const;

  test("gives the bytes that are there", async () => {
    const { file } = far({ ranges });
    await file.open(async (bytes) => {
      for (const [at, length] of places)
        expect(
          Buffer.from(await bytes.read(at, length)).equals(BYTES.subarray(at, at + length)),
          `${length} at ${at}`,
        ).toBe(true);
    });
  });

  test("asks few times of whoever reads on and on", async () => {
    const { file, asked } = far({ ranges });
    await file.open(async (bytes) => {
      for (let at = 0; at < BYTES.length; at += 10_000) await bytes.read(at, 10_000);
    });
    expect(asked).toEqual([0]);
  });

  test("is refused where it became another one between two reads", async () => {
    const { file } = far({ ranges, etag: (request) => `"${request}"` });
    const reading = file.open(async (bytes) => {
      await bytes.read(2_000_000, 10);
      await bytes.read(0, 10);
    });
    await expect(reading).rejects.toThrow(/^\[INTEGRITY\]/);
  });

  test("is refused where it became shorter", async () => {
    const { file } = far({ ranges, bytes: () => BYTES.subarray(0, 1_000_000) });
    await expect(file.open((bytes) => bytes.read(1_900_000, 10))).rejects.toThrow(/^\[INTEGRITY\]/);
  });
});
