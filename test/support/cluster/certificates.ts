import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An authority of the cluster's own, and what it signed. Paths of PEM files in one folder. */
export type Certificates = {
  readonly ca: string;
  readonly caKey: string;
  /** For every server on 127.0.0.1: the API server, webhooks, the kubelet's log end. */
  readonly server: string;
  readonly serverKey: string;
  /** Signs the tokens of service accounts. */
  readonly accountsKey: string;
};

export function certificatesIn(folder: string): Certificates {
  const at = (name: string) => join(folder, name);
  return {
    ca: at("ca.crt"),
    caKey: at("ca.key"),
    server: at("tls.crt"),
    serverKey: at("tls.key"),
    accountsKey: at("accounts.key"),
  };
}

/** Makes them all, valid for ten years: they are kept with the etcd folder that they belong to. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = certificatesIn(folder);
  newKey(files.caKey);
  openssl(["req", "-x509", "-new", "-key", files.caKey, "-subj", "/CN=test-ca", "-days", "3650", "-out", files.ca]);
  const names = "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc";
  sign(files, { certificate: files.server, key: files.serverKey, subject: "/CN=kube-apiserver", names });
  openssl(["genrsa", "-out", files.accountsKey, "2048"]);
  return files;
}

export type ClientCertificate = { readonly certificate: string; readonly key: string };

/** PEM texts that say to the API server: this is `user`, of these groups. */
export function clientCertificate(
  files: Certificates,
  {
    folder,
    user,
    groups = [],
  }: { readonly folder: string; readonly user: string; readonly groups?: readonly string[] },
): ClientCertificate {
  const [certificate, key] = [join(folder, `${user}.crt`), join(folder, `${user}.key`)];
  const subject = `${groups.map((group) => `/O=${group}`).join("")}/CN=${user}`;
  sign(files, { certificate, key, subject, names: `DNS:${user}` });
  return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
}

type Signed = { readonly certificate: string; readonly key: string; readonly subject: string; readonly names: string };

function sign({ ca, caKey }: Certificates, { certificate, key, subject, names }: Signed): void {
  newKey(key);
  const [request, extensions] = [`${certificate}.request`, `${certificate}.extensions`];
  openssl(["req", "-new", "-key", key, "-subj", subject, "-out", request]);
  writeFileSync(extensions, `subjectAltName=${names}\n`);
  const by = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-days", "3650", "-extfile", extensions];
  openssl(["x509", "-req", "-in", request, ...by, "-out", certificate]);
}

function newKey(path: string): void {
  openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path]);
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", [...args], { stdio: ["ignore", "ignore", "pipe"] });
}
