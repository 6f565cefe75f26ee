import { CONNECTION_TYPES, type ConnectionType } from "../config/users.ts";

/** Whether a user with these `allowed_connection_types` (null or none: all) may come by `type`. */
export function isConnectionTypeAllowed(
  allowed: readonly ConnectionType[] | null,
  type: ConnectionType,
): boolean {
  return allowed === null || allowed.length === 0 || allowed.includes(type);
}

/**
 * The types among `names`, in any case, that this server knows. A JWT may name others: it is for whoever made it to
 * be understood by servers of all versions. Null if it names only others: that is not "all types".
 */
export function readConnectionTypes(names: readonly string[]): readonly ConnectionType[] | null {
  const upper = new Set(names.map((name) => name.toUpperCase()));
  const known = CONNECTION_TYPES.filter((type) => upper.has(type));
  return known.length === 0 && names.length > 0 ? null : known;
}
