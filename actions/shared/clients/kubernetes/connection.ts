import type { HttpRequest, Send } from "../../lib/http.ts";

/** A way to one cluster as one user. Addresses are absolute and on `server`. */
export type KubeConnection = {
  /** The address of the API server, without a slash at its end. */
  readonly server: string;
  /** Where namespaced objects go unless said otherwise. */
  readonly namespace: string;
  /** As the kubeconfig names it, for sentences. */
  readonly user?: string;
  readonly send: Send;
  /** The answer's body as it comes, for watches and logs. */
  stream(wanted: HttpRequest): Promise<StreamedAnswer>;
};

export type StreamedAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
};
