import type { NkeyRole } from "../../base/nkey-text.ts";
import { type Account, readAccount } from "./account.ts";
import { type Activation, readActivation } from "./activation.ts";
import {
  type AuthorizationRequest,
  type AuthorizationResponse,
  readAuthorizationRequest,
  readAuthorizationResponse,
} from "./authorization.ts";
import { FieldError, Fields } from "./fields.ts";
import { type Operator, readOperator } from "./operator.ts";
import { readUser, type User } from "./user.ts";

/** What every token says, by the names it has there. Times are Unix seconds. */
export interface ClaimsData {
  readonly aud: string;
  /** Void from then on; 0: never. */
  readonly exp: number;
  readonly jti: string;
  readonly iat: number;
  /** Public nkey of the signer. */
  readonly iss: string;
  readonly name: string;
  /** Void before; 0: never. */
  readonly nbf: number;
  /** Whom it is about, mostly a public nkey. */
  readonly sub: string;
}

/** 1 or 2: the layouts differ, and what the signature covers does. */
export type ClaimsVersion = 1 | 2;

interface Typed<Type extends string, Nats> extends ClaimsData {
  readonly type: Type;
  readonly version: ClaimsVersion;
  /** Lower-case as a rule; a tag with a value is `key:value`. */
  readonly tags: readonly string[];
  /** What it says in particular, by the names it has in a version 2 token. */
  readonly nats: Nats;
}

export type OperatorClaims = Typed<"operator", Operator>;
export type AccountClaims = Typed<"account", Account>;
export type UserClaims = Typed<"user", User>;
export type ActivationClaims = Typed<"activation", Activation>;
export type AuthorizationRequestClaims = Typed<"authorization_request", AuthorizationRequest>;
export type AuthorizationResponseClaims = Typed<"authorization_response", AuthorizationResponse>;
/** Of a type that is known to nobody here; `nats` is the JSON as it is. */
export type GenericClaims = Typed<"generic", Readonly<Record<string, unknown>>>;

export type Claims =
  | OperatorClaims
  | AccountClaims
  | UserClaims
  | ActivationClaims
  | AuthorizationRequestClaims
  | AuthorizationResponseClaims
  | GenericClaims;

export type ClaimsType = Claims["type"];
export type ClaimsOf<Type extends ClaimsType> = Extract<Claims, { readonly type: Type }>;

/** Who may sign claims of a type. */
export const ISSUER_ROLES: Readonly<Record<ClaimsType, readonly NkeyRole[]>> = {
  operator: ["operator"],
  account: ["account", "operator"],
  user: ["account"],
  activation: ["account", "operator"],
  authorization_request: ["server"],
  authorization_response: ["account"],
  generic: ["operator", "account", "user", "server", "cluster"],
};

/** Whom claims of a type are about, where that is a key of one role. */
export const SUBJECT_ROLES: Readonly<Record<ClaimsType, NkeyRole | null>> = {
  operator: "operator",
  account: "account",
  user: "user",
  activation: null,
  authorization_request: null,
  authorization_response: null,
  generic: null,
};

/** The claims in a token's payload. `isOldAlgorithm` decides the version where no type of ours does. Throws a `FieldError`. */
export function readClaims(payload: unknown, isOldAlgorithm: boolean): Claims {
  const fields = new Fields(payload);
  // In version 1 the type stands outside, and decides whatever stands inside.
  const oldType = fields.string("type");
  const outside = oldType !== "";
  const nats = fields.object("nats");
  const type = outside ? oldType : nats.raw("type");
  const data = readData(fields);
  if (typeof type !== "string" || !isKnown(type)) {
    if (type === "cluster" || type === "server") throw new FieldError("a type that is no longer supported");
    const generic = (fields.raw("nats") ?? {}) as GenericClaims["nats"];
    return { ...data, type: "generic", version: isOldAlgorithm ? 1 : 2, tags: [], nats: generic };
  }
  const version = outside ? 1 : nats.int("version");
  if (version !== 1 && version !== 2) throw new FieldError("nats.version must be 1 or 2");
  const tags = (outside ? fields : nats).strings("tags");
  // What moved into `nats` with version 2.
  const issuerAccount = (version === 1 ? fields : nats).string("issuer_account");
  const common = { ...data, version, tags } as const;
  switch (type) {
    case "operator":
      return { ...common, type, nats: readOperator(nats, version) };
    case "account":
      return { ...common, type, nats: readAccount(nats, version) };
    case "user":
      return { ...common, type, nats: readUser(nats, version, issuerAccount) };
    case "activation":
      return { ...common, type, nats: readActivation(nats, version, issuerAccount) };
    case "authorization_request":
      return { ...common, type, nats: readAuthorizationRequest(nats) };
    case "authorization_response":
      return { ...common, type, nats: readAuthorizationResponse(nats) };
  }
}

function readData(fields: Fields): ClaimsData {
  return {
    aud: fields.string("aud"),
    exp: fields.int("exp"),
    jti: fields.string("jti"),
    iat: fields.int("iat"),
    iss: fields.string("iss"),
    name: fields.string("name"),
    nbf: fields.int("nbf"),
    sub: fields.string("sub"),
  };
}

function isKnown(type: string): type is Exclude<ClaimsType, "generic"> {
  return type !== "generic" && Object.hasOwn(ISSUER_ROLES, type);
}
