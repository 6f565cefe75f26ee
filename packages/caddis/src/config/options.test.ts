import assert from "node:assert/strict";
import { test } from "node:test";
import type { Options, OptionsInput } from "./options.ts";
import { OPTIONS } from "./options.ts";
import { spellings } from "./read-options.ts";

/** All spellings nats-server 2.15 takes at the top level; own ones of ours are not among them. */
const SPELLINGS = `
  listen port host net client_advertise server_name server_tags server_metadata feature_flags ping_interval
  ping_max write_deadline write_timeout max_control_line max_payload max_pending max_connections max_conn
  max_subscriptions max_subs max_sub_tokens max_subscription_tokens max_closed_clients proxy_protocol
  no_fast_producer_stall disable_sublist_cache no_sublist_cache no_header_support connect_error_reports
  reconnect_error_reports lame_duck_duration lame_duck_grace_period allow_non_tls debug trace trace_verbose
  trace_headers logtime logtime_utc logfile log_file logfile_size_limit log_size_limit logfile_max_num
  log_max_num syslog remote_syslog max_traced_msg_len pidfile pid_file ports_file_dir prof_port
  prof_block_rate http http_port monitor_port https https_port http_base_path authorization accounts
  default_sentinel no_auth_user system_account system no_system_account no_system no_sys_acc tls ocsp
  ocsp_cache operator operators root roots root_operator root_operators trusted trusted_keys resolver
  account_resolver accounts_resolver resolver_tls resolver_preload resolver_pinned_accounts proxies mappings
  maps cluster gateway leaf leafnodes websocket ws mqtt default_js_domain jetstream store_dir storedir`;

test("every spelling of nats-server is known", () => {
  const expected = SPELLINGS.trim().split(/\s+/);
  assert.equal(expected.length, 99);
  const known = [...spellings(OPTIONS).keys()];
  const own = Object.entries(OPTIONS).flatMap(([name, row]) => ("own" in row ? [name] : []));
  assert.deepEqual(known.toSorted(), [...expected, ...own].toSorted());
});

test("no spelling stands for two options, and all are in lower case", () => {
  const all = Object.entries(OPTIONS).flatMap(([name, row]) => [
    name,
    ...("aliases" in row ? row.aliases : []),
  ]);
  assert.equal(new Set(all).size, all.length);
  for (const name of all) assert.equal(name, name.toLowerCase());
});

test("the table gives the types", () => {
  // Checked by the compiler: a wrong type below is an error of the type check.
  const input: OptionsInput = {
    port: 0,
    listen: "a:5",
    max_payload: "1MB",
    ping_interval: "2m",
    write_timeout: "retry",
    server_tags: ["a"],
    server_metadata: { a: "b" },
    authorization: { user: "a", timeout: "2s" },
    mappings: { a: "b", c: [{ destination: "d", weight: "50%" }] },
  };
  input.host = "localhost";
  // @ts-expect-error: options of parts that are not built are not offered
  input.cluster = {};
  input.tls = { cert_file: "c", key_file: "k", timeout: 2.5, handshake_first: "auto", watch: true };
  input.accounts = {
    a: {
      users: [
        { user: "u", permissions: { publish: "x", subscribe: { deny: ["y"] }, allow_responses: true } },
      ],
      exports: [{ stream: "s" }, { service: "t", response_type: "chunked", latency: { subject: "l" } }],
      imports: [{ service: { account: "b", subject: "t" }, to: "v", share: true }],
      limits: { max_connections: 5 },
    },
  };
  // @ts-expect-error: an account has no such member
  input.accounts = { a: { user: [] } };
  // @ts-expect-error: one of a few words
  input.log_format = "xml";
  // @ts-expect-error: durations are texts with units
  input.ping_interval = 5;
  const timeoutOf = (options: Options): number | undefined => options.tls?.timeout;
  // @ts-expect-error: resolved into host and port
  const listenOf = (options: Options): unknown => options.listen;
  assert.deepEqual([typeof timeoutOf, typeof listenOf], ["function", "function"]);
});
