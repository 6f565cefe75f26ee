/** Who gets in by a configuration, and what is said to whom: the same as with the reference server. */
import { newKeyPair } from "./support/callout-service.ts";
import { compareAuth, type Stage, UNPROVEN_USER } from "./support/auth-stage.ts";
import type { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";

const [alice, bob, eve] = [newKeyPair("user"), newKeyPair("user"), newKeyPair("user")];
const [proxy, stranger] = [newKeyPair("user"), newKeyPair("user")];

function byNkey(keys: KeyPair, sign: KeyPair | undefined = keys, connect: object = {}) {
  return { connect: { nkey: keys.publicKey, ...connect }, sign };
}

function byName(user: string, pass: string, connect: object = {}) {
  return { connect: { user, pass, ...connect } };
}

compareAuth(
  "nkeys next to users",
  `authorization {
    timeout: 30
    users: [
      { nkey: ${alice.publicKey}, permissions: { publish: "a.>", subscribe: { deny: "b" } } }
      { nkey: ${bob.publicKey}, allowed_connection_types: [WEBSOCKET] }
      { user: dave, password: d }
    ]
  }`,
  {
    "the right signature": async (stage) => {
      await stage.login("A", byNkey(alice));
      await stage.say("A", "SUB b 1\r\nSUB c 2\r\nPUB a.b 0\r\n\r\nPUB b 0\r\n\r\n");
    },
    "plain base64": async (stage) => {
      const peer = await stage.open("A");
      const sig = Buffer.from(alice.sign(Buffer.from(peer.nonce))).toString("base64");
      await stage.say("A", `CONNECT ${JSON.stringify({ nkey: alice.publicKey, sig })}\r\n`);
    },
    "in verbose mode": async (stage) => {
      await stage.login("A", byNkey(alice, alice, { verbose: true, protocol: 0 }));
    },
    "somebody else's signature": (stage) => login(stage, byNkey(alice, bob)),
    "no signature": (stage) => login(stage, { connect: { nkey: alice.publicKey } }),
    "a signature that is none": (stage) => login(stage, { connect: { nkey: alice.publicKey, sig: "!!!" } }),
    "an unknown nkey": (stage) => login(stage, byNkey(eve)),
    "an nkey that is none": (stage) => login(stage, { connect: { nkey: "UX" }, sign: eve }),
    "a signature without nkey": (stage) => login(stage, { sign: alice }),
    "of another connection type": (stage) => login(stage, byNkey(bob)),
    "name and password": (stage) => login(stage, byName("dave", "d")),
    "a wrong password": (stage) => login(stage, byName("dave", "x")),
    "an nkey and a password": (stage) => login(stage, byNkey(alice, alice, { user: "dave", pass: "d" })),
    "an unknown nkey and a password": (stage) => login(stage, byNkey(eve, eve, { user: "dave", pass: "d" })),
    "an nkey as a name": (stage) => login(stage, byName(alice.publicKey, "")),
    "a JWT": (stage) => login(stage, { connect: { jwt: "eyJ", nkey: alice.publicKey }, sign: alice }),
    nothing: (stage) => login(stage, {}),
    "another one in a second CONNECT": async (stage) => {
      await stage.login("A", byNkey(alice));
      await stage.say("A", 'CONNECT {"user":"dave","pass":"d"}\r\n');
    },
  },
);

compareAuth(
  "an nkey for those who show nothing",
  `authorization { timeout: 30, users: [{ nkey: ${alice.publicKey} }, { user: dave, password: d }] }
  no_auth_user: ${alice.publicKey}`,
  {
    nothing: (stage) => login(stage, {}),
    "operations before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "SUB foo 1\r\nPUB foo 0\r\n\r\n");
    },
    "a password": (stage) => login(stage, byName("dave", "d")),
    "a wrong password": (stage) => login(stage, byName("dave", "x")),
    "an unknown nkey": (stage) => login(stage, byNkey(eve)),
    "the nkey itself, unsigned": (stage) => login(stage, { connect: { nkey: alice.publicKey } }),
  },
);

compareAuth(
  "no_auth_user in an account",
  `accounts {
    A { users: [{ user: nobody, password: n, permissions: { publish: "a" } }, { user: proxied, password: p, proxy_required: true }] }
    B { users: [{ user: b, password: b }] }
  }
  no_auth_user: nobody`,
  {
    nothing: async (stage) => {
      await stage.login("A");
      await stage.say("A", "PUB a 0\r\n\r\nPUB b 0\r\n\r\n");
    },
    "operations before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "PUB a 0\r\n\r\nPUB b 0\r\n\r\n");
      await stage.say("A", 'CONNECT {"user":"b","pass":"b","verbose":false}\r\n');
    },
    "a PING before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A");
    },
    "an empty line before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "\r\n");
    },
    "rubbish before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "XYZ\r\n");
    },
    "a password": (stage) => login(stage, byName("b", "b")),
    "only a name": (stage) => login(stage, byName("nobody", "")),
    "only a password": (stage) => login(stage, byName("", "n")),
    "a token": (stage) => login(stage, { connect: { auth_token: "t" } }),
    "an nkey": async (stage) => {
      stage.leaveOut(...UNPROVEN_USER);
      await stage.login("A", byNkey(eve));
    },
    "a JWT": (stage) => login(stage, { connect: { jwt: "eyJ" } }),
  },
  [
    [/ Client parser ERROR/, "ours says nothing of states"],
    [/^operations before CONNECT/, "ours names the user"],
  ],
);

