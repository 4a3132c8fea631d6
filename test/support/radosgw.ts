import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { REQUIRE_REAL } from "./built-tool.ts";
import { freePort, untilAnswering } from "./docker-registry.ts";
import { adminOf, type S3Server } from "./s3-server.ts";

const run = promisify(execFile);

/** Whether the tests on Ceph's gateway may be left out: only where Debian's packages of it are absent and nobody insists on them. */
export function lacksRadosgw(): boolean {
  const isThere = ["radosgw", "ceph-mon", "ceph-osd"].every((name) => existsSync(`/usr/bin/${name}`));
  return !isThere && !REQUIRE_REAL;
}

/**
 * Ceph's gateway 16.2 on a cluster of one monitor and one store in memory, all on loopback. It takes conditions on whole objects, and
 * forgets them where an object came in parts, or the bucket keeps versions.
 */
export async function startRadosgw(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-ceph-"));
  for (const name of ["run", "log", "mon.a", "osd.0", "rgw"]) mkdirSync(join(folder, name));
  const [port, monitorPort] = [await freePort(), await freePort()];
  const [cluster, disk] = [randomUUID(), randomUUID()];
  const at = { conf: join(folder, "ceph.conf"), keyring: join(folder, "keyring"), map: join(folder, "monmap") };
  writeFileSync(at.conf, confOf({ folder, cluster, port, monitorPort }));
  const running: { readonly end: () => Promise<void> }[] = [];
  const stop = async () => {
    for (const one of running.toReversed()) await one.end();
    rmSync(folder, { recursive: true, force: true });
  };
  const start = (program: string, ...args: readonly string[]) => {
    const child = spawn(program, ["-c", at.conf, ...args, "-f"], { stdio: "ignore" });
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const end = async () => {
      child.kill("SIGKILL");
      await exited;
    };
    running.push({ end });
    return exited;
  };
  const may = ["mon", "osd", "mds", "mgr"].flatMap((part) => ["--cap", part, "allow *"]);
  try {
    await run("ceph-authtool", ["--create-keyring", at.keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"]);
    await run("ceph-authtool", [at.keyring, "--gen-key", "-n", "client.admin", ...may]);
    const monitor = ["--addv", "a", `[v1:127.0.0.1:${monitorPort}]`, "--fsid", cluster];
    await run("monmaptool", ["--create", "--clobber", ...monitor, at.map]);
    await run("ceph-mon", ["-c", at.conf, "--mkfs", "-i", "a", "--monmap", at.map, "--keyring", at.keyring]);
    void start("ceph-mon", "-i", "a");
    await patiently(() => run("ceph", ["-c", at.conf, "osd", "new", disk], { timeout: 5_000 }));
    await run("ceph-osd", ["-c", at.conf, "-i", "0", "--mkfs", "--osd-uuid", disk]);
    void start("ceph-osd", "-i", "0");
    const exited = start("radosgw", "-n", "client.rgw.a", "--keyring", at.keyring);
    const endpoint = `http://127.0.0.1:${port}`;
    await patiently(() => untilAnswering(endpoint, exited));
    const keys = { accessKeyId: "AKTESTOFCEPH", secretAccessKey: "a-secret-of-the-test" };
    const user = ["user", "create", "--uid=test", "--display-name=test"];
    const pair = [`--access-key=${keys.accessKeyId}`, `--secret-key=${keys.secretAccessKey}`];
    await run("radosgw-admin", ["-c", at.conf, ...user, ...pair]);
    return { endpoint, keys, admin: adminOf(endpoint, keys), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A cluster takes some seconds until it answers for the first time. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries >= 30) throw error;
      await pause(300);
    }
  }
}

type Conf = { readonly folder: string; readonly cluster: string; readonly port: number; readonly monitorPort: number };

function confOf({ folder, cluster, port, monitorPort }: Conf): string {
  const settings = {
    fsid: cluster,
    "mon host": `v1:127.0.0.1:${monitorPort}`,
    "public network": "127.0.0.0/8",
    "auth cluster required": "none",
    "auth service required": "none",
    "auth client required": "none",
    "osd pool default size": 1,
    "osd pool default min size": 1,
    "osd pool default pg num": 8,
    "osd crush chooseleaf type": 0,
    "mon allow pool size one": true,
    "osd objectstore": "memstore",
    "memstore device bytes": 1024 ** 3,
    "ms bind msgr2": false,
    "ms bind ipv6": false,
    "mon data": join(folder, "mon.a"),
    "osd data": join(folder, "osd.$id"),
    "rgw data": join(folder, "rgw"),
    keyring: join(folder, "keyring"),
    "run dir": join(folder, "run"),
    "admin socket": join(folder, "run", "$name.asok"),
    "log file": join(folder, "log", "$name.log"),
    "rgw frontends": `beast endpoint=127.0.0.1:${port}`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `[global]\n${lines.join("\n")}\n`;
}
