import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { REQUIRE_REAL } from "../built-tool.ts";

const HAPROXY = "/usr/sbin/haproxy";

/** Whether suites on a data plane may be left out: only where its parts are absent and nobody insists on them. */
export function lacksDataPlane(): boolean {
  if (REQUIRE_REAL) return false;
  return !existsSync(HAPROXY) || !canUnshare();
}

/** A network of its own, in which every address that the kubelet of the tests gives to a pod is local. */
export type PodNetwork = {
  /** Starts a program in it, which ends with this process. */
  spawn(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  stop(): Promise<void>;
};

const SETUP = "ip link set lo up && ip route add local 10.0.0.0/16 dev lo && echo up && exec sleep infinity";

export async function startPodNetwork(): Promise<PodNetwork> {
  const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "-r", "-n", "sh", "-c", SETUP], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(holder.stdout, "data")) as [Buffer];
  if (String(line).trim() !== "up") throw new Error(`no network: ${line}`);
  return {
    spawn: (program, args, env = {}) => {
      const inside = ["-t", String(holder.pid), "-U", "-n", "--preserve-credentials"];
      return spawn("nsenter", [...inside, "setpriv", "--pdeathsig", "KILL", program, ...args], {
        stdio: "ignore",
        env: { PATH: process.env.PATH ?? "", ...env },
      });
    },
    stop: async () => {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    },
  };
}

function canUnshare(): boolean {
  try {
    execFileSync("unshare", ["-r", "-n", "ip", "link", "set", "lo", "up"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
