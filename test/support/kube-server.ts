import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Certificates,
  type ClientCertificate,
  clientCertificate,
  makeCertificates,
} from "./cluster/certificates.ts";
import { type Handler, startServer } from "./http-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Something like an API server: HTTPS with an authority of its own. */
export type KubeServer = {
  readonly url: string;
  readonly authority: string;
  clientCertificate(user: string): Promise<ClientCertificate>;
  /** The text of a kubeconfig for it. */
  kubeconfig(user: object, cluster?: object): string;
};

export async function startKubeServer(handler: Handler, files: Certificates = ownCertificates()): Promise<KubeServer> {
  const url = await startServer(handler, serverOptions(files));
  const authority = readFileSync(files.ca, "utf8");
  return {
    url,
    authority,
    clientCertificate: async (user) => clientCertificate(files, { folder: await temporaryFolder(), user }),
    kubeconfig: (user, cluster = { "certificate-authority-data": Buffer.from(authority).toString("base64") }) =>
      JSON.stringify({
        "current-context": "test",
        clusters: [{ name: "test", cluster: { server: url, ...cluster } }],
        users: [{ name: "tester", user }],
        contexts: [{ name: "test", context: { cluster: "test", user: "tester", namespace: "ml" } }],
      }),
  };
}

let own: Certificates | undefined;

/** Made once for a test file: that takes longer than most tests. */
function ownCertificates(): Certificates {
  if (own !== undefined) return own;
  const folder = mkdtempSync(join(tmpdir(), "ml-release-test-tls-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  own = makeCertificates(folder);
  return own;
}

function serverOptions({ ca, server, serverKey }: Certificates): ServerOptions {
  return {
    cert: readFileSync(server),
    key: readFileSync(serverKey),
    ca: readFileSync(ca),
    requestCert: true,
    rejectUnauthorized: false,
  };
}
