import type { JwtAccount } from "../../auth/account-claims.ts";
import { OperatorCallout } from "../../auth/callout-operator.ts";
import { isProblem } from "../../auth/claims/fields.ts";
import { parseCreds, parseDecoratedJwt } from "../../auth/creds.ts";
import { ANYBODY, type AuthRequest } from "../../auth/identity.ts";
import { decodeClaims } from "../../auth/jwt.ts";
import { TrustedProxies } from "../../auth/trusted-proxies.ts";
import {
  admitUser,
  type JwtIdentity,
  readUserToken,
  type UserToken,
  type UserVerdict,
} from "../../auth/user-claims.ts";
import { isPublicNkey } from "../../base/nkey-text.ts";
import type { OperatorMode } from "../operator-mode.ts";
import type { FoundUser } from "./find-user.ts";
import { unknownName } from "./near-names.ts";
import { type NoAnswer, type PermissionsSource, type PolicyQuestion, problem } from "./policy.ts";
import { requestOf } from "./request.ts";
import type { StillServer } from "./still-server.ts";
import { asIfLetIn, throughCallout } from "./through-callout.ts";

/** What credentials sign; any text will do. */
const NONCE = "policy";

/** A user of operator mode: by its JWT, or somebody of an account. */
export async function findTokenUser(
  server: StillServer,
  operator: OperatorMode,
  question: PolicyQuestion,
): Promise<FoundUser | NoAnswer> {
  const { account, creds, jwt, user } = question;
  if (jwt === undefined && creds === undefined) {
    if (user !== undefined)
      return problem("users of operator mode are known by their JWT or credentials only");
    if (account !== undefined) return findMember(server, operator, question, account);
    if (server.options.default_sentinel === "")
      return problem("say which user is meant, by its JWT or credentials");
  }
  const request = creds === undefined ? unsignedRequest(question) : signedRequest(question, creds);
  if (request === null) return problem("the credentials are not those of a user");
  const own = await admit(server, operator, request, creds === undefined);
  const verdict = await throughCallout(server, calloutPolicy(server, operator), request, own);
  if (verdict === null) {
    return problem(
      "an auth callout service decides about users of that account; ask with an account instead, for somebody it puts there without permissions of their own",
    );
  }
  const identity = own.allowed ? own.identity : null;
  return { verdict, permissionsFrom: sourceOf(identity), role: identity?.scope?.role ?? "" };
}

/** Somebody of an account who has its default permissions. */
async function findMember(
  server: StillServer,
  operator: OperatorMode,
  question: PolicyQuestion,
  wanted: string,
): Promise<FoundUser | NoAnswer> {
  const names = preloadedNames(server);
  const id = isPublicNkey("account", wanted) ? wanted : names.get(wanted);
  if (id === undefined) {
    return problem(
      `${unknownName("account", wanted, [...names.keys()])} (others are known by their public nkey)`,
    );
  }
  const account = await operator.account(id);
  if (account === null) return problem(`there is no valid JWT of account ${id}`);
  const { default_permissions: permissions } = account.config;
  const identity = { ...ANYBODY, account: id, permissions };
  const policy = asIfLetIn(calloutPolicy(server, operator));
  const own = { allowed: true, identity } as const;
  const verdict = await throughCallout(server, policy, requestOf(question), own);
  return {
    verdict: verdict ?? own,
    permissionsFrom: permissions === null ? "nowhere" : "account default",
    role: "",
  };
}

/** Accounts of the configuration by the names their JWTs give them. */
function preloadedNames({ options }: StillServer): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const jwt of options.resolver_preload.values()) {
    const claims = decodeClaims("account", jwt);
    if (!isProblem(claims)) names.set(claims.name, claims.sub);
  }
  return names;
}

function calloutPolicy(server: StillServer, operator: OperatorMode): OperatorCallout {
  return new OperatorCallout({
    rules: server.userRules(operator),
    proxies: new TrustedProxies(server.options.proxies),
    account: (id) => operator.account(id),
    nowMs: () => server.broker.clock.nowMs(),
  });
}

function unsignedRequest(question: PolicyQuestion): AuthRequest {
  return requestOf(question, { jwt: parseDecoratedJwt(question.jwt ?? "") });
}

/** Null: these are no credentials. */
function signedRequest(question: PolicyQuestion, text: string): AuthRequest | null {
  const creds = parseCreds(text);
  if (creds === null) return null;
  const sig = Buffer.from(creds.keyPair.sign(Buffer.from(NONCE, "latin1"))).toString("base64url");
  creds.keyPair.wipe();
  return { ...requestOf(question, { jwt: creds.jwt, sig }), nonce: NONCE };
}

/** Lets a user in as the server does; of whom there is only the token need not prove to have its key. */
async function admit(
  server: StillServer,
  operator: OperatorMode,
  request: AuthRequest,
  isTokenEnough: boolean,
): Promise<UserVerdict> {
  const { broker, options } = server;
  const rules = server.userRules(operator);
  // If there are proxies, one of them may bring the user.
  const moment = { nowMs: broker.clock.nowMs(), proxyKey: options.proxies[0] ?? "" };
  const token = readUserToken(request, rules, moment);
  if ("allowed" in token) return token;
  const account = await operator.account(token.accountId);
  if (account === null || !isTokenEnough) return admitUser(request, token, account, rules, moment);
  const bearer = asBearer(token, account);
  return admitUser(request, bearer.token, bearer.account, rules, moment);
}

/**
 * Token and account in which nothing is changed but that who has the token need not sign. What is granted to
 * users of a scoped key says the scope, and their token must be silent.
 */
function asBearer(
  token: UserToken,
  account: JwtAccount,
): { readonly token: UserToken; readonly account: JwtAccount } {
  const { claims } = token;
  const scope = account.signingKeys.get(claims.iss) ?? null;
  const isBearer = scope === null ? claims.nats.bearer_token : scope.template.bearer_token;
  const disallowsBearer = account.disallowsBearer && isBearer;
  if (scope === null) {
    const nats = { ...claims.nats, bearer_token: true };
    return { token: { ...token, claims: { ...claims, nats } }, account: { ...account, disallowsBearer } };
  }
  const bearerScope = { ...scope, template: { ...scope.template, bearer_token: true } };
  const signingKeys = new Map([...account.signingKeys, [claims.iss, bearerScope]]);
  return { token, account: { ...account, disallowsBearer, signingKeys } };
}

function sourceOf(identity: JwtIdentity | null): PermissionsSource {
  if (identity === null || identity.permissions === null) return "nowhere";
  if (identity.hasDefaultPermissions) return "account default";
  return identity.scope === null ? "user" : "scoped signing key";
}
