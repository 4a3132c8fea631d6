import { BlockList, isIP } from "node:net";

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for a server, as curl and kubectl understand it; undefined where it is reached directly. */
export function proxyOf(server: string, env: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const at = { hostname, port: port || (protocol === "https:" ? "443" : "80") };
  const proxy = protocol === "https:" ? env.HTTPS_PROXY || env.https_proxy : env.http_proxy;
  if (!proxy || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || "").split(",").map((entry) => entry.trim().toLowerCase());
  if (exceptions.some((entry) => isExcepted(entry, at))) return undefined;
  return /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;
}

type Target = { readonly hostname: string; readonly port: string };

/** `*`, a network (`10.0.0.0/8`), a host, a domain with or without its dot; each of the last two may name a port. */
function isExcepted(entry: string, { hostname, port }: Target): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInNetwork(hostname.replace(/^\[|\]$/g, ""), entry);
  const [, name = "", wantedPort] = /^\.?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (name === "" || (wantedPort !== undefined && wantedPort !== port)) return false;
  return hostname === name || hostname.endsWith(`.${name}`);
}

function isInNetwork(address: string, network: string): boolean {
  const [start = "", bits = ""] = network.split("/");
  const [version, most] = isIP(start) === 4 ? (["ipv4", 32] as const) : (["ipv6", 128] as const);
  if (isIP(start) === 0 || isIP(address) !== isIP(start) || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
    return false;
  const list = new BlockList();
  list.addSubnet(start, Number(bits), version);
  return list.check(address, version);
}
