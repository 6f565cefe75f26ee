import { CalloutAuthenticator } from "../../auth/callout.ts";
import type { CalloutPolicy } from "../../auth/callout-policy.ts";
import type { AuthRequest, Verdict } from "../../auth/identity.ts";
import { calloutDeps } from "../security.ts";
import type { StillServer } from "./still-server.ts";

/**
 * What becomes of the server's own verdict where an auth callout is configured. Null: the service decides, and
 * nobody here knows how.
 */
export async function throughCallout(
  { broker, localZone, options }: StillServer,
  policy: CalloutPolicy,
  request: AuthRequest,
  verdict: Verdict,
): Promise<Verdict | null> {
  let isAsked = false;
  const own = {
    expectsConnect: true,
    isRequired: true,
    needsNonce: false,
    takesUnannounced: false,
    authenticate: () => verdict,
  };
  const callout = new CalloutAuthenticator(own, {
    ...calloutDeps(options, broker, localZone, policy),
    request() {
      isAsked = true;
      return Promise.resolve(null);
    },
  });
  const decided = await callout.authenticate(request);
  return isAsked ? null : decided;
}

/** A policy for somebody the service has let in: what holds for everybody in its account holds for them too. */
export function asIfLetIn(policy: CalloutPolicy): CalloutPolicy {
  return {
    async delegate(request, verdict) {
      const delegation = await policy.delegate(request, verdict);
      return delegation === null ? null : { ...delegation, isBypassed: true };
    },
  };
}
