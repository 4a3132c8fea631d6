#!/usr/bin/env node
// Imports nothing by itself: an older Node would stumble over what it lacks before it could be told.

const OLDEST_NODE = 24;

process.exit(await main());

async function main(): Promise<number> {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    process.stderr.write(
      `[CONFIG] ml-release needs Node ${OLDEST_NODE} or newer (saw ${process.versions.node}); install it, or run this file by \`npx node@${OLDEST_NODE}\`\n`,
    );
    return 2;
  }
  const { interruption } = await import("../runner/signals.ts");
  // Whoever reads no further (`| head`) has what they wanted.
  process.stdout.on("error", () => process.exit(0));
  const { runCommandLine } = await import("./run-command.ts");
  return runCommandLine({
    words: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    out: { write: (text) => void process.stdout.write(text), columns: process.stdout.columns },
    err: { write: (text) => void process.stderr.write(text) },
    interruption,
  });
}
