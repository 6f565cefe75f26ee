import type { CustomRow } from "./option-row.ts";
import { readAccounts } from "./read-accounts.ts";
import { readAuthCallout } from "./read-auth-callout.ts";
import {
  readBufferedSize,
  readCipher,
  readFeatureFlags,
  readFileStore,
  readMemoryStore,
  readSyncInterval,
} from "./read-jetstream.ts";
import { readOcsp, readOcspCache } from "./read-ocsp.ts";
import { readOperators, readPinnedAccounts, readPreload, readTrustedKeys } from "./read-operator.ts";
import { readPermissions } from "./read-permissions.ts";
import { readProxies } from "./read-proxies.ts";
import { readResolver } from "./read-resolver.ts";
import { readResolverTls, readTls } from "./read-tls.ts";
import { readUsers } from "./read-users.ts";
import { readAllowedOrigins } from "./read-websocket.ts";
import {
  DURATION,
  FLAG,
  SECONDS,
  SWITCH,
  TEXT,
  TEXTS,
  TEXT_LIST,
  WHOLE,
  word,
  type Definitions,
  type JsonSchema,
  type Members,
} from "./schema-parts.ts";
import { tlsSchema } from "./schema-tls.ts";
import { CONNECTION_TYPES } from "./users.ts";

/** Schemas of the options that have readers of their own. */

type Reader = CustomRow<unknown, unknown>["read"];
type Make = (definitions: Definitions) => JsonSchema;

const MAKERS: readonly (readonly [Reader, Make])[] = [
  [readAccounts, accountsSchema],
  [readUsers, usersSchema],
  [readPermissions, permissionsSchema],
  [readAuthCallout, calloutSchema],
  [readProxies, proxiesSchema],
  [readTls, tlsSchema],
  [readResolverTls, tlsSchema],
  [readOcsp, ocspSchema],
  [readOcspCache, ocspCacheSchema],
  [readOperators, () => TEXTS],
  [readTrustedKeys, () => TEXTS],
  [readPinnedAccounts, () => TEXTS],
  [readAllowedOrigins, () => TEXTS],
  [readResolver, resolverSchema],
  [readSyncInterval, () => ({ anyOf: [word(["always"]), DURATION, { type: "integer", minimum: 0 }] })],
  [readMemoryStore, () => STORAGE_SIZE],
  [readFileStore, () => STORAGE_SIZE],
  [readBufferedSize, () => STORAGE_SIZE],
  [readCipher, () => word(["chacha", "chachapoly", "aes"])],
  [readFeatureFlags, () => ({ type: "object", additionalProperties: FLAG })],
  [readPreload, () => ({ type: "object", additionalProperties: TEXT })],
];

/** Bytes, or a text in powers of 1,024. */
const STORAGE_SIZE: JsonSchema = {
  anyOf: [WHOLE, { type: "string", pattern: "^(?:[+-]?\\d{1,19}[KMGT])?$" }],
};

/** The schema of what the reader of `row` takes; null where nothing is known of it. */
export function customSchema(row: CustomRow<unknown, unknown>, definitions: Definitions): JsonSchema | null {
  return MAKERS.find(([reader]) => reader === row.read)?.[1](definitions) ?? null;
}

/** `mappings`, of the server or of an account. */
export function mappingsSchema(definitions: Definitions): JsonSchema {
  const destination = definitions.map("mapping-destination", () => ({
    "destination dest": TEXT,
    weight: { anyOf: [{ type: "integer", minimum: 0, maximum: 100 }, TEXT] },
    cluster: TEXT,
  }));
  return {
    type: "object",
    additionalProperties: { anyOf: [TEXT, destination, { type: "array", items: destination }] },
  };
}

function accountsSchema(definitions: Definitions): JsonSchema {
  const account = definitions.map("account", () => ({
    nkey: TEXT,
    users: usersSchema(definitions),
    default_permissions: permissionsSchema(definitions),
    exports: { type: "array", items: exportSchema(definitions) },
    imports: { type: "array", items: importSchema(definitions) },
    "mappings maps": mappingsSchema(definitions),
    limits: definitions.map("account-limits", () => ({
      "max_connections max_conn": WHOLE,
      "max_subscriptions max_subs": WHOLE,
      "max_payload max_pay": WHOLE,
      "max_leafnodes max_leafs": WHOLE,
    })),
    jetstream: {
      anyOf: [...SWITCH, definitions.map("account-jetstream", () => accountJetStreamMembers())],
    },
    "msg_trace trace_dest": {
      anyOf: [TEXT, definitions.map("msg-trace", () => ({ dest: TEXT, sampling: { anyOf: [WHOLE, TEXT] } }))],
    },
  }));
  return { anyOf: [{ type: "object", additionalProperties: account }, TEXT_LIST] };
}

