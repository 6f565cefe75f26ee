import type { CertificateNames, NameAttribute } from "./certificate-names.ts";
import { type DistinguishedName, dnKey, parseDn, subjectDn, unorderedDnKey } from "./certificate-dn.ts";

/** How `verify_and_map` finds the user a certificate stands for: name by name, the first that is known wins. */
export class CertificateMap<User> {
  readonly #byName: ReadonlyMap<string, User>;
  readonly #byDn = new Map<string, User[]>();
  readonly #byUnorderedDn = new Map<string, User[]>();

  /** `users` by name, in the order of the configuration. Names that are distinguished names are parsed once, here. */
  constructor(users: ReadonlyMap<string, User>) {
    this.#byName = users;
    for (const [name, user] of users) {
      const dn = parseDn(name);
      if (dn === null) continue;
      append(this.#byDn, dnKey(dn), user);
      append(this.#byUnorderedDn, unorderedDnKey(dn), user);
    }
  }

  /**
   * The user among those that `isEligible`: by email addresses, DNS names and URIs, then by the subject, as a
   * distinguished name in order and in any order, then as the texts that the reference also takes. Null: nobody.
   */
  find(names: CertificateNames, isEligible: (user: User) => boolean): User | null {
    for (const name of [...names.emails, ...names.dnsNames, ...names.uris]) {
      const user = this.#named(name, isEligible);
      if (user !== null) return user;
    }
    const dn = subjectDn(names.subject);
    return (dn && this.#withDn(dn, isEligible)) ?? this.#withText(names.subject, isEligible);
  }

  #named(name: string, isEligible: (user: User) => boolean): User | null {
    const user = name === "" ? undefined : this.#byName.get(name);
    return user !== undefined && isEligible(user) ? user : null;
  }

  #withDn(dn: DistinguishedName, isEligible: (user: User) => boolean): User | null {
    const equal = this.#byDn.get(dnKey(dn)) ?? [];
    const reordered = this.#byUnorderedDn.get(unorderedDnKey(dn)) ?? [];
    return equal.find(isEligible) ?? reordered.find(isEligible) ?? null;
  }

  #withText(
    subject: readonly (readonly NameAttribute[])[],
    isEligible: (user: User) => boolean,
  ): User | null {
    const text = subjectText(subject);
    const components = domainComponents(subject);
    const withComponents = components === "" ? null : this.#named(`${text},${components}`, isEligible);
    return withComponents ?? this.#named(text, isEligible);
  }
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/**
 * The attributes that Go's `pkix.Name` knows, from the front of its text to the end. It gathers all values of one
 * type into one relative name; of CN and SERIALNUMBER only the last value counts. Others are left out.
 */
const TEXT_ORDER = [
  { name: "SERIALNUMBER", oid: "2.5.4.5", isSingle: true },
  { name: "CN", oid: "2.5.4.3", isSingle: true },
  { name: "OU", oid: "2.5.4.11", isSingle: false },
  { name: "O", oid: "2.5.4.10", isSingle: false },
  { name: "POSTALCODE", oid: "2.5.4.17", isSingle: false },
  { name: "STREET", oid: "2.5.4.9", isSingle: false },
  { name: "L", oid: "2.5.4.7", isSingle: false },
  { name: "ST", oid: "2.5.4.8", isSingle: false },
  { name: "C", oid: "2.5.4.6", isSingle: false },
] as const;

const DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";

/** A subject as Go's `pkix.Name.ToRDNSequence().String()` writes it. */
export function subjectText(subject: readonly (readonly NameAttribute[])[]): string {
  const attributes = subject.flat();
  return TEXT_ORDER.map(({ name, oid, isSingle }) => {
    const values = attributes.filter((attribute) => attribute.oid === oid).map(({ value }) => value);
    const shown = isSingle ? values.slice(-1).filter((value) => value !== "") : values;
    return shown.map((value) => `${name}=${escapeValue(value)}`).join("+");
  })
    .filter((part) => part !== "")
    .join(",");
}

/**
 * The subject's domain components in its order, `DC=com,DC=example`. Escaped as the rest of the text is (the
 * reference does not): a component `com,DC=example` must not look like two.
 */
function domainComponents(subject: readonly (readonly NameAttribute[])[]): string {
  return subject
    .flat()
    .filter(({ oid }) => oid === DOMAIN_COMPONENT)
    .map(({ value }) => `DC=${escapeValue(value)}`)
    .join(",");
}

/** A value as it stands in the text of a name (RFC 4514). */
export function escapeValue(value: string): string {
  return value.replace(/[,+"\\<>;]|^[ #]| $/g, String.raw`\$&`);
}
