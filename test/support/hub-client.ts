import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { pythonTools } from "./built-tool.ts";

const run = promisify(execFile);

const REQUIREMENTS = [
  "aiohappyeyeballs==2.7.1",
  "aiohttp==3.14.5",
  "aiohttp-retry==2.9.1",
  "aiosignal==1.4.0",
  "annotated-types==0.8.0",
  "attrs==26.1.0",
  "frozenlist==1.8.0",
  "idna==3.20",
  "multidict==7.2.1",
  "nest-asyncio2==1.7.4",
  "propcache==0.5.4",
  "pydantic==2.14.3",
  "pydantic_core==2.50.4",
  "python-dateutil==2.9.0.post0",
  "six==1.17.0",
  "typing-inspection==0.4.5",
  "typing_extensions==4.16.0",
  "yarl==1.25.1",
];

/** What the official Python client of the model registry read, as `hub_client.py` writes it. */
export type ReadByClient = {
  readonly again: string;
  readonly description: string;
  readonly acc: number;
  readonly uri: string;
  readonly models: number;
  readonly ours: { readonly author: string; readonly properties: Readonly<Record<string, unknown>> };
  readonly uriOfOurs: string;
  readonly everything: {
    readonly artifacts: readonly { readonly artifactType: string; readonly name: string }[];
    readonly serves: readonly string[];
    readonly services: readonly { readonly name: string; readonly modelVersionId: string }[];
  };
};

/** Runs that client, of this version, on a server. */
export async function officialClient(version: string, url: string): Promise<ReadByClient> {
  const bin = await pythonTools([`model-registry==${version}`, ...REQUIREMENTS]);
  const { stdout } = await run(join(bin, "python"), [join(import.meta.dirname, "hub_client.py"), url]);
  return JSON.parse(stdout) as ReadByClient;
}
