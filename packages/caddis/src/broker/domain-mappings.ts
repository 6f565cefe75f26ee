import type { MappingInput } from "../subject/mapping.ts";

/**
 * What is behind the API of a JetStream domain, `$JS.<domain>.API`, and where it is: clients put key-value and object
 * stores behind the same prefix. As in the reference.
 */
const BEHIND_THE_API: Readonly<Record<string, string>> = {
  INFO: "$JS.API.INFO",
  "STREAM.>": "$JS.API.STREAM.>",
  "CONSUMER.>": "$JS.API.CONSUMER.>",
  "DIRECT.>": "$JS.API.DIRECT.>",
  "META.>": "$JS.API.META.>",
  "SERVER.>": "$JS.API.SERVER.>",
  "ACCOUNT.>": "$JS.API.ACCOUNT.>",
  "$KV.>": "$KV.>",
  "$OBJ.>": "$OBJ.>",
};

/** The mappings by which a JetStream can be reached by its domain. */
export function domainMappings(domain: string): readonly MappingInput[] {
  return Object.entries(BEHIND_THE_API).map(([suffix, destination]) => ({
    source: `$JS.${domain}.API.${suffix}`,
    destinations: destination,
  }));
}

/** The same in the account of the servers, which has no stores. */
export function systemDomainMappings(domain: string): readonly MappingInput[] {
  return [{ source: `$JS.${domain}.API.>`, destinations: "$JS.API.>" }];
}
