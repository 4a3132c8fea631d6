import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What is done with a request instead of passing it on. */
export type Interception =
  | {
      readonly do: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly do: "hang" }
  | { readonly do: "break" }
  /** Passed on, but its answer is cut off after so many bytes. */
  | { readonly do: "cut"; readonly bytes: number };

export type RegistryProxy = {
  readonly host: string;
  /** `PUT /v2/acme/serving/manifests/v1.0.0`, in order. */
  readonly requests: readonly string[];
  /** Decides for each request, with how often the very same one came before; undefined passes it on. */
  intercept: (line: string, before: number) => Interception | undefined;
};

/** Stands before a real registry on loopback and lets a test break single requests. */
export async function proxyForTest(target: string): Promise<RegistryProxy> {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    const line = `${incoming.method} ${incoming.url?.split("?")[0]}`;
    const before = requests.filter((other) => other === line).length;
    requests.push(line);
    const interception = proxy.intercept(line, before);
    if (interception === undefined) forward({ incoming, response, target });
    else if (interception.do === "cut") forward({ incoming, response, target, limit: interception.bytes });
    else if (interception.do === "break") incoming.socket.destroy();
    else if (interception.do === "answer") {
      incoming.resume();
      response.writeHead(interception.status, interception.headers).end(interception.body ?? "");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy: RegistryProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    intercept: () => undefined,
  };
  return proxy;
}

type Forwarding = {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: string;
  readonly limit?: number;
};

/** The registry sees our host: it makes addresses of it. */
function forward({ incoming, response, target, limit = Number.POSITIVE_INFINITY }: Forwarding): void {
  const onward = request(
    `http://${target}${incoming.url}`,
    { method: incoming.method, headers: incoming.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      let sent = 0;
      answer.on("data", (chunk: Buffer) => {
        const part = chunk.subarray(0, Math.max(0, limit - sent));
        sent += part.length;
        response.write(part);
        if (sent >= limit) response.destroy();
      });
      answer.on("end", () => response.end());
    },
  );
  onward.on("error", () => response.destroy());
  incoming.pipe(onward);
}
