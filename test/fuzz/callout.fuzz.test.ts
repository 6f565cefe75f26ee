import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { readCalloutAnswer } from "../../packages/caddis/src/auth/callout-response.ts";
import { CurveKeyPair, SEAL_NONCE_BYTES } from "../../packages/caddis/src/auth/xkey.ts";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { newKeyPair, type SeenRequest, writeAnswer } from "../support/callout-service.ts";
import { forEachSeed, pick } from "./seeds.ts";

const NOW_MS = Date.UTC(2026, 5, 1);
const CHANGES_PER_SEED = 100;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n{";

const issuer = newKeyPair("account");
const server = newKeyPair("server").publicKey;
const userNkey = newKeyPair("user").publicKey;
const service = new CurveKeyPair(randomBytes(32));
const curve = new CurveKeyPair(randomBytes(32));

const expected = {
  userNkey,
  serverId: server,
  isSigner: (iss: string): boolean => iss === issuer.publicKey,
  nowMs: NOW_MS,
};
const plain = { ...expected, seal: null };
const sealed = { ...expected, seal: { curve, sender: service.publicKey } };

function goodAnswer(): Buffer {
  const request = { nats: { user_nkey: userNkey, server_id: { id: server } } } as unknown as SeenRequest;
  return writeAnswer(request, issuer, {}, NOW_MS);
}

/** One to three changes: other bits or characters, bytes left out, doubled or moved. */
function altered(random: SeededRandom, bytes: Buffer): Buffer {
  let changed = Buffer.from(bytes);
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(changed.length);
    const to = Math.min(changed.length, at + 1 + random.below(8));
    const cut = changed.subarray(at, to);
    switch (random.below(4)) {
      case 0:
        changed[at] ^= 1 << random.below(8);
        break;
      case 1:
        changed[at] = pick(random, [...Buffer.from(BASE64URL)]);
        break;
      case 2:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(to)]);
        break;
      default:
        changed = Buffer.concat([changed.subarray(0, to), cut, changed.subarray(to)]);
    }
  }
  return changed;
}

test("an altered answer is refused, sealed or not", async (t) => {
  const good = goodAnswer();
  assert.ok("sub" in readCalloutAnswer(good, plain));
  await forEachSeed(t, (random) => {
    const box = Buffer.from(
      curve.seal(good, service.publicKey, random.bytes(SEAL_NONCE_BYTES)) ?? assert.fail("not sealed"),
    );
    assert.ok("sub" in readCalloutAnswer(box, sealed));
    for (let i = 0; i < CHANGES_PER_SEED; i++) {
      const answer = altered(random, good);
      if (!answer.equals(good))
        assert.ok("problem" in readCalloutAnswer(answer, plain), answer.toString("latin1"));
      const otherBox = altered(random, box);
      if (!otherBox.equals(box)) assert.ok("problem" in readCalloutAnswer(otherBox, sealed));
    }
  });
});

test("bytes of any kind are refused", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < CHANGES_PER_SEED; i++) {
      const bytes = Buffer.from(random.bytes(random.below(200)));
      const begun = Buffer.concat([Buffer.from(pick(random, ["", "eyJ", "xkv1", "eyJhIjoxfQ."])), bytes]);
      assert.ok("problem" in readCalloutAnswer(begun, plain));
      assert.ok("problem" in readCalloutAnswer(begun, sealed));
    }
  });
});
