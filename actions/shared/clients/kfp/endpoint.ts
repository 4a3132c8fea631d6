import { ReleaseError } from "../../lib/error.ts";

/** Where a server is, however its address was written. */
export type Endpoint = {
  /** Which server it is: without `/pipeline`, `/apis/…`, `#…` and a `/` at the end. */
  readonly identity: string;
  /** Where its API may be, the likelier first: `https://host/pipeline` behind a gateway of Kubeflow, else the address itself. */
  readonly bases: readonly string[];
};

/** Reads `https://kubeflow.acme.dev/pipeline/#/runs`, `http://ml-pipeline:8888/apis/v2beta1`, … as people copy them. */
export function readEndpoint(written: string): Endpoint {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ReleaseError("INPUT", {
      rule: "must be the address of Kubeflow Pipelines",
      where: { input: "endpoint" },
      saw: JSON.stringify(written),
      allowed: "https://… or http://…",
      hint: "write it with its scheme, such as https://kubeflow.example.com/pipeline",
    });
  const path = url.pathname.replace(/\/apis\/v\d\w*(\/.*)?$/, "").replace(/\/+$/, "");
  // the central dashboard shows the same server in a frame below `/_`
  const own = path.replace(/^\/_\/pipeline$/, "/pipeline");
  const root = own.replace(/\/pipeline$/, "");
  const base = `${url.origin}${own}`;
  const other = own === root ? `${base}/pipeline` : `${url.origin}${root}`;
  return { identity: `${url.origin}${root}`, bases: [base, other] };
}

/** The page of a run for people; none behind the service proxy of Kubernetes, which no browser gets through. */
export function runPage(base: string, runId: string): string | undefined {
  return /\/services\/[^/]+\/proxy$/.test(base) ? undefined : `${base}/#/runs/details/${runId}`;
}
