import type { Json } from "../canonical.ts";
import { numberAt, textAt } from "../manifest/object.ts";

const HTTP_NAMES = /^(https?|rest|web)/;

/** Of several ports of a service or a container the one that is named for HTTP, else the first; undefined where there is none. */
export function httpPort(ports: readonly Json[], key: "port" | "containerPort"): number | undefined {
  const named = ports.find((port) => HTTP_NAMES.test(textAt(port, ["name"]) ?? ""));
  return numberAt(named ?? ports[0], [key]);
}
