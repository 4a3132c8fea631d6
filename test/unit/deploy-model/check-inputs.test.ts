import { describe, expect, test } from "vitest";
import { checkInputs, kindProblems } from "../../../actions/deploy-model/check-inputs.ts";
import { formatProblem } from "../../../actions/shared/domain/problem.ts";

const problems = (inputs: Parameters<typeof checkInputs>[0]) => checkInputs(inputs).map(formatProblem);

const canary = { target: "deployment/digits", strategy: "canary", prometheus: "https://prometheus.test" } as const;

describe("nothing is wrong with", () => {
  test.each([
    {},
    { target: "local", serve: "python3 server.py", rate: 50, keep: true },
    { target: "kserve/digits", namespace: "prod", prometheus: "https://prometheus.test", "prometheus-token": "t" },
    { target: "deployment/digits", container: "server", strategy: "rolling" },
    { ...canary, steps: ["5%"], kubeconfig: "kube.yaml", context: "prod" },
    { ...canary, target: "rollout/digits", container: "server", drain: 60_000 },
    { mode: "status", target: "kserve/digits" },
    { target: "auto", strategy: "recreate", container: "server" },
    { ...canary, capacity: "borrow" },
    { ...canary, target: "kserve/digits", capacity: "assume-autoscaler" },
    { mode: "replay", target: "whatever" },
  ] as const)("%j", (inputs) => {
    expect(problems(inputs)).toEqual([]);
  });
});

describe("refused, with what to do:", () => {
  test.each([
    [{ target: "kserv/digits" }, /input target: is no target \(saw "kserv\/digits"; .*did you mean kserve\/digits\?/],
    [{ target: "deployment/" }, /add the object's name: deployment\/digits/],
    [{ target: "deployment/Digits" }, /small letters/],
    [{ target: "locale" }, /did you mean local\?/],
    [
      { namespace: "prod" },
      /input namespace: means nothing to the target `local`.*say which object of the cluster serves/,
    ],
    [
      { ...canary, target: "kserve/digits", container: "server" },
      /input container: means nothing to the target `kserve`/,
    ],
    [
      { ...canary, target: "kserve/digits", serve: "python3 server.py" },
      /input serve: means nothing to the target `kserve`/,
    ],
    [{ target: "kserve/digits", strategy: "rolling" }, /the target `kserve` has no strategy `rolling`/],
    [{ strategy: "recreate" }, /the target `local` has no strategy `recreate`/],
    [
      { ...canary, target: "rollout/digits", steps: ["5%"] },
      /input steps: means nothing to the target `rollout`.*remove `steps`/,
    ],
    [{ ...canary, target: "kserve/digits", service: "digits" }, /input service: means nothing to the target `kserve`/],
    [{ target: "deployment/digits", strategy: "rolling", steps: ["5%"] }, /steps are shares of a canary/],
    [{ capacity: "extra" }, /input capacity: means nothing to the target `local`/],
    [
      { ...canary, target: "rollout/digits", capacity: "borrow" },
      /input capacity: the target `rollout` has no capacity `borrow`.*allowed: extra, assume-autoscaler/,
    ],
    [
      { target: "deployment/digits", strategy: "rolling", capacity: "borrow" },
      /`capacity` and `strategy: rolling` contradict each other/,
    ],
    [{ target: "deployment/digits" }, /input prometheus: a canary on a cluster needs somebody who counts/],
    [
      { target: "deployment/digits", strategy: "rolling", "prometheus-token": "t" },
      /input prometheus-token: goes with `prometheus`/,
    ],
  ] as const)("%j", (inputs, message) => {
    expect(problems(inputs)).toEqual([expect.stringMatching(message)]);
  });

  test("what `auto` allowed, once it is known what serves", () => {
    const auto = { target: "auto", strategy: "rolling", container: "server" } as const;
    expect(problems(auto)).toEqual([]);
    expect(kindProblems(auto, "deployment")).toEqual([]);
    expect(kindProblems(auto, "kserve").map(formatProblem)).toEqual([
      expect.stringMatching(/input container: means nothing to the target `kserve`/),
      expect.stringMatching(/the target `kserve` has no strategy `rolling`/),
    ]);
  });

  test("everything at once", () => {
    const wrong = { target: "local", namespace: "prod", kubeconfig: "kube.yaml", strategy: "rolling" } as const;
    expect(problems(wrong)).toEqual([
      expect.stringContaining("input namespace"),
      expect.stringContaining("input kubeconfig"),
      expect.stringContaining("input strategy"),
    ]);
  });
});
