import { describe, expect, test } from "vitest";
import { readForms } from "../../../../../actions/shared/clients/access/html-form.ts";
import { isHtml, readPage } from "../../../../../actions/shared/clients/access/login-page.ts";

const kindOf = (url: string, html: string) => readPage(new URL(url), html).kind;

describe("a page that came instead of data", () => {
  test.for([
    ["Dex", "https://kf.test/dex/auth/local/login", "<title>dex</title>"],
    ["Google", "https://accounts.google.com/v3/x", "<title>Willkommen</title>"],
    ["oauth2-proxy", "https://kf.test/", "<title>Sign In</title><button>Sign in with OpenID</button>"],
    ["Keycloak", "https://kf.test/realms/ml/protocol", "<title>ml</title>"],
    ["any form with a password", "https://kf.test/x", "<form><input name=p type=password></form>"],
  ] as const)("of %s is a login page", ([, url, html]) => {
    expect(kindOf(url, html)).toBe("login");
  });

  test.for([
    ["the dashboard", "https://kf.test/apis/v2beta1/healthz", "<title>Kubeflow Central Dashboard</title>"],
    ["a proxy's own page", "https://kf.test/apis", "<title>404 Not Found</title>"],
    ["one about logs", "https://kf.test/apis", "<title>Logging of pods</title>"],
  ] as const)("of %s is none", ([, url, html]) => {
    expect(kindOf(url, html)).toBe("other");
  });

  test("is known by its content type", () => {
    expect(isHtml("text/html; charset=utf-8")).toBe(true);
    expect(isHtml("application/json")).toBe(false);
    expect(isHtml(null)).toBe(false);
  });

  test("has a title in plain words", () => {
    const html = "<title>\n  <b>Sign</b> in &amp; <script>[x](http://evil)`::error::`</script>  </title>";
    expect(readPage(new URL("https://kf.test/"), html).title).toBe("Sign in x (http: evil) ::error::");
  });
});

describe("the forms of a page", () => {
  const page = new URL("https://kf.test/dex/auth/local/login?back=&state=abc");

  test("that are sent by POST are read with what they send along", () => {
    const html = `<FORM METHOD='POST' action="/dex/x?a=1&amp;b=2"><input type=hidden name=req value="r&#43;1"><input name="login"><input type="password" name='password'/></FORM>`;
    expect(readForms(html, page)).toEqual([
      { action: new URL("https://kf.test/dex/x?a=1&b=2"), fields: ["login", "password"], hidden: { req: "r+1" } },
    ]);
  });

  test("go to the page itself where they name no other", () => {
    expect(readForms('<form method="post"><input name="a"></form>', page)[0]?.action.href).toBe(page.href);
  });

  test("that search are none", () => {
    expect(readForms('<form action="/search"><input name="q"></form>', page)).toEqual([]);
  });
});