compareAuth(
  "a user for those who show nothing, who can't come this way",
  `accounts { A { users: [{ user: nobody, password: n, allowed_connection_types: [WEBSOCKET] }] } }
  no_auth_user: nobody`,
  {
    nothing: async (stage) => {
      stage.leaveOut(...UNPROVEN_USER);
      await stage.login("A");
    },
    "operations before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "PUB a 0\r\n\r\n");
    },
  },
  [[/^nothing, A/, "ours does not name who stood in when that was of no use"]],
);

const INVENTED_USER = [
  /,"authorized_user":"nats-\w+"/,
  "the reference invents a user, ours needs none",
] as const;

compareAuth("only users of the system account", `accounts { $SYS { users: [{ user: sys, password: s }] } }`, {
  nothing: async (stage) => {
    stage.leaveOut(...INVENTED_USER);
    await stage.login("A");
  },
  "operations before CONNECT": async (stage) => {
    stage.leaveOut(...INVENTED_USER);
    await stage.open("A");
    await stage.say("A", "SUB a 1\r\nPUB a 0\r\n\r\n");
  },
  "the system's user": (stage) => login(stage, byName("sys", "s")),
  "a wrong password": (stage) => login(stage, byName("sys", "x")),
  "an unknown user": (stage) => login(stage, byName("eve", "x")),
  "a token": (stage) => login(stage, { connect: { auth_token: "t" } }),
});

const PROXY_OF_REFUSED = [/,"proxy":\{[^}]*\}/, "ours shows the proxy of those it let in"] as const;

compareAuth(
  "trusted proxies",
  `proxies: { trusted: [{ key: ${proxy.publicKey} }] }
  authorization { timeout: 30, users: [
    { user: any, password: p }
    { user: behind, password: p, proxy_required: true }
    { nkey: ${alice.publicKey}, proxy_required: true }
  ] }`,
  {
    "not required": (stage) => login(stage, byName("any", "p")),
    "not required, through a proxy": (stage) => login(stage, { ...byName("any", "p"), proxy }),
    "not required, through a stranger": (stage) => login(stage, { ...byName("any", "p"), proxy: stranger }),
    required: (stage) => login(stage, byName("behind", "p")),
    "required, a wrong password": async (stage) => {
      stage.leaveOut(...PROXY_OF_REFUSED);
      await stage.login("A", { ...byName("behind", "x"), proxy });
    },
    "required, through a proxy": (stage) => login(stage, { ...byName("behind", "p"), proxy }),
    "required, through a stranger": (stage) => login(stage, { ...byName("behind", "p"), proxy: stranger }),
    "required of an nkey": (stage) => login(stage, byNkey(alice)),
    "required of an nkey, through a proxy": (stage) => login(stage, { ...byNkey(alice), proxy }),
    "a signature that is none": (stage) => login(stage, byName("behind", "p", { proxy_sig: "!" })),
  },
);

compareAuth(
  "a proxy for everybody",
  `proxies: { trusted: [{ key: ${proxy.publicKey} }] }
  authorization { timeout: 30, user: u, password: p, proxy_required: true }`,
  {
    none: (stage) => login(stage, byName("u", "p")),
    "none, and a wrong password": (stage) => login(stage, byName("u", "x")),
    "the proxy": (stage) => login(stage, { ...byName("u", "p"), proxy }),
    "the proxy, and a wrong password": async (stage) => {
      stage.leaveOut(...PROXY_OF_REFUSED);
      await stage.login("A", { ...byName("u", "x"), proxy });
    },
  },
);

compareAuth("a proxy_sig where no proxy is trusted", "authorization { timeout: 30, token: t }", {
  "it says nothing": (stage) => login(stage, { connect: { auth_token: "t", proxy_sig: "x" } }),
  "a token, as monitoring shows it": (stage) => login(stage, { connect: { auth_token: "t", name: "n" } }),
  "a wrong token, with a name": (stage) =>
    login(stage, { connect: { auth_token: "x", name: "n", user: "bob" } }),
});

compareAuth(
  "bcrypt",
  `authorization { timeout: 30, users: [
  { user: alice, password: "$2a$04$7mYlxddccFihOEKA5WjU7.xFKu45IfLnkq.iuZc4c21rIhw0E407y" }
  { user: bob, password: plain }
] }`,
  {
    "the right password": (stage) => login(stage, byName("alice", "s3cret")),
    "a wrong password": (stage) => login(stage, byName("alice", "bar")),
    "the hash itself": (stage) =>
      login(stage, byName("alice", "$2a$04$7mYlxddccFihOEKA5WjU7.xFKu45IfLnkq.iuZc4c21rIhw0E407y")),
    "no password": (stage) => login(stage, byName("alice", "")),
    "a long one": (stage) => login(stage, byName("alice", "x".repeat(100))),
    "operations right behind": async (stage) => {
      await stage.open("A");
      await stage.say(
        "A",
        'CONNECT {"user":"alice","pass":"s3cret","verbose":true}\r\nSUB a 1\r\nPUB a 0\r\n\r\n',
      );
    },
  },
);

compareAuth("too late", "authorization { timeout: 0.15, user: u, password: p }", {
  "no CONNECT": async (stage) => {
    await stage.open("A");
    await stage.ends("A");
  },
  "in time": (stage) => login(stage, byName("u", "p")),
  "half of a CONNECT": async (stage) => {
    (await stage.open("A")).send('CONNECT {"us');
    await stage.ends("A");
  },
});

function login(stage: Stage, how: Parameters<Stage["login"]>[1]): Promise<void> {
  return stage.login("A", how).then(() => undefined);
}