function accountJetStreamMembers(): Members {
  return {
    "max_memory max_mem memory mem": WHOLE,
    "max_store max_file max_disk store disk": WHOLE,
    "max_streams streams": WHOLE,
    "max_consumers consumers": WHOLE,
    "max_bytes_required max_stream_bytes max_bytes": FLAG,
    "memory_max_stream_bytes mem_max_stream_bytes": WHOLE,
    "store_max_stream_bytes disk_max_stream_bytes": WHOLE,
    max_ack_pending: WHOLE,
    cluster_traffic: { enum: ["system", "owner", ""] },
  };
}

function usersSchema(definitions: Definitions): JsonSchema {
  const user = definitions.map("user", () => ({
    "user username": TEXT,
    "password pass": TEXT,
    nkey: TEXT,
    "permissions permission authorization": permissionsSchema(definitions),
    "allowed_connection_types connection_types clients": {
      anyOf: [word(CONNECTION_TYPES), { type: "array", items: word(CONNECTION_TYPES) }],
    },
    proxy_required: FLAG,
  }));
  return { type: "array", items: user };
}

function permissionsSchema(definitions: Definitions): JsonSchema {
  return definitions.map("permissions", () => {
    const rules: JsonSchema = {
      anyOf: [TEXT, TEXT_LIST, definitions.map("subject-rules", () => ({ allow: TEXTS, deny: TEXTS }))],
    };
    const responses = definitions.map("response-rule", () => ({
      "max max_msgs max_messages max_responses": WHOLE,
      "expires expiration ttl": DURATION,
    }));
    return {
      "publish pub import": rules,
      "subscribe sub export": rules,
      "allow_responses publish_allow_responses": { anyOf: [FLAG, responses] },
    };
  });
}

function exportSchema(definitions: Definitions): JsonSchema {
  return definitions.map("export", () => ({
    stream: TEXT,
    service: TEXT,
    accounts: TEXT_LIST,
    account_token_position: WHOLE,
    "response_type response": word(["singleton", "single", "stream", "chunked", "chunk"]),
    "response_threshold threshold response_max_time response_time": DURATION,
    latency: {
      anyOf: [
        TEXT,
        definitions.map("latency", () => ({ subject: TEXT, sampling: { anyOf: [WHOLE, TEXT] } })),
      ],
    },
    allow_trace: FLAG,
  }));
}

function importSchema(definitions: Definitions): JsonSchema {
  return definitions.map("import", () => {
    const source = definitions.map("import-source", () => ({ account: TEXT, subject: TEXT }));
    return { stream: source, service: source, prefix: TEXT, to: TEXT, share: FLAG, allow_trace: FLAG };
  });
}

function calloutSchema(definitions: Definitions): JsonSchema {
  return definitions.map("auth-callout", () => ({
    issuer: TEXT,
    "account acc": TEXT,
    "auth_users users": TEXT_LIST,
    "xkey key": TEXT,
    allowed_accounts: TEXT_LIST,
  }));
}

function proxiesSchema(definitions: Definitions): JsonSchema {
  return definitions.map("proxies", () => ({
    trusted: { type: "array", items: definitions.map("proxy", () => ({ "key public_key": TEXT })) },
  }));
}

function ocspSchema(definitions: Definitions): JsonSchema {
  const map = definitions.map("ocsp", () => ({
    mode: word(["auto", "always", "must", "never"]),
    "urls url": TEXTS,
  }));
  return { anyOf: [FLAG, map] };
}

function ocspCacheSchema(definitions: Definitions): JsonSchema {
  const map = definitions.map("ocsp-cache", () => ({
    type: word(["none", "local"]),
    local_store: TEXT,
    preserve_revoked: FLAG,
    save_interval: SECONDS,
  }));
  return { anyOf: [FLAG, map] };
}

function resolverSchema(definitions: Definitions): JsonSchema {
  const folder = definitions.map("resolver", () => ({
    type: word(["full", "cache", "memory", "mem"]),
    dir: TEXT,
    allow_delete: FLAG,
    hard_delete: FLAG,
    limit: WHOLE,
    ttl: DURATION,
    interval: DURATION,
    timeout: DURATION,
  }));
  return { anyOf: [TEXT, folder] };
}
