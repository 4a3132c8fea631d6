import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, onTestFinished } from "vitest";
import { payloadTraffic } from "../../actions/shared/local/serving/payload-traffic.ts";
import { trafficContract } from "./traffic-contract.ts";

describe("our own payloads through a splitter", () => {
  trafficContract(async () => {
    const tally = () => ({ started: 20, finished: 20, abandoned: 0, errors: 3, rejected: 2, slow: 0 });
    const counts = { one: tally(), two: tally() };
    let requests = 0;
    const server = createServer(async (incoming, response) => {
      requests += 1;
      const id = requests % 5 === 0 ? "two" : "one";
      await text(incoming);
      const status = requests % 7 === 0 ? 500 : requests % 11 === 0 ? 422 : 200;
      const own = counts[id];
      own.started += 1;
      own.finished += 1;
      if (status === 500) own.errors += 1;
      if (status === 422) own.rejected += 1;
      response.writeHead(status, { "content-type": "application/json", "x-ml-release-backend": id });
      response.end(JSON.stringify({ outputs: [{ name: "sum", datatype: "FP32", shape: [1], data: [6] }] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const traffic = payloadTraffic({
      serving: { counts: async () => ({ counts, arms: { stable: "one", candidate: "two" } }) },
      model: "adder",
      payloads: [{ request: { inputs: [] }, tolerance: 0 }],
      rate: 400,
      requestTimeoutMs: 2_000,
      hasLatencyBound: false,
    });
    return {
      traffic,
      url,
      pass: async () => {
        const until = requests + 120;
        while (requests < until) await new Promise((resolve) => setTimeout(resolve, 10));
      },
      answered: () => {
        const told = ({ finished, errors, rejected }: typeof counts.one) => ({ requests: finished, errors, rejected });
        return { stable: told(counts.one), candidate: told(counts.two) };
      },
    };
  });
});
