import { dirname, join } from "node:path";

type Environment = Readonly<Record<string, string>>;

/** What any program needs, and what decides which accelerator and which proxy it uses. Nothing of the job, none of its secrets. */
const HANDED_ON =
  /^(HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|(HTTPS?|NO|ALL)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|LD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|ROCR_\w+|HIP_\w+|OMP_NUM_THREADS|XDG_\w+_HOME|RUNNER_TRACKING_ID)$/i;

/** The environment of the driver and of every task: the Python environment first on the path, then what the user named. */
export function taskEnvironment(job: Environment, python: string, named: Environment): Environment {
  const bin = dirname(python);
  const handed = Object.entries(job).filter(([name]) => HANDED_ON.test(name));
  return {
    ...Object.fromEntries(handed),
    PATH: `${bin}:${job.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`,
    VIRTUAL_ENV: join(bin, ".."),
    PYTHONUNBUFFERED: "1",
    ...named,
  };
}
