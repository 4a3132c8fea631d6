process.env.STATE_progress ||= "started";
await import("./index.js");
