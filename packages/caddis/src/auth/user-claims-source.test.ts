import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { test } from "node:test";
import * as fc from "fast-check";
import { isFromNetworks, isNetwork } from "./user-claims-source.ts";

test("addresses lie in their networks", () => {
  const inside = [
    ["192.0.2.0/24", "192.0.2.255"],
    ["192.0.2.9/24", "192.0.2.1"],
    ["0.0.0.0/0", "203.0.113.7"],
    ["192.0.2.1/32", "192.0.2.1"],
    ["192.0.2.0/24", "::ffff:192.0.2.4"],
    ["::ffff:192.0.2.0/120", "192.0.2.4"],
    ["2001:db8::/32", "2001:db8:ffff::1"],
    ["::/0", "::1"],
    ["::1/128", "0:0:0:0:0:0:0:1"],
    ["fe80::/10", "FEBF::1"],
    ["2001:db8::/33", "2001:db8:7fff::"],
  ];
  const outside = [
    ["192.0.2.0/24", "192.0.3.0"],
    ["192.0.2.0/25", "192.0.2.128"],
    ["0.0.0.0/0", "::1"],
    ["::/0", "192.0.2.1"],
    ["::/0", "::ffff:192.0.2.1"],
    ["2001:db8::/33", "2001:db8:8000::"],
    ["192.0.2.0/24", ""],
    ["0.0.0.0/0", "localhost"],
    ["::/0", "fe80::1%eth0"],
  ];
  for (const [network, host] of inside) assert.ok(isFromNetworks([network], host), `${host} in ${network}`);
  for (const [network, host] of outside) assert.ok(!isFromNetworks([network], host), `${host} in ${network}`);
});

test("no networks are all, and one of several is enough", () => {
  assert.ok(isFromNetworks([], ""));
  assert.ok(isFromNetworks(["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.1"));
  assert.ok(!isFromNetworks(["10.0.0.0/8", "nonsense"], "192.0.2.1"));
});

test("what is no network is none", () => {
  for (const text of [
    "192.0.2.1",
    "192.0.2.0/33",
    "1.2.3/8",
    "01.2.3.4/8",
    "256.1.1.1/8",
    "::/129",
    ":::/8",
    "1::2::3/8",
    "g::/8",
    "1:2:3:4:5:6:7:8:9/8",
    "1:2:3:4:5:6:7/8",
    "::1.2.3.4.5/8",
    "/8",
    "192.0.2.0/",
    "192.0.2.0/-1",
    "192.0.2.0/8 ",
    "",
  ]) {
    assert.ok(!isNetwork(text), text);
    assert.ok(!isFromNetworks([text], "192.0.2.1"), text);
  }
  assert.ok(isNetwork("1:2:3:4:5:6:7::/8"));
});

test("networks are what Node's block lists make of them", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const v4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
  const v6 = fc.ipV6();
  const pair = (address: fc.Arbitrary<string>, bits: number): fc.Arbitrary<[string, string, number]> =>
    fc.tuple(address, address, fc.integer({ min: 0, max: bits }));
  fc.assert(
    fc.property(fc.oneof(pair(v4, 32), pair(v6, 128)), fc.nat(), ([network, other, bits], near) => {
      // An address that differs late, or one that has nothing to do with it.
      const host = near % 2 === 0 ? other : network.replace(/[\da-f]$/i, String(near % 10));
      if (isIP(host) === 0 || host.includes("::ffff:") || isMapped(host) || isMapped(network)) return;
      const family = isIP(network) === 4 ? "ipv4" : "ipv6";
      const list = new BlockList();
      list.addSubnet(network, bits, family);
      assert.equal(
        isFromNetworks([`${network}/${bits}`], host),
        list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6"),
      );
    }),
  );
});

/** Whether an IPv6 address holds an IPv4 one, about which the two differ. */
function isMapped(address: string): boolean {
  return /^(?:0{0,4}:){2,}.*ffff:/i.test(address);
}
