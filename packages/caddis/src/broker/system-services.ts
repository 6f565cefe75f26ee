import { COMPATIBLE_VERSION } from "../base/version.ts";
import type { AccountConfig, ExportConfig, ServiceExport, ServiceImport } from "../config/accounts.ts";
import type { Permissions, SubjectRules } from "../config/permissions.ts";
import { isSubset } from "../subject/overlap.ts";
import { toWireString } from "../subject/subject.ts";
import type { Account } from "./account.ts";
import { goJson, goTime, nanoseconds } from "./go-json.ts";
import type { ReceivedMessage } from "./internal-subscription.ts";
import { makeMessage } from "./message.ts";
import type { Subscription } from "./subscription.ts";

/** How long answers of the system account are waited for; as in the reference. */
const THRESHOLD_MS = 120_000;

const USER_INFO_REQUEST = "$SYS.REQ.USER.INFO";

function service(
  subject: string,
  response_type: ServiceExport["response_type"],
  account_token_position: number,
): ServiceExport {
  return {
    kind: "service",
    subject,
    approval: { kind: "public" },
    account_token_position,
    response_type,
    response_threshold: THRESHOLD_MS,
    latency: null,
    allow_trace: false,
  };
}

/** What the system account exports without being told to. Token 4 must be the asking account's name. */
const SYSTEM_EXPORTS: readonly ServiceExport[] = [
  service("$SYS.REQ.ACCOUNT.*.CONNZ", "stream", 4),
  service("$SYS.REQ.ACCOUNT.*.STATZ", "stream", 4),
  service("$SYS.DEBUG.SUBSCRIBERS", "singleton", 0),
  service("$SYS.REQ.USER.*.INFO", "singleton", 0),
];

/** The exports of the system account: its own, and those of ours that none of them covers. */
export function systemExports(own: readonly ExportConfig[]): readonly ExportConfig[] {
  const added = SYSTEM_EXPORTS.filter(
    ({ subject }) =>
      !own.some((other) => other.kind === "service" && isSubset(subject, toWireString(other.subject))),
  );
  return [...own, ...added];
}

/** What each account imports from the system account without being told to. */
export function systemImports(account: string, system: string): readonly ServiceImport[] {
  const userInfo = { there: `$SYS.REQ.USER.${account}.INFO`, here: USER_INFO_REQUEST, share: true };
  const connections = `$SYS.REQ.ACCOUNT.${account}.CONNZ`;
  const statistics = `$SYS.REQ.ACCOUNT.${account}.STATZ`;
  const imports =
    account === system
      ? [userInfo]
      : [
          { there: connections, here: "$SYS.REQ.ACCOUNT.PING.CONNZ", share: false },
          { there: connections, here: "$SYS.REQ.SERVER.PING.CONNZ", share: false },
          { there: statistics, here: "$SYS.REQ.ACCOUNT.PING.STATZ", share: false },
          userInfo,
        ];
  return imports.map(({ there, here, share }) => ({
    kind: "service",
    account: system,
    subject: there,
    to: here,
    share,
    token: "",
  }));
}

/** Answers clients that ask who they are, from the account of the servers. */
export class UserInfoService {
  readonly #system: Account;
  readonly #subscription: Subscription;
  #sequence = 0;

  constructor(system: Account) {
    this.#system = system;
    this.#subscription = system.listen("$SYS.REQ.USER.*.INFO", "", (request) => this.#answer(request));
  }

  end(): void {
    this.#system.unsubscribe(this.#subscription);
  }

  #answer({ reply, info, origin }: ReceivedMessage): void {
    if (reply === "" || origin === null) return;
    const { broker } = this.#system;
    const now = broker.clock.nowMs();
    const { permissions, expiresMs, nameTag } = origin.identity;
    const left = expiresMs > 0 ? Math.max(0, Math.floor((expiresMs - now) / 1000) * 1000) : 0;
    const answer = {
      server: {
        name: broker.serverName,
        host: broker.host,
        id: broker.serverId,
        ver: COMPATIBLE_VERSION,
        jetstream: false,
        flags: 0,
        seq: ++this.#sequence,
        time: goTime(now),
      },
      data: {
        user: info?.user ?? "",
        account: info?.acc ?? "",
        account_name: info === null ? undefined : origin.account.nameTag || origin.account.name,
        user_name: nameTag || undefined,
        permissions: permissions === null ? undefined : shownPermissions(permissions),
        expires: nanoseconds(left) || undefined,
      },
    };
    this.#system.publish(makeMessage(reply, "", "", Buffer.from(goJson(answer), "utf8")));
  }
}

function shownPermissions({ publish, subscribe, responses }: Permissions): object {
  return {
    publish: shownRules(publish),
    subscribe: shownRules(subscribe),
    responses: responses === null ? undefined : { max: responses.max, ttl: nanoseconds(responses.expiresMs) },
  };
}

/** Lists that are empty are left out, like those that are not there. */
function shownRules({ allow, deny }: SubjectRules): object {
  return {
    allow: allow === null || allow.length === 0 ? undefined : allow,
    deny: deny.length === 0 ? undefined : deny,
  };
}

/** An account of which nothing is configured. */
export function bareAccount(name: string, limits: AccountConfig["limits"]): AccountConfig {
  return { name, nkey: "", exports: [], imports: [], mappings: [], limits, default_permissions: null };
}
