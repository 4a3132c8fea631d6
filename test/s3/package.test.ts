import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Stream } from "../../actions/shared/lib/hash.ts";
import { digestAt, keepPackage, modelPackage } from "../../actions/shared/lib/model-package.ts";
import type { SourceFile } from "../../actions/shared/ports/source-file.ts";
import { generatedBody } from "../support/generated-body.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const MIB = 1024 * 1024;

/** A file of the model that lies nowhere. */
function generatedFile(path: string, size: number): SourceFile {
  const body = generatedBody(size);
  return {
    path,
    source: path,
    size,
    async *read() {
      yield* body.open();
    },
    open: () => Promise.reject(new Error("only read once, in order")),
  };
}

const archiveOf = (...files: readonly SourceFile[]) =>
  modelPackage(
    files.map((file) => ({ path: file.path, file })),
    new AbortController().signal,
  );

describe.skipIf(program === undefined)("an archive in a bucket", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  test("goes up in parts as it is made, and is kept once, however many writers bring it", async () => {
    const bucket = await newBucket(server);
    const archive = () => archiveOf(generatedFile("model.bin", 30 * MIB + 7), generatedFile("labels.txt", 100));
    const { digest } = await sha256Stream(archive().open());
    const keeping = Array.from({ length: 3 }, () =>
      keepPackage(storeAt({ server, bucket }), { name: "digits", place: "1.0.0", archive: archive() }),
    );
    const key = "digits/packages/1.0.0/model.tar.gz";
    for (const kept of await Promise.all(keeping)) expect(kept).toEqual({ key, digest, size: archive().size });
    expect(await digestAt(storeAt({ server, bucket }), key)).toBe(digest);
    expect((await server.admin.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).toEqual([]);
  });
});
