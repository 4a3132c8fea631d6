/** What a 401 asks for (RFC 7235): the scheme, and for Bearer where a token is to be had. */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service?: string };

/** Reads `WWW-Authenticate`; parameters may hold commas within quotes. Undefined where neither scheme is offered. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /(?:^|,\s*)bearer\s+(.*)$/i.exec(header)?.[1];
  if (bearer !== undefined) {
    const parameters = readParameters(bearer);
    const realm = parameters.get("realm");
    if (realm === undefined || !URL.canParse(realm)) return undefined;
    const service = parameters.get("service");
    return { scheme: "bearer", realm, ...(service === undefined ? {} : { service }) };
  }
  return /(?:^|,\s*)basic(?:\s|$)/i.test(header) ? { scheme: "basic" } : undefined;
}

function readParameters(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g);
  return new Map(
    [...pairs].map(([, name = "", quoted, plain]) => [
      name.toLowerCase(),
      quoted === undefined ? (plain ?? "") : quoted.replaceAll(/\\(.)/g, "$1"),
    ]),
  );
}
