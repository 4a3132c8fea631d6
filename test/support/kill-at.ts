/**
 * Loaded before a program (`node --import`): ends it by SIGKILL at the n-th time that it touches the file system, before or after the act
 * (`ML_RELEASE_TEST_KILL_AT=7`, counted from 1, two for each act). Without a number it writes how many there are to the file
 * `ML_RELEASE_TEST_KILL_COUNT`.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);
const promises = require("node:fs/promises");
const fs = require("node:fs");

const killAt = Number(process.env.ML_RELEASE_TEST_KILL_AT ?? 0);
const { writeFileSync } = fs;
let count = 0;

function point(): void {
  count++;
  if (count === killAt) process.kill(process.pid, "SIGKILL");
}

type Act = (this: unknown, ...parameters: unknown[]) => unknown;

function killing(act: Act): Act {
  return function (...parameters) {
    point();
    const result = act.apply(this, parameters);
    if (!(result instanceof Promise)) {
      point();
      return result;
    }
    return result.then((value) => {
      point();
      return value;
    });
  };
}

for (const name of ["link", "mkdir", "rename", "rm", "open", "writeFile", "appendFile"])
  promises[name] = killing(promises[name]);
for (const name of ["writeSync", "fsyncSync", "renameSync", "writeFileSync", "mkdirSync"]) fs[name] = killing(fs[name]);
const handle = await promises.open(import.meta.filename);
const prototype = Object.getPrototypeOf(handle);
await handle.close();
for (const name of ["writeFile", "write", "sync"]) prototype[name] = killing(prototype[name]);
syncBuiltinESMExports();

// Opened by this file itself.
count = 0;

process.once("exit", () => {
  const file = process.env.ML_RELEASE_TEST_KILL_COUNT;
  if (file !== undefined) writeFileSync(file, String(count));
});
