import { afterAll, beforeAll, describe } from "vitest";
import { modelStoreContract } from "../contract/model-store-contract.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("on versitygw", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  describe.each(["no versions", "versions"] as const)("a bucket with %s", (versioning) => {
    modelStoreContract(async () => {
      const bucket = await newBucket(server, versioning);
      const open = () => storeAt({ server, bucket });
      return { store: open(), again: open };
    });
  });
});
