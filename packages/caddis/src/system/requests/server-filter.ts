import type { Broker } from "../../broker/broker.ts";
import type { RequestBody } from "./request-body.ts";

/**
 * Whether a request that goes to all servers means this one, by `server_name`, `host`, `cluster`, `tags` and
 * `domain` of its body: part of a name will do unless `exact_match`, and all tags must be there. Who is not meant
 * stays silent.
 */
export function isMeant(broker: Broker, body: RequestBody): boolean {
  const isExact = body.flag("exact_match");
  const fits = (name: string, own: string): boolean => {
    const asked = body.text(name);
    return asked === "" || (isExact ? own === asked : own.includes(asked));
  };
  // Each of them is read, so that one that is of the wrong type is told whatever the others say.
  const verdicts = [
    fits("server_name", broker.serverName),
    fits("host", broker.host),
    // There is no cluster.
    fits("cluster", ""),
    fitsDomain(body.text("domain"), broker.options.jetstream.domain),
    hasTags(broker.options.server_tags, body.texts("tags")),
  ];
  return verdicts.every(Boolean);
}

/** A domain counts as a whole. */
function fitsDomain(asked: string, own: string): boolean {
  return asked === "" || asked === own;
}

/** Tags count in any case, and blanks around them do not. */
function hasTags(own: readonly string[], asked: readonly string[]): boolean {
  const known = new Set(own.map((tag) => tag.toLowerCase()));
  return asked.every((tag) => known.has(tag.trim().toLowerCase()));
}
