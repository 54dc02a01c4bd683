import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLUSTER, LISTENER, ROUTES, SECRET } from "../../src/core/resource/type-url.ts";
import { redactRefusal, refusalReason, SENSITIVE_NAMES } from "../../src/envoy/redaction.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { sensitiveFields } from "../../src/envoy/sensitive.ts";
import { testCodec, testSet } from "./codec-fixture.ts";

/** Stands for anything that must never be seen again. */
const SECRET_TEXT = "c2VjcmV0LXRoYXQtbXVzdC1ub3QtYmUtc2Vlbg";
const PEM = `-----BEGIN PRIVATE KEY-----\n${SECRET_TEXT}\nAAAA\n-----END PRIVATE KEY-----\n`;
const ESCAPED = PEM.replaceAll("\n", "\\n");

/** As Envoy 1.40 says it: a dump of the message, then the reason. */
const REASON =
  "Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)";
const REFUSAL = `goo.gle/debugonly  
name: "a"
type: STATIC
connect_timeout {
}
transport_socket {
  name: "tls"
  typed_config {
    [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext] {
      common_tls_context {
        tls_certificates {
          certificate_chain {
            inline_string: "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
          }
          private_key {
            inline_string: "${ESCAPED}"
          }
          password {
            inline_string: "${SECRET_TEXT}\\"quoted"
          }
        }
      }
    }
  }
}
load_assignment {
  cluster_name: "a"
}
: ${REASON}`;

