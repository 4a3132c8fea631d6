import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { REQUIRE_REAL } from "./built-tool.ts";

const PROGRAM = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => existsSync(path));

/** Whether there is no browser here, and tests in one are left out; in CI they fail instead. */
export function lacksChromium(): boolean {
  return PROGRAM === undefined && !REQUIRE_REAL;
}

export type View = {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
};

/** One tab of a real browser. */
export type Browser = {
  /** Shows a page and waits until it is there. */
  open(address: string, view: View): Promise<void>;
  /** The value of an expression in the page, as JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** What the console said and what was asked of the network since the last `open`, beside the page itself. */
  seen(): { readonly console: readonly string[]; readonly requests: readonly string[] };
  close(): Promise<void>;
};

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, never>;
  readonly result?: Record<string, never>;
  readonly error?: { readonly message: string };
};

/** Starts Chromium and speaks to it as its own developer tools do. */
export async function startChromium(): Promise<Browser> {
  if (PROGRAM === undefined) throw new Error("there is no Chromium: install it (Debian: chromium)");
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
  const child = spawn(
    PROGRAM,
    [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--no-first-run", "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const socket = new WebSocket(await addressOf(child.stderr));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const waiting = new Map<number, (message: Message) => void>();
  let seen = { console: [] as string[], requests: [] as string[] };
  let loaded = () => {};
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message & { readonly params: never };
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    if (message.method === "Page.loadEventFired") loaded();
    if (message.method === "Runtime.consoleAPICalled" || message.method === "Log.entryAdded")
      seen.console.push(JSON.stringify(message.params));
    if (message.method === "Network.requestWillBeSent")
      seen.requests.push((message.params as { readonly request: { readonly url: string } }).request.url);
  });
  let last = 0;
  let sessionId: string | undefined;
  const ask = async (method: string, params: Readonly<Record<string, unknown>> = {}) => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Readonly<Record<string, unknown>>;
  };
  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  ({ sessionId } = (await ask("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await ask(`${domain}.enable`);
  return {
    open: async (address, { width, height, scheme }) => {
      await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
      await ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
      seen = { console: [], requests: [] };
      const isLoaded = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      await ask("Page.navigate", { url: address });
      await isLoaded;
    },
    evaluate: async (expression) => {
      const { result } = (await ask("Runtime.evaluate", { expression, returnByValue: true })) as {
        readonly result: { readonly value?: unknown };
      };
      return result.value;
    },
    seen: () => seen,
    close: async () => {
      socket.close();
      child.kill("SIGKILL");
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address !== undefined) {
      stderr.resume();
      return address;
    }
  }
  throw new Error("Chromium ended before it could be spoken to");
}
