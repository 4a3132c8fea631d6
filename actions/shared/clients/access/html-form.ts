export type HtmlForm = {
  /** Where it is sent to. */
  readonly action: URL;
  /** Names of the fields in which something is written. */
  readonly fields: readonly string[];
  /** What it sends along by itself. */
  readonly hidden: Readonly<Record<string, string>>;
};

/** The forms of a page that are sent by POST. Enough of HTML for login pages. */
export function readForms(html: string, page: URL): readonly HtmlForm[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].flatMap(([, tag = "", body = ""]) => {
    const form = attributesOf(tag);
    const action = form.get("action") || page.href;
    if (form.get("method")?.toLowerCase() !== "post" || !URL.canParse(action, page.href)) return [];
    const inputs = [...body.matchAll(/<(?:input|button)\b([^>]*)>/gi)].map(([, input = ""]) => attributesOf(input));
    const isHidden = (input: ReadonlyMap<string, string>) => input.get("type")?.toLowerCase() === "hidden";
    const named = (wanted: boolean) =>
      inputs.flatMap((input) => {
        const name = input.get("name");
        return name !== undefined && isHidden(input) === wanted ? [[name, input.get("value") ?? ""] as const] : [];
      });
    return [
      {
        action: new URL(action, page),
        fields: named(false).map(([name]) => name),
        hidden: Object.fromEntries(named(true)),
      },
    ];
  });
}

function attributesOf(tag: string): ReadonlyMap<string, string> {
  const pairs = tag.matchAll(/([a-z][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi);
  return new Map(
    [...pairs].map(([, name = "", double, single, plain]) => [
      name.toLowerCase(),
      unescapeHtml(double ?? single ?? plain ?? ""),
    ]),
  );
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#43;", "+")
    .replaceAll("&#61;", "=")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
