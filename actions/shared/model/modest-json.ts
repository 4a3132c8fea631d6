/** Far over what the header of a model needs: 100,000 tensors have six commas and three brackets each. */
const MAX_BRACKETS = 350_000;
const MAX_COMMAS = 700_000;

/** Whether parsed JSON can take no more memory than some times its text: every value costs, however short it is written. Counts inside of texts too. */
export function isModestJson(bytes: Uint8Array): boolean {
  let [brackets, commas] = [0, 0];
  for (const byte of bytes) {
    if (byte === 0x2c) commas++;
    else if (byte === 0x5b || byte === 0x7b) brackets++;
  }
  return brackets <= MAX_BRACKETS && commas <= MAX_COMMAS;
}
