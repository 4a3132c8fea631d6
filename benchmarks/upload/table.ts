/** What is uploaded: one file, or a folder of files of one size. */
export type Work = { readonly name: string; readonly path: string; readonly files: number; readonly bytes: number };

export type Sample = {
  readonly server: string;
  readonly work: string;
  readonly client: string;
  readonly seconds: number;
  readonly cpu: number;
  readonly peakMb: number;
  readonly serverCpu: number;
};

export type Measured = {
  readonly works: readonly Work[];
  readonly samples: readonly Sample[];
  readonly rounds: number;
  /** Whose other work is in the times. */
  readonly machine: string;
  readonly versions: string;
};

export function tableOf({ works, samples, rounds, machine, versions }: Measured): string {
  const servers = [...new Set(samples.map(({ server }) => server))];
  const sections = works.flatMap((work) =>
    servers.map((server) =>
      sectionOf(
        work,
        server,
        samples.filter((one) => one.server === server && one.work === work.name),
      ),
    ),
  );
  return [
    "# A model into a bucket, over TLS",
    "",
    `Medians of ${rounds} rounds, each client once a round in turn, ratios within the round; servers on the same machine (${machine}). ${versions}.`,
    "Goals: the AWS CLI takes at least 2 times and lib-storage 2.2 times as long as we for the large file, the AWS CLI 5 times as long for the small ones;",
    "at most 150 MB (143 MiB) of memory.",
    "",
    ...sections.flat(),
    "Ours is what register-model does with the files: SHA-256 of every file, CRC32 of every part, conditional writes, the claim of the folder. Others are",
    "started as their manuals do: the AWS CLI and lib-storage send CRC32, rclone MD5, curl no digest. The server that keeps nothing (`upload/sink`) shows what",
    "the clients take; versitygw takes more than they do on a machine where both share the cores, and ends every connection after one request.",
    "",
    "Repeat: `make bench-upload`, on a machine that does nothing else.",
    "",
  ].join("\n");
}

function sectionOf({ name, bytes }: Work, server: string, seen: readonly Sample[]): readonly string[] {
  const ours = seen.filter(({ client }) => client === "ours");
  const rows = [...new Set(seen.map(({ client }) => client))].map((client) => {
    const own = seen.filter((sample) => sample.client === client);
    const of = (value: (sample: Sample) => number) => median(own.map(value));
    const ratio = median(own.map(({ seconds }, round) => seconds / (ours[round]?.seconds ?? Number.NaN)));
    const cells = [
      `${of(({ seconds }) => seconds).toFixed(2)} s`,
      `${(bytes / 1e6 / of(({ seconds }) => seconds)).toFixed(0)} MB/s`,
      client === "ours" ? "1" : `${ratio.toFixed(2)} x`,
      `${of(({ cpu }) => cpu).toFixed(2)} s`,
      `${of(({ serverCpu }) => serverCpu).toFixed(2)} s`,
      `${of(({ peakMb }) => peakMb).toFixed(0)} MiB`,
    ];
    return `| ${client} | ${cells.join(" | ")} |`;
  });
  return [
    `## ${name[0]?.toUpperCase()}${name.slice(1)}, ${server}`,
    "",
    "| client | time | speed | time against ours | CPU | CPU of the server | peak memory |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...rows,
    "",
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}
