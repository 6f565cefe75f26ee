import { FieldError, type Fields } from "./fields.ts";

/** A stream or a service; empty where a token leaves it out. */
export type ExportKind = "stream" | "service" | "";

/** What a token says that lets one account (its `sub`) import from another. */
export interface Activation {
  /** What may be imported. */
  readonly subject: string;
  readonly kind: ExportKind;
  /** The account whose signing key signed it; empty: the issuer is the account itself. */
  readonly issuer_account: string;
}

export function readActivation(nats: Fields, version: 1 | 2, issuerAccount: string): Activation {
  return {
    subject: nats.string("subject"),
    kind: readExportKind(nats, version === 1 ? "type" : "kind"),
    issuer_account: issuerAccount,
  };
}

/** Reads the kind of an export, import or activation. */
export function readExportKind(fields: Fields, name: string): ExportKind {
  const kind = fields.string(name);
  if (kind === "stream" || kind === "service" || kind === "") return kind;
  throw new FieldError(`${name} must be stream or service`);
}
