/**
 * Loaded before a program (`node --import`): ends it by SIGKILL at its n-th moment on the network (`ML_RELEASE_TEST_KILL_AT=7`, counted from 1, two for
 * each request: before it is sent, and when its answer has come but nobody has seen it). Without a number it writes how many there are to
 * the file `ML_RELEASE_TEST_KILL_COUNT`.
 */
import { writeFileSync } from "node:fs";

const killAt = Number(process.env.ML_RELEASE_TEST_KILL_AT ?? 0);
const { fetch } = globalThis;
let count = 0;

function point(): void {
  count++;
  if (count === killAt) process.kill(process.pid, "SIGKILL");
}

globalThis.fetch = async (...parameters: Parameters<typeof fetch>): Promise<Response> => {
  point();
  const response = await fetch(...parameters);
  point();
  return response;
};

process.once("exit", () => {
  const file = process.env.ML_RELEASE_TEST_KILL_COUNT;
  if (file !== undefined) writeFileSync(file, String(count));
});
