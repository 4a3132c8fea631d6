const TOKENS =
  /\s*(?:inputs\.parameter_values\['[^']+'\]|'[^']*'|&&|\|\||==|!=|<=|>=|[<>!()-]|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:true|false|null|int|double|float|string|bool)\b)/y;

/**
 * What cannot be read of a task's condition, from there on; undefined for a condition in the compiler's own words. The compiler does not
 * escape an apostrophe, so that `== "it's"` becomes a text that no engine can evaluate.
 */
export function unreadableCondition(condition: string): string | undefined {
  let position = 0;
  let last = "";
  while (condition.slice(position).trim() !== "") {
    TOKENS.lastIndex = position;
    const token = TOKENS.exec(condition)?.[0];
    if (token === undefined || (isOperand(token) && isOperand(last))) return condition.slice(position).trim();
    position += token.length;
    last = token;
  }
  return undefined;
}

/** Two values with nothing between them are two pieces of one broken string. */
function isOperand(token: string): boolean {
  return /^\s*(?:inputs\.|'|\d|true|false|null)/.test(token);
}
