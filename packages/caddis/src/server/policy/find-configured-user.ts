import { authenticationRules } from "../../auth/authentication-rules.ts";
import { ConfiguredCallout } from "../../auth/callout-policy.ts";
import { type AuthenticationRules, ConfiguredAuthenticator } from "../../auth/configured-authenticator.ts";
import { type ConfiguredUser, ConfiguredUsers } from "../../auth/configured-users.ts";
import { isConnectionTypeAllowed } from "../../auth/connection-types.ts";
import { ANYBODY, denied, type Identity, type Verdict } from "../../auth/identity.ts";
import type { Options } from "../../config/options.ts";
import type { Permissions } from "../../config/permissions.ts";
import type { UserConfig } from "../../config/users.ts";
import type { FoundUser } from "./find-user.ts";
import { unknownName } from "./near-names.ts";
import { type NoAnswer, type PermissionsSource, type PolicyQuestion, problem } from "./policy.ts";
import { requestOf } from "./request.ts";
import type { StillServer } from "./still-server.ts";
import { asIfLetIn, throughCallout } from "./through-callout.ts";

/** Nobody shows a password here. */
const NO_HASHER = { compare: () => Promise.resolve(false) };

/** A user of the configuration, or whoever comes without credentials. */
export async function findConfiguredUser(
  server: StillServer,
  question: PolicyQuestion,
): Promise<FoundUser | NoAnswer> {
  if (question.jwt !== undefined || question.creds !== undefined) {
    return problem("JWTs and credentials files are for operator mode, and no operator is configured");
  }
  const { options } = server;
  const rules = authenticationRules(options);
  const found =
    question.user === undefined && question.account !== undefined
      ? findMember(server, rules, question.account)
      : await find(options, rules, question);
  return options.authorization.auth_callout === null ? found : afterCallout(server, question, found);
}

/** Who is meant; of a user that is known the verdict says whether it may come this way. */
async function find(
  options: Options,
  rules: AuthenticationRules,
  question: PolicyQuestion,
): Promise<FoundUser | NoAnswer> {
  const authenticator = new ConfiguredAuthenticator(rules, NO_HASHER);
  const users = new ConfiguredUsers(rules.users, rules.default_permissions, rules.account_permissions);
  const { user: name } = question;
  if (name === undefined || !authenticator.expectsConnect) {
    return findAnybody(options, rules, users, authenticator, question);
  }
  if (rules.user !== "" && rules.user === name) return foundAs({ ...ANYBODY, user: name }, "nowhere");
  const user = users.withNkey(name) ?? users.named(name);
  if (user !== null) return foundUser(options, user, question);
  const known = rules.users.map(nameOf);
  return problem(unknownName("user", name, rules.user === "" ? known : [rules.user]));
}

/** Whoever comes without credentials, or with nothing but the token. */
async function findAnybody(
  options: Options,
  rules: AuthenticationRules,
  users: ConfiguredUsers,
  authenticator: ConfiguredAuthenticator,
  { user: _name, ...question }: PolicyQuestion,
): Promise<FoundUser | NoAnswer> {
  const verdict = await authenticator.authenticate(requestOf(question));
  if (verdict.allowed) {
    const { user } = verdict.identity;
    const known = users.withNkey(user) ?? users.named(user);
    return {
      verdict,
      permissionsFrom: known === null ? "nowhere" : sourceOf(options, known.config),
      role: "",
    };
  }
  if (rules.token !== "") return foundAs(ANYBODY, "nowhere");
  const [first] = rules.user === "" ? rules.users.map(nameOf) : [rules.user];
  return problem(`say which user is meant, ${JSON.stringify(first)} for instance`);
}

/** Somebody of an account of whom nothing is configured. */
function findMember(
  { broker, options }: StillServer,
  rules: AuthenticationRules,
  account: string,
): FoundUser | NoAnswer {
  if (broker.accounts.get(account) === undefined) {
    const known = Array.from(broker.accounts, ({ name }) => name);
    return problem(unknownName("account", account, known));
  }
  const belongsTo = account === ANYBODY.account ? "" : account;
  const config: UserConfig = {
    user: "member",
    password: "",
    nkey: "",
    account: belongsTo,
    permissions: null,
    allowed_connection_types: null,
    proxy_required: false,
  };
  const { permissions } = new ConfiguredUsers(
    [config],
    rules.default_permissions,
    rules.account_permissions,
  ).named(config.user) ?? { permissions: null };
  const source = sourceOf(options, { ...config, permissions });
  return foundAs({ ...ANYBODY, account, permissions }, source);
}

function foundUser(
  options: Options,
  { account, config, permissions }: ConfiguredUser,
  question: PolicyQuestion,
): FoundUser {
  const permissionsFrom = sourceOf(options, config);
  const refused = (detail: string): FoundUser => ({ verdict: denied(detail), permissionsFrom, role: "" });
  const { connectionType } = requestOf(question);
  if (!isConnectionTypeAllowed(config.allowed_connection_types, connectionType)) {
    return refused(`connections of type ${connectionType} are not allowed`);
  }
  if (config.proxy_required && options.proxies.length === 0) {
    return refused("the user has to come through a trusted proxy, and none is configured");
  }
  return foundAs(
    { ...ANYBODY, user: nameOf(config), account, permissions, nkey: config.nkey },
    permissionsFrom,
  );
}

/** What is found once an auth callout has had its say: it decides about unknown users too. */
async function afterCallout(
  server: StillServer,
  question: PolicyQuestion,
  found: FoundUser | NoAnswer,
): Promise<FoundUser | NoAnswer> {
  const { auth_callout } = server.options.authorization;
  const isMember = question.user === undefined && question.account !== undefined;
  if (auth_callout === null || ("kind" in found && isMember)) return found;
  // Only answers of the service are held against accounts, and there are none.
  const accounts = { isAccount: () => false, defaultPermissions: () => null };
  const policy = new ConfiguredCallout(auth_callout, server.options.no_auth_user, accounts);
  const own: Verdict = "kind" in found ? denied(found.reason) : found.verdict;
  const request = requestOf(question);
  const verdict = await throughCallout(server, isMember ? asIfLetIn(policy) : policy, request, own);
  if (verdict === null) {
    const who =
      question.user === undefined ? "clients without credentials" : `user ${JSON.stringify(question.user)}`;
    return problem(
      `an auth callout service decides about ${who}; ask with an account instead, for somebody it puts there without permissions of their own`,
    );
  }
  return "kind" in found ? found : { ...found, verdict };
}

function foundAs(identity: Identity, permissionsFrom: PermissionsSource): FoundUser {
  return { verdict: { allowed: true, identity }, permissionsFrom, role: "" };
}

function nameOf({ nkey, user }: UserConfig): string {
  return nkey === "" ? user : nkey;
}

/** Defaults have been filled in when the configuration was read: a user that has the same has them. */
function sourceOf(
  { accounts, authorization }: Options,
  { account, permissions }: UserConfig,
): PermissionsSource {
  if (permissions === null) return "nowhere";
  const defaults =
    account === ""
      ? authorization.default_permissions
      : (accounts.find(({ name }) => name === account)?.default_permissions ?? null);
  if (!isSame(permissions, defaults)) return "user";
  return account === "" ? "authorization default" : "account default";
}

function isSame(one: Permissions, other: Permissions | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
