import { expect, test } from "vitest";
import { proxyOf } from "../../../../../actions/shared/clients/kubernetes/proxy.ts";

const server = "https://api.prod.example.com:6443";

test.for<[name: string, env: Record<string, string>, server: string, proxy: string | undefined]>([
  ["none", {}, server, undefined],
  ["HTTPS_PROXY", { HTTPS_PROXY: "http://proxy:3128" }, server, "http://proxy:3128"],
  ["its small form, without a scheme", { https_proxy: "proxy:3128" }, server, "http://proxy:3128"],
  ["not the proxy of http", { http_proxy: "http://proxy:3128" }, server, undefined],
  ["not for this machine", { HTTPS_PROXY: "http://proxy:3128" }, "https://127.0.0.1:6443", undefined],
  [
    "not for a host in NO_PROXY",
    { HTTPS_PROXY: "http://p", NO_PROXY: "a.test, api.prod.example.com" },
    server,
    undefined,
  ],
  ["not for a domain in NO_PROXY", { HTTPS_PROXY: "http://p", NO_PROXY: ".example.com" }, server, undefined],
  ["not for a port in NO_PROXY", { HTTPS_PROXY: "http://p", no_proxy: "example.com:6443" }, server, undefined],
  ["for another port than in NO_PROXY", { HTTPS_PROXY: "http://p", NO_PROXY: "example.com:443" }, server, "http://p"],
  [
    "not for the usual port in NO_PROXY",
    { HTTPS_PROXY: "http://p", NO_PROXY: "example.com:443" },
    "https://api.example.com",
    undefined,
  ],
  [
    "not for a network in NO_PROXY",
    { HTTPS_PROXY: "http://p", NO_PROXY: "10.0.0.0/8" },
    "https://10.96.0.1",
    undefined,
  ],
  ["for another network", { HTTPS_PROXY: "http://p", NO_PROXY: "10.0.0.0/16" }, "https://10.96.0.1", "http://p"],
  ["not for a network of IPv6", { HTTPS_PROXY: "http://p", NO_PROXY: "fd00::/8" }, "https://[fd00::1]:6443", undefined],
  ["for what is no network", { HTTPS_PROXY: "http://p", NO_PROXY: "10.0.0.0/99, /8" }, "https://10.96.0.1", "http://p"],
  ["for a name that only ends alike", { HTTPS_PROXY: "http://p", NO_PROXY: "ample.com" }, server, "http://p"],
  ["nothing at all with *", { HTTPS_PROXY: "http://p", NO_PROXY: "*" }, server, undefined],
])("the environment names a proxy: %s", ([, env, to, wanted]) => {
  expect(proxyOf(to, env)).toBe(wanted);
});
