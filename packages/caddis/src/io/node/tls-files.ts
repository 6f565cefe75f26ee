import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import type { CertificateFiles, TlsConfig } from "../../config/tls.ts";
import { asSystemError, describeSystemError } from "./system-error.ts";

const CERTIFICATE_BEGIN = "-----BEGIN CERTIFICATE-----";
const CERTIFICATE_END = "-----END CERTIFICATE-----";

/** A certificate with its chain and its key. */
export interface KeyPair {
  readonly leaf: X509Certificate;
  /** The certificate file: the leaf, then what links it to an authority. */
  readonly chainPem: string;
  readonly keyPem: string;
}

/** What the files of a `tls` block hold. */
export interface TlsFiles {
  readonly pairs: readonly KeyPair[];
  /** Authorities for certificates of peers, PEM each; empty: nobody is trusted, or nobody is asked. */
  readonly authorities: readonly string[];
}

/** The paths that `config` names. */
export function tlsPaths(config: TlsConfig): readonly string[] {
  const pairs = config.certificates.flatMap(({ cert_file, key_file }) => [cert_file, key_file]);
  return config.ca_file === "" ? pairs : [...pairs, config.ca_file];
}

/** Whether clients must show a certificate. */
export function isMutual(config: TlsConfig): boolean {
  return config.verify || config.verify_and_map;
}

/** Reads what `config` names; a text says what is wrong, in the words of the reference. */
export async function readTlsFiles(config: TlsConfig): Promise<TlsFiles | string> {
  const count = config.certificates.length;
  if (count === 0) return "tls: no certificates configured";
  const pairs: KeyPair[] = [];
  for (const [i, files] of config.certificates.entries()) {
    const pair = await readPair(files);
    const number = count === 1 ? "" : ` ${i + 1}/${count}`;
    if (typeof pair === "string") return `error parsing X509 certificate/key pair${number}: ${pair}`;
    pairs.push(pair);
  }
  const authorities = await readAuthorities(config);
  return typeof authorities === "string" ? authorities : { pairs, authorities };
}

async function readPair({ cert_file, key_file }: CertificateFiles): Promise<KeyPair | string> {
  const chain = await readText(cert_file);
  if ("error" in chain) return chain.error;
  const secret = await readText(key_file);
  if ("error" in secret) return secret.error;
  const leaf = parseLeaf(chain.text);
  if (typeof leaf === "string") return `${leaf} (${cert_file})`;
  const key = parseKey(secret.text);
  if (typeof key === "string") return `${key} (${key_file})`;
  if (!leaf.checkPrivateKey(key)) {
    return `tls: private key does not match public key (${cert_file}, ${key_file})`;
  }
  return { leaf, chainPem: chain.text, keyPem: secret.text };
}

function parseLeaf(pem: string): X509Certificate | string {
  const [first] = pemCertificates(pem);
  if (first === undefined) return "tls: failed to find any PEM data in certificate input";
  try {
    return new X509Certificate(first);
  } catch {
    return "x509: malformed certificate";
  }
}

/** Errors of OpenSSL are not passed on: nothing of a key may get into a text. */
function parseKey(pem: string): KeyObject | string {
  if (!pem.includes("PRIVATE KEY-----")) return "tls: failed to find any PEM data in key input";
  const isEncrypted = pem.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.includes(",ENCRYPTED");
  if (isEncrypted) return "tls: the private key is encrypted, which is not supported";
  try {
    return createPrivateKey(pem);
  } catch {
    return "tls: failed to parse private key";
  }
}

async function readAuthorities(config: TlsConfig): Promise<readonly string[] | string> {
  if (config.ca_file !== "") {
    const bundle = await readText(config.ca_file);
    if ("error" in bundle) return bundle.error;
    const certificates = pemCertificates(bundle.text).filter(isCertificate);
    return certificates.length > 0 ? certificates : `failed to parse root ca certificate (${config.ca_file})`;
  }
  return isMutual(config) ? getCACertificates("system") : [];
}

/** As in the reference, what is no certificate is passed over. */
function isCertificate(pem: string): boolean {
  return typeof parseLeaf(pem) !== "string";
}

/** The certificates of a PEM text, one text each; other blocks and prose are left out. */
export function pemCertificates(pem: string): readonly string[] {
  const found: string[] = [];
  let from = 0;
  for (;;) {
    const begin = pem.indexOf(CERTIFICATE_BEGIN, from);
    if (begin < 0) return found;
    const end = pem.indexOf(CERTIFICATE_END, begin);
    if (end < 0) return found;
    from = end + CERTIFICATE_END.length;
    found.push(`${pem.slice(begin, from)}\n`);
  }
}

async function readText(path: string): Promise<{ readonly text: string } | { readonly error: string }> {
  try {
    return { text: await readFile(path, "latin1") };
  } catch (error) {
    return { error: describeSystemError(asSystemError(error).syscall ?? "open", path, error) };
  }
}
