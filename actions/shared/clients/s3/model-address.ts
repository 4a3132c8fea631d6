import type { PlaceScheme } from "../../domain/model-place.ts";
import { bad, type Checked, ok, type Problem } from "../../domain/problem.ts";
import { isReleaseError } from "../../lib/error.ts";
import { parseS3Address, type S3Address } from "./address.ts";

/** How a server wants to be spoken to; what is left out is known from elsewhere. */
export type Server = Pick<S3Address, "endpoint" | "region" | "addressing" | "profile" | "ca">;

/** Where the engine left a model: an object, or everything below it. */
export type ModelAddress = {
  readonly scheme: Scheme;
  readonly bucket: string;
  /** Without slashes at its ends. */
  readonly key: string;
  readonly server: Server;
};

/** `minio`: S3 at a server that only the engine's configuration knows; `gs`: Google Cloud Storage, by its S3-compatible interface. */
export type Scheme = Exclude<PlaceScheme, "file" | "mlflow">;

/** `s3://bucket/key?endpoint=…`, `minio://…`, `gs://…`. Throws nothing: what is wrong is in the answer. */
export function parseModelAddress(place: string): Checked<ModelAddress> {
  const [, scheme = "", bucket = "", rest = "", query = ""] =
    /^([a-z0-9]+):\/\/([^/?]*)([^?]*)(?:\?(.*))?$/s.exec(place) ?? [];
  const key = rest.replace(/^\/+|\/+$/g, "");
  const server = parseServer(bucket, query);
  const noKey: Problem = {
    rule: "the address names a bucket and no model in it",
    where: { input: "model" },
    allowed: `${scheme}://bucket/key of a file, or of a folder`,
  };
  const problems = [...(server.state === "bad" ? server.problems : []), ...(key === "" ? [noKey] : [])];
  if (server.state === "bad" || problems.length > 0) return bad(...problems);
  return ok({ scheme: scheme as Scheme, bucket, key, server: server.value });
}

/** `https://host?region=…`: a server by itself. */
export function parseEndpoint(text: string): Checked<Server> {
  const [endpoint = "", query = ""] = text.split("?", 2);
  const server = parseServer("any-bucket", `${query}&endpoint=${encodeURIComponent(endpoint)}`);
  if (server.state === "ok") return server;
  return bad(...server.problems.map((problem) => ({ ...problem, where: { input: "model-endpoint" } })));
}

/** What an address says of its server, without what it says of a store. */
export function serverOf({
  bucket: _,
  prefix: __,
  tags: ___,
  conditions: ____,
  encryption: _____,
  ...server
}: S3Address): Server {
  return server;
}

const OTHERS = /^(sse|kms-key|conditions|tag\..*)$/;

function parseServer(bucket: string, query: string): Checked<Server> {
  const names = [...new URLSearchParams(query).keys()];
  const problems = names
    .filter((name) => OTHERS.test(name))
    .map(
      (name): Problem => ({
        rule: `\`${name}\` is for writing, and a model is only read`,
        where: { input: "model" },
        allowed: "endpoint, region, addressing, profile, ca",
      }),
    );
  if (problems.length > 0) return bad(...problems);
  try {
    return ok(serverOf(parseS3Address(`s3://${bucket}?${query}`)));
  } catch (error) {
    if (!isReleaseError(error)) throw error;
    return bad(...error.problems.map((problem) => ({ ...problem, where: { input: "model" } })));
  }
}
