import { createServer } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

// connect-proxy.ts SOCKET: opens connections for whoever asks by HTTP CONNECT on a socket file, from within the network it runs in.

const server = createServer();
server.on("connect", (request, client: Duplex, head) => {
  const [host = "", port] = (request.url ?? "").split(":");
  const onward = connect(Number(port), host, () => {
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    onward.write(head);
    onward.pipe(client).pipe(onward);
  });
  onward.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  client.on("error", () => onward.destroy());
});
server.listen(process.argv[2]);
