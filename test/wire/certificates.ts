import type { KeyObject } from "node:crypto";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate with its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface Says {
  /** The common name of its subject. */
  readonly name: string;
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  readonly ips?: readonly string[];
  /** Days from now when it runs out; 3,650. */
  readonly days?: number;
}

/** Signs certificates. */
export interface Authority {
  /** Its own certificate. */
  readonly cert: string;
  issue(says: Says): Pair;
}

const DAY_MS = 86_400_000;
const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** X.509 by hand, EC P-256: Node can read certificates and not make them, and tests are to need nothing that may be missing. */
export function authority(name: string): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { name, keys };
  const cert = certificate(key, { name }, keys.publicKey, true);
  return {
    cert,
    issue(says) {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return {
        cert: certificate(key, says, own.publicKey, false),
        key: own.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      };
    },
  };
}

interface Signer {
  readonly name: string;
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
}

function certificate(issuer: Signer, says: Says, publicKey: KeyObject, isCa: boolean): string {
  const { name, days = 3_650 } = says;
  const now = Date.now();
  const extensions = isCa
    ? [extension("2.5.29.19", sequence(tlv(0x01, Buffer.of(0xff))), true)]
    : [extension("2.5.29.35", sequence(tlv(0x80, keyId(issuer.keys.publicKey)))), ...alternativeNames(says)];
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_SHA256,
    nameOf(issuer.name),
    sequence(time(Math.min(now, now + days * DAY_MS) - DAY_MS), time(now + days * DAY_MS)),
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(extension("2.5.29.14", tlv(0x04, keyId(publicKey))), ...extensions)),
  );
  const signature = sign("sha256", body, issuer.keys.privateKey);
  const der = sequence(body, ECDSA_SHA256, bits(signature));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function alternativeNames({ dns = [], uris = [], ips = [] }: Says): Buffer[] {
  const names = [
    ...dns.map((text) => tlv(0x82, Buffer.from(text))),
    ...uris.map((text) => tlv(0x86, Buffer.from(text))),
    ...ips.map((text) => tlv(0x87, Buffer.from(text.split(".").map(Number)))),
  ];
  return names.length === 0 ? [] : [extension("2.5.29.17", sequence(...names))];
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.of(0xff))] : []), tlv(0x04, value));
}

function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, Buffer.from(commonName)))));
}

/** `YYYYMMDDHHMMSSZ`, as a UTCTime before 2050. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\.\d+|\D/g, "");
  return digits < "2050" ? tlv(0x17, Buffer.from(`${digits.slice(2, 14)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

function bits(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), value]);
}
