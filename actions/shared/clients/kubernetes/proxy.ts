type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for a server, as curl and kubectl understand it; undefined where it is reached directly. */
export function proxyOf(server: string, env: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const proxy = protocol === "https:" ? env.HTTPS_PROXY || env.https_proxy : env.http_proxy;
  if (!proxy || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || "").split(",").map((entry) => entry.trim().toLowerCase());
  if (exceptions.some((entry) => isExcepted(entry, hostname, port))) return undefined;
  return /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;
}

/** `*`, a host, a domain with or without its dot; each may name a port. */
function isExcepted(entry: string, hostname: string, port: string): boolean {
  if (entry === "*") return true;
  const [, name = "", wantedPort] = /^\.?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (name === "" || (wantedPort !== undefined && wantedPort !== port)) return false;
  return hostname === name || hostname.endsWith(`.${name}`);
}
