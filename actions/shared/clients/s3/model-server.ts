import { bad, type Checked, ok } from "../../domain/problem.ts";
import type { ModelAddress, Server } from "./model-address.ts";

/** What each of them says of the server that a model lies on. */
export type KnownServers = {
  /** The input `model-endpoint`. */
  readonly input?: Server | undefined;
  /** The configuration of the engine that wrote it. */
  readonly engine?: Server | undefined;
  /** The model store of this step, where it is a bucket. */
  readonly store?: Server | undefined;
  /** AWS_ENDPOINT_URL_S3 and the like. */
  readonly environment?: string | undefined;
};

const GOOGLE: Server = { endpoint: "https://storage.googleapis.com", region: "auto", addressing: "path" };

/**
 * How the server of a model is spoken to: the address itself wins, then the input, then what the engine is configured with. Where none of them
 * names a server, it is the one of the scheme (`gs`), else the one of the store.
 */
export function serverOfModel({ scheme, bucket, key, server }: ModelAddress, known: KnownServers): Checked<Server> {
  const said = { ...known.engine, ...known.input, ...server };
  if (said.endpoint !== undefined) return ok(said);
  if (scheme === "gs") return ok({ ...GOOGLE, ...said });
  const found = { ...known.store, ...said };
  if (scheme === "s3" || found.endpoint !== undefined || known.environment !== undefined) return ok(found);
  return bad({
    rule: "minio:// is an address inside of the engine's cluster: which server it is on is not known here",
    where: { input: "model-endpoint" },
    saw: `minio://${bucket}/${key}`,
    hint: "set `model-endpoint`, or `kubeconfig`, by which the engine's own configuration is read",
  });
}
