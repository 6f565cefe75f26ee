/** An IPv4 address counts as the IPv6 one it is mapped to. */
const IPV4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const IPV4_PREFIX_BITS = 8 * IPV4_PREFIX.length;
const ADDRESS_BITS = 128;

interface Network {
  readonly address: Uint8Array;
  /** Of the 128. */
  readonly bits: number;
}

/**
 * Whether a client at `host` lies in one of the networks (`192.0.2.0/24`, `2001:db8::/32`); none of them: it does.
 * An address that is none, as inside the process, lies nowhere, and nothing lies in a network that is none.
 */
export function isFromNetworks(networks: readonly string[], host: string): boolean {
  if (networks.length === 0) return true;
  const address = parseAddress(host);
  return address !== null && networks.some((network) => contains(parseNetwork(network), address));
}

/** Whether `text` is a network, written as an address and a number of bits. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null;
}

function contains(network: Network | null, address: Uint8Array): boolean {
  if (network === null) return false;
  // `::/0` is about IPv6, not about the IPv4 addresses that are mapped into it.
  if (isIPv4(address) !== (network.bits >= IPV4_PREFIX_BITS && isIPv4(network.address))) return false;
  return address.every((byte, i) => {
    const bits = Math.min(Math.max(network.bits - 8 * i, 0), 8);
    return (byte ^ network.address[i]) >> (8 - bits) === 0;
  });
}

function isIPv4(address: Uint8Array): boolean {
  return IPV4_PREFIX.every((byte, i) => address[i] === byte);
}

function parseNetwork(text: string): Network | null {
  const match = /^([\da-f:.]+)\/(\d{1,3})$/i.exec(text);
  const address = match === null ? null : parseAddress(match[1]);
  if (match === null || address === null) return null;
  const isShort = !match[1].includes(":");
  const bits = Number(match[2]) + (isShort ? IPV4_PREFIX_BITS : 0);
  return bits > ADDRESS_BITS ? null : { address, bits };
}

/** 16 bytes, or null. */
function parseAddress(text: string): Uint8Array | null {
  const bytes = text.includes(":") ? parseIPv6(text) : parseIPv4Mapped(text);
  return bytes === null ? null : Uint8Array.from(bytes);
}

function parseIPv4Mapped(text: string): readonly number[] | null {
  const bytes = parseIPv4(text);
  return bytes === null ? null : [...IPV4_PREFIX, ...bytes];
}

function parseIPv4(text: string): readonly number[] | null {
  const parts = text.split(".", 5);
  const isByte = (part: string): boolean => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isByte) ? parts.map(Number) : null;
}

/** Eight groups, of which `::` stands for one or more that are zero; the last two may be an IPv4 address. */
function parseIPv6(text: string): readonly number[] | null {
  const halves = text.split("::", 3).map(parseGroups);
  const [head, tail = []] = halves;
  if (halves.length > 2 || head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return [...head, ...new Uint8Array(missing), ...tail];
}

function parseGroups(text: string): readonly number[] | null {
  if (text === "") return [];
  const groups = text.split(":", 9);
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    const embedded = i === groups.length - 1 ? parseIPv4(group) : null;
    if (embedded === null && !/^[\da-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes.push(...(embedded ?? [value >> 8, value & 0xff]));
  }
  return bytes;
}
