import { expect, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { registerStreamed } from "../s3/streamed-model.ts";
import { type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const GIB = 1024 ** 3;

test.skipIf(program === undefined)(
  "a model of 2 GiB goes from its engine's bucket into the registry's with less than 150 MB of memory, and not over the disk",
  async () => {
    const servers: S3Server[] = [];
    try {
      for (let i = 0; i < 2; i++) servers.push(await startVersitygw({ program: program ?? "" }));
      const [engine, registry] = servers as [S3Server, S3Server];
      const { main, peak, models } = await registerStreamed({ engine, registry, bytes: 2 * GIB, bundled: true });
      expect(main.code).toBe(0);
      expect(peak).toBeLessThan(150e6);
      const record = await findVersion(storeAt({ server: registry, bucket: models }), "digits", "1.0.0");
      expect(record?.files).toMatchObject([{ path: "model.safetensors" }]);
      expect(record?.files[0]?.size).toBeGreaterThan(2 * GIB);
    } finally {
      for (const server of servers) await server.stop();
    }
  },
);
