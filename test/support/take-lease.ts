import { systemClock } from "../../actions/shared/lib/clock.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { fileLease } from "../../actions/shared/local/serving/file-lease.ts";

// Takes a lease, says what came of it, and is killed without giving it back.

const [folder = "", holder = ""] = process.argv.slice(2);
const lease = fileLease({ store: folderStore(folder), holder, clock: systemClock, ttlMs: 60_000 });
console.log((await lease.take()).state);
setInterval(() => {}, 60_000);