describe("Envoy's words about a refusal", () => {
  test("are kept without the keys in them, with their reason", () => {
    const kept = redactRefusal(REFUSAL);
    expect(kept).not.toContain(SECRET_TEXT);
    expect(kept).not.toContain("quoted");
    expect(kept).toContain("private_key { [redacted] }");
    expect(kept).toContain('cluster_name: "a"');
    expect(kept.endsWith(REASON)).toBe(true);
  });

  test("hold no key wherever they were cut", () => {
    for (let end = 0; end < REFUSAL.length; end++) {
      expect(redactRefusal(`${REFUSAL.slice(0, end)}...(truncated)`)).not.toMatch(/c2VjcmV0|LXRoYXQ|quoted/);
    }
  });

  test.each([
    ["a key in the text itself", `Failed to load ${PEM} from there`],
    ["a key that was cut", PEM.slice(0, 60)],
    ["an escaped key that was cut", `x: "${ESCAPED.slice(0, 60)}`],
    ["an encrypted key", PEM.replaceAll("PRIVATE", "ENCRYPTED PRIVATE")],
    ["two keys on one line", `a: "${ESCAPED}" b: "${ESCAPED}"`],
    ["the value of a source", `inline_string: "${SECRET_TEXT}"`],
    ["bytes of a source", `inline_bytes: "\\001${SECRET_TEXT}"`],
    ["JSON", `{"privateKey":{"inlineString":"${SECRET_TEXT}"},"password":"${SECRET_TEXT}"}`],
    ["JSON with spaces", `{"private_key": {"filename": "x", "a": [{"b": "${SECRET_TEXT}"}]}}`],
    [
      "JSON within a string",
      JSON.stringify(JSON.stringify({ private_key: { inline_string: SECRET_TEXT } })).slice(1, -1),
    ],
    ["a string within a string", JSON.stringify(`{"password": "${SECRET_TEXT}"}`)],
    ["a brace inside of a string", `private_key { inline_string: "}" } secret { a: "}}" b: "${SECRET_TEXT}" }`],
    ["a scalar secret", `backend_token: "${SECRET_TEXT}"`],
    ["a list of secrets", `session_ticket_keys { keys { x: "${SECRET_TEXT}" } keys { x: "${SECRET_TEXT}" } }`],
    ["a header", `header {\n  key: "Authorization"\n  value: "Bearer ${SECRET_TEXT}"\n}`],
    ["a header's bytes", `key: "x-api-key"\n  raw_value: "${SECRET_TEXT}"`],
    ["a message that Envoy does not know", `type_url: "type.googleapis.com/acme.X"\n value: "\\n\\013${SECRET_TEXT}"`],
  ])("hide %s", (_, text) => {
    expect(redactRefusal(text)).not.toContain(SECRET_TEXT);
    expect(redactRefusal(text)).toContain("[redacted]");
  });

  test.each([
    "route: unknown cluster 'reviews@v9'",
    "Failed to load private key from <inline>, Cause: error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE",
    `header { key: "x-version" value: "v2" }`,
    "error adding listener: 'l' has duplicate address '127.0.0.1:80' as existing listener",
    'Only one of the keys may be set (field: "password", reason: is required)',
  ])("are left as they are where there is no secret: %s", (text) => {
    expect(redactRefusal(text)).toBe(text);
  });

  test("are kept short, with who is meant and why", () => {
    const dump = Array.from({ length: 900 }, (_, index) => `  port_value: ${index}\n`).join("");
    const kept = redactRefusal(
      `Error adding/updating cluster(s) reviews: goo.gle/debugstr  \nx {\n${dump}}\n: ${REASON}`,
    );
    expect(kept.length).toBeLessThanOrEqual(2_048);
    expect(kept.startsWith("Error adding/updating cluster(s) reviews: ")).toBe(true);
    expect(kept).toMatch(/characters left out/);
    expect(kept.endsWith(REASON)).toBe(true);
  });

  test("cannot move the cursor of whoever reads them", () => {
    expect(redactRefusal("a\u001b[2Jb\u0000c\r")).toBe("a\ufffd[2Jb\ufffdc\ufffd");
  });

  test("take no time, however they are made", () => {
    const pieces = fc.constantFrom(
      "private_key {",
      "-----BEGIN A-----",
      'key: "',
      '\\"',
      "goo.gle/debugstr\n",
      " ",
      ": ",
      "\n",
      "x",
      "}",
    );
    fc.assert(
      fc.property(pieces, pieces, fc.integer({ min: 1, max: 30_000 }), (a, b, times) => {
        const text = `x${(a + b).repeat(times)}x`;
        const started = performance.now();
        expect(redactRefusal(text).length).toBeLessThanOrEqual(2_048);
        refusalReason(text);
        expect(performance.now() - started).toBeLessThan(1_000);
      }),
      { numRuns: 60 },
    );
  });

  test("are known to hide every field that this Envoy's API marks", () => {
    const marked = [...sensitiveFields(openRegistry(testSet().set))];
    expect(marked.length).toBeGreaterThanOrEqual(17);
    const provider = marked.filter((field) => field.name === "typed_config").map((field) => field.parent.name);
    expect(provider).toEqual(["PrivateKeyProvider"]);
    const names = new Set(marked.map((field) => (field.name === "typed_config" ? "private_key_provider" : field.name)));
    expect([...names].filter((name) => !SENSITIVE_NAMES.includes(name))).toEqual([]);
  });
});

describe("the reason of a refusal", () => {
  test.each([
    ["behind a dump", REFUSAL, REASON],
    [
      "before a dump",
      'ALPN configured for cluster X which has a non-ALPN transport socket: goo.gle/debugproto \nname: "a"\n',
      "ALPN configured for cluster X which has a non-ALPN transport socket",
    ],
    [
      "of several clusters",
      `Error adding/updating cluster(s) a: goo.gle/debugstr \nx {\n  y: 1\n}\n: ${REASON}, b: goo.gle/debugstr \nx: 2\n: is required`,
      `Error adding/updating cluster(s) a: ${REASON}, b: is required`,
    ],
    ["without a dump", "route: unknown cluster 'X'", "route: unknown cluster 'X'"],
    ["behind the unmarked dump of an older Envoy", `name: "a"\nx {\n}\n: ${REASON}`, REASON],
    [
      "behind that, with a name",
      `Error adding/updating cluster(s) a: name: "a"\nx {\n}\n: ${REASON}`,
      `Error adding/updating cluster(s) a: ${REASON}`,
    ],
    [
      "on several lines",
      "Error adding/updating listener(s) a: no\nb: no\n",
      "Error adding/updating listener(s) a: no\nb: no",
    ],
  ])("is found %s", (_, text, reason) => {
    expect(refusalReason(text)).toBe(reason);
  });

  test("is not known where Envoy has cut it off", () => {
    expect(refusalReason('goo.gle/debugonly \nname: "a"\nendpoints {\n  lb: "x...(truncated)')).toBeUndefined();
    expect(refusalReason("")).toBeUndefined();
  });
});

