import { afterAll, beforeAll, describe } from "vitest";
import { uploadMemory } from "../s3/upload-memory.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("a very large file", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "", sidecar: true });
  });
  afterAll(() => server.stop());

  uploadMemory(() => server, "a file of 8 GiB", [8 * 1024 ** 3]);
});
