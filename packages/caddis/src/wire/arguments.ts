import { SIZE_DIGITS_MAX } from "../base/limits.ts";

const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const ZERO = 0x30;

/** More arguments than any operation takes: enough to see that there are too many. */
const ARGUMENTS_MAX = 6;

/**
 * Fills `parts` with the ranges of `buf[start, end)` between spaces and tabs, as pairs of start and end; returns how many
 * there are. The reference takes a CR inside SUB and UNSUB for a separator too, inside a publish for a part of a token.
 */
export function splitArguments(
  parts: number[],
  buf: Buffer,
  start: number,
  end: number,
  carriageReturnSeparates: boolean,
): number {
  const alsoSeparates = carriageReturnSeparates ? CR : SPACE;
  parts.length = 0;
  let isInside = false;
  for (let i = start; i < end; i++) {
    const byte = buf[i];
    const separates = byte === SPACE || byte === TAB || byte === alsoSeparates;
    if (separates !== isInside) continue;
    if (parts.length === 2 * ARGUMENTS_MAX) break;
    parts.push(i);
    isInside = !isInside;
  }
  if (isInside) parts.push(end);
  return parts.length >> 1;
}

/** The number in `[start, end)`, or -1 unless it is one to nine digits. */
export function parseSize(buf: Buffer, start: number, end: number): number {
  if (end <= start || end - start > SIZE_DIGITS_MAX) return -1;
  let size = 0;
  for (let i = start; i < end; i++) {
    const digit = buf[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    size = size * 10 + digit;
  }
  return size;
}
