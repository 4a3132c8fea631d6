import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("a server with a certificate of an authority of one's own", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  /** TLS before the server, until the end of the test. */
  async function overTls() {
    const folder = await temporaryFolder();
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const name = "-subj /CN=s3-of-the-test -addext subjectAltName=IP:127.0.0.1";
    const openssl = `req -x509 -newkey rsa:2048 -nodes -days 2 ${name} -keyout ${key} -out ${cert}`;
    execFileSync("openssl", openssl.split(" "), { stdio: "ignore" });
    const port = Number(new URL(server.endpoint).port);
    const front = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (outer) => {
      const inner = connect(port, "127.0.0.1");
      outer.on("error", () => inner.destroy());
      inner.on("error", () => outer.destroy());
      outer.pipe(inner).pipe(outer);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void front.close());
    return { endpoint: `https://127.0.0.1:${(front.address() as AddressInfo).port}`, cert };
  }

  test("is spoken to, small and large, where AWS_CA_BUNDLE names the authority", async () => {
    const { endpoint, cert } = await overTls();
    const bucket = await newBucket(server);
    const { accessKeyId, secretAccessKey } = server.keys;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const env = { ...keys, AWS_ENDPOINT_URL_S3: endpoint, AWS_CA_BUNDLE: cert };
    const store = storeAt({ server, bucket, env });
    const large = Buffer.alloc(20 * 1024 * 1024, 3);
    expect((await store.create("small", Buffer.from("x"))).state).toBe("created");
    expect((await store.create("large", large)).state).toBe("created");
    expect(Buffer.from((await store.read("large"))?.bytes ?? []).equals(large)).toBe(true);
  });

  test("is not trusted without, and the error says which variable names it", async () => {
    const { endpoint } = await overTls();
    const bucket = await newBucket(server);
    const untrusting = storeAt({ server: { ...server, endpoint }, bucket });
    await expect(untrusting.read("a")).rejects.toThrow(/^\[CONFIG\] .*certificate that is not trusted.*AWS_CA_BUNDLE/);
  });

  test("whose certificates cannot be read is told at once", () => {
    const env = { AWS_CA_BUNDLE: "/no/such/file.pem" };
    expect(() => storeAt({ server, bucket: "models", env })).toThrow(
      /^\[CONFIG\] \/no\/such\/file\.pem: .*AWS_CA_BUNDLE/,
    );
  });
});
