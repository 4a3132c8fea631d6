import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { authorizedStream } from "../../actions/shared/clients/access/authorized-stream.ts";
import { anonymous, type Credentials } from "../../actions/shared/clients/access/credentials.ts";
import { fixedToken } from "../../actions/shared/clients/access/token.ts";
import { downloadModel } from "../../actions/shared/clients/kfp/model-download.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { requestStream } from "../../actions/shared/lib/http.ts";
import { bearerDoor } from "../fakes/kfp/door.ts";
import type { KfpOptions } from "../fakes/kfp/kfp.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";

const KEY = "v2/artifacts/digits/0a1b/export/model 1.pkl";
const ADDRESS = `minio://mlpipeline/${KEY}`;
const MODEL = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 31 + (i >> 9)) % 253));

type Asking = { readonly credentials?: Credentials; readonly namespace?: string; readonly key?: string };

async function kubeflow(
  options: KfpOptions = {},
  objects: Readonly<Record<string, Uint8Array>> = { [ADDRESS]: MODEL },
) {
  const fake = await startFakeKfp(options);
  onTestFinished(() => fake.close());
  for (const [address, bytes] of Object.entries(objects)) fake.state.objects.set(address, bytes);
  const find = ({ credentials = anonymous, namespace, key = KEY }: Asking = {}) =>
    downloadModel(
      {
        base: fake.url,
        stream: authorizedStream(requestStream, credentials),
        clock: { ...systemClock, sleep: async () => {} },
        ...(namespace === undefined ? {} : { namespace }),
      },
      { scheme: "minio", bucket: "mlpipeline", key },
    );
  return { fake, find };
}

const tokenOf = (text: string) => fixedToken(text, () => {});

const digestOf = async (chunks: AsyncIterable<Uint8Array>) => {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
};

const DIGEST = createHash("sha256").update(MODEL).digest("hex");

describe("a model by the download of Kubeflow's page", () => {
  test("is every byte of the object, by its name, whole or from any place", async () => {
    const { find } = await kubeflow({ prefix: "/pipeline" });
    const file = await find();
    expect(file).toMatchObject({ path: "model 1.pkl", source: ADDRESS, size: MODEL.length });
    expect(await digestOf(file.read())).toBe(DIGEST);
    await file.open(async (bytes) => {
      expect(Buffer.from(await bytes.read(399_990, 20)).equals(MODEL.subarray(399_990))).toBe(true);
      expect(Buffer.from(await bytes.read(10, 5)).equals(MODEL.subarray(10, 15))).toBe(true);
    });
  });

  test("is what was written also where that is compressed, which the page unpacks where people look at it", async () => {
    const packed = gzipSync(MODEL);
    const { fake, find } = await kubeflow({}, { [ADDRESS]: packed });
    const file = await find();
    expect(file.size).toBe(packed.length);
    expect(await digestOf(file.read())).toBe(createHash("sha256").update(packed).digest("hex"));
    const query = new URLSearchParams({ source: "minio", bucket: "mlpipeline", key: KEY });
    const seen = await fetch(`${fake.url}/artifacts/get?${query}`);
    expect(Buffer.from(await seen.arrayBuffer()).equals(MODEL)).toBe(true);
  });

  test("is asked for again where the connection ends in the middle, and refused where it always does", async () => {
    const { fake, find } = await kubeflow();
    const cut = { routes: ["download-artifact"], how: { do: "break-off", bytes: 100_000 } } as const;
    fake.fail(cut);
    const file = await find();
    expect(file.size).toBe(MODEL.length);
    fake.fail(cut);
    expect(await digestOf(file.read())).toBe(DIGEST);
    fake.fail({ ...cut, times: 4 });
    await expect(digestOf(file.read())).rejects.toThrow(
      /^\[UNAVAILABLE\] minio:\S+ 1\.pkl: a file of Kubeflow broke off/,
    );
    expect(fake.faults.left()).toEqual([]);
  });

  test.each([
    ["shorter", MODEL.subarray(0, 300_000)],
    ["another one", Buffer.from(MODEL).fill(1, 200_000, 200_001)],
  ])("that became %s since it was found is refused", async (_, other) => {
    const { fake, find } = await kubeflow();
    const file = await find();
    fake.state.objects.set(ADDRESS, other);
    await expect(digestOf(file.read())).rejects.toThrow(/^\[INTEGRITY\] .*must not change while it is read/);
  });

  test("goes to whom the server lets in, and a page for people is told as what it is", async () => {
    const tokens = new Map([["good", Number.POSITIVE_INFINITY]]);
    const { find } = await kubeflow({ door: bearerDoor(tokens) });
    expect(await digestOf((await find({ credentials: tokenOf("good") })).read())).toBe(DIGEST);
    await expect(find({ credentials: tokenOf("other") })).rejects.toThrow(/^\[AUTH\] the token of the input token/);
    const gateway = await kubeflow({ door: bearerDoor(tokens, "login-page") });
    await expect(gateway.find({ credentials: tokenOf("other") })).rejects.toThrow(
      /^\[AUTH\] Kubeflow answered with a login page instead of data: it does not take the token.*Sign in - Kubeflow/,
    );
  });

  test("of a server for several users needs the namespace of the run", async () => {
    const { find } = await kubeflow({ multiUser: true, namespace: "team-a" });
    expect((await find({ namespace: "team-a" })).size).toBe(MODEL.length);
    await expect(find()).rejects.toThrow(/^\[CONFIG\] input namespace: .*set `namespace`/);
    await expect(find({ namespace: "team-b" })).rejects.toThrow(/^\[AUTH\] input namespace: /);
  });

  test("is one file: of a folder newer servers give an archive, others nothing, and nobody gives what is not there", async () => {
    const objects = { "minio://mlpipeline/v2/model/config.json": MODEL, "minio://mlpipeline/v2/model/weights": MODEL };
    const newer = await kubeflow({ release: "3.0" }, objects);
    await expect(newer.find({ key: "v2/model" })).rejects.toThrow(
      /^\[REFUSED\] minio:\/\/mlpipeline\/v2\/model: .* must be one file .*set `model-endpoint`/,
    );
    await expect(newer.find({ key: "v2/other" })).rejects.toThrow(/^\[NOT_FOUND\]/);
    const older = await kubeflow({}, objects);
    await expect(older.find({ key: "v2/model" })).rejects.toThrow(/^\[NOT_FOUND\] .*set `model-endpoint`/);
    expect(older.fake.calls.length, "asked once: it does not become another").toBe(1);
  });

  test("is not taken for one where it is empty", async () => {
    const { find } = await kubeflow({}, { [ADDRESS]: new Uint8Array() });
    await expect(find()).rejects.toThrow(/^\[INTEGRITY\] .*must have a content/);
  });
});
