import { allPages } from "../../lib/all-pages.ts";
import type { Send } from "../../lib/http.ts";
import { callGrpc, type GrpcService } from "./grpc-web.ts";
import {
  type Artifact,
  type Context,
  decodeArtifact,
  decodeContext,
  decodeEvent,
  decodeExecution,
  decodeOne,
  decodePage,
  decodeType,
  type Event,
  type Execution,
  encodeContextId,
  encodeIds,
  encodeTypeAndName,
} from "./messages.ts";
import { varintField } from "./wire.ts";

export type MetadataOptions = {
  readonly send: Send;
  /** Where `/ml_metadata.MetadataStoreService` is served, without a slash at its end: `metadataEndpoint` knows the usual place. */
  readonly endpoint: string;
};

/** The calls by which a run is read. */
export type MetadataService = {
  contextOf(type: string, name: string): Promise<Context | undefined>;
  artifactsOf(contextId: number): Promise<readonly Artifact[]>;
  executionsOf(contextId: number): Promise<readonly Execution[]>;
  /** In the order in which they were recorded. */
  eventsOf(executionIds: readonly number[]): Promise<readonly Event[]>;
  artifactsById(ids: readonly number[]): Promise<readonly Artifact[]>;
  contextsOfExecution(executionId: number): Promise<readonly Context[]>;
  artifactTypes(): Promise<ReadonlyMap<number, string>>;
  executionTypes(): Promise<ReadonlyMap<number, string>>;
};

/** Ids in one request: far below what any proxy takes as a body. */
const IDS_AT_ONCE = 1_000;

export function metadataService({ send, endpoint }: MetadataOptions): MetadataService {
  const service: GrpcService = { send, endpoint, service: "ml_metadata.MetadataStoreService" };
  const call = (method: string, message: Uint8Array) => callGrpc(service, method, message);

  function pages<T>(method: string, contextId: number, decode: (item: Uint8Array) => T): Promise<readonly T[]> {
    return allPages({
      what: `${method} of ML Metadata`,
      hint: "look at the log of the metadata service, or set metrics-from: logs",
      read: async (pageToken) => {
        const message = encodeContextId(contextId, pageToken === undefined ? {} : { pageToken });
        return decodePage(await call(method, message), decode);
      },
    });
  }

  async function byIds<T>(method: string, ids: readonly number[], decode: (item: Uint8Array) => T) {
    const items: T[] = [];
    for (let i = 0; i < ids.length; i += IDS_AT_ONCE) {
      const answer = await call(method, encodeIds(ids.slice(i, i + IDS_AT_ONCE)));
      items.push(...decodePage(answer, decode).items);
    }
    return items;
  }

  async function types(method: string): Promise<ReadonlyMap<number, string>> {
    const { items } = decodePage(await call(method, new Uint8Array()), decodeType);
    return new Map(items.map(({ id, name }) => [id, name]));
  }

  return {
    contextOf: async (type, name) =>
      decodeOne(await call("GetContextByTypeAndName", encodeTypeAndName(type, name)), decodeContext),
    artifactsOf: (contextId) => pages("GetArtifactsByContext", contextId, decodeArtifact),
    executionsOf: (contextId) => pages("GetExecutionsByContext", contextId, decodeExecution),
    eventsOf: (executionIds) => byIds("GetEventsByExecutionIDs", executionIds, decodeEvent),
    artifactsById: (ids) => byIds("GetArtifactsByID", ids, decodeArtifact),
    contextsOfExecution: async (executionId) =>
      decodePage(await call("GetContextsByExecution", varintField(1, executionId)), decodeContext).items,
    artifactTypes: () => types("GetArtifactTypes"),
    executionTypes: () => types("GetExecutionTypes"),
  };
}

/** Beside the API of pipelines: the gateway's root serves both, `/pipeline` being only the prefix of the one. */
export function metadataEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, "").replace(/\/pipeline$/, "");
  return `${url.origin}${path}`;
}
