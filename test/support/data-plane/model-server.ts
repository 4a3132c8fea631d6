import { createServer } from "node:http";

// model-server.ts ADDRESS PORT: the process of a pod. It says which version answers (MODEL_VERSION), after LATENCY_MS, and fails as
// often as FAULTS says (0 to 1); a model from `s3://broken` fails at every other request. Told to end, it finishes what it has.

const [address, port] = process.argv.slice(2);
const version = process.env.MODEL_VERSION ?? "";
const faults = process.env.MODEL_URI === "s3://broken" ? 0.5 : Number(process.env.FAULTS ?? 0);
const latencyMs = Number(process.env.LATENCY_MS ?? 2);
let count = 0;

const server = createServer((request, response) => {
  request.resume();
  const isHealth = request.url === "/v2/health/ready";
  count += isHealth ? 0 : 1;
  // as often as it should, evenly
  const fails = !isHealth && Math.floor(count * faults) > Math.floor((count - 1) * faults);
  setTimeout(() => {
    response
      .writeHead(fails ? 500 : 200, { "content-type": "application/json" })
      .end(JSON.stringify({ model_version: version, outputs: [] }));
  }, latencyMs);
});
server.listen(Number(port), address);
process.once("SIGTERM", () => server.close(() => process.exit(0)));