describe("a resource that is shown", () => {
  const codec = testCodec();

  function shown(json: { "@type": string }): string {
    const result = codec.encode(json);
    if ("problems" in result) throw new Error(JSON.stringify(result.problems));
    return JSON.stringify(codec.decodeRedacted(json["@type"], result.resource.bytes));
  }

  const inline = { inline_string: SECRET_TEXT };
  const tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
  const socket = {
    name: "tls",
    typed_config: {
      "@type": tls,
      sni: "seen",
      common_tls_context: { tls_certificates: [{ private_key: inline, password: inline }] },
    },
  };
  const header = (key: string): object => ({ header: { key, value: SECRET_TEXT } });
  const host = (route: object): object => ({
    name: "v",
    domains: ["*"],
    routes: [{ match: { prefix: "/" }, redirect: {}, ...route }],
  });

  test.each([
    ["a key", { "@type": SECRET, name: "s", tls_certificate: { private_key: inline } }],
    ["a secret of any kind", { "@type": SECRET, name: "s", generic_secret: { secret: inline } }],
    ["session ticket keys", { "@type": SECRET, name: "s", session_ticket_keys: { keys: [inline] } }],
    ["a key inside of an Any", { "@type": CLUSTER, name: "a", transport_socket: socket }],
    [
      "a header that authorises",
      { "@type": ROUTES, name: "r", virtual_hosts: [host({ request_headers_to_add: [header("authorization")] })] },
    ],
    ["… whatever its case", { "@type": ROUTES, name: "r", request_headers_to_add: [header("X-Api-Key")] }],
    [
      "secrets in a structure, by their names",
      { "@type": LISTENER, name: "l", metadata: { filter_metadata: { a: { b: [{ clientSecret: SECRET_TEXT }] } } } },
    ],
  ])("hides %s", (_, json) => {
    expect(shown(json)).not.toContain(SECRET_TEXT);
    expect(shown(json)).toContain("[redacted]");
  });

  test("shows all the rest", () => {
    expect(shown({ "@type": CLUSTER, name: "a", transport_socket: socket } as { "@type": string })).toContain(
      '"sni":"seen"',
    );
    const routes = {
      "@type": ROUTES,
      name: "r",
      virtual_hosts: [host({})],
      request_headers_to_add: [{ header: { key: "x-version", value: "v2" } }],
    };
    expect(shown(routes)).toContain('"value":"v2"');
    expect(shown(routes)).not.toContain("[redacted]");
  });
});

test("P58 what is kept of a long refusal does not keep all of it in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const long = (n: number): string => Buffer.alloc(16_384, `refused ${n}: `).toString("latin1");
  const secret = (n: number): string => `refused because of ${n} { private_key { inline_string: "${long(n)}`;
  redactRefusal(long(0));
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: 200 }, (_, n) => [redactRefusal(long(n)), redactRefusal(secret(n))]);
  collect();
  const texts = kept.flat();
  expect(texts.every((text) => text.length <= 2_048)).toBe(true);
  // Two bytes a character, for there is an ellipsis in each.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(texts.length * 2 * 2_200);
});
