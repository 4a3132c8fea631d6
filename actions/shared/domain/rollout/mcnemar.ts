/**
 * McNemar's exact test on paired answers: how likely chance alone would part the discordant pairs as unevenly, to either side. Only
 * pairs that one version got right and the other wrong tell the two apart; if neither is better, each falls to either with one half.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  let logChoose = 0;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
