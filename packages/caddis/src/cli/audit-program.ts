import type { Options } from "../config/options.ts";
import type { Log } from "../io/log.ts";
import { openAuditFile } from "../io/node/audit-file.ts";
import { diffOptions } from "../server/reload-diff.ts";
import type { ReloadPart } from "../server/reload-part.ts";
import type { Server } from "../server/server.ts";
import { Audit } from "../system/audit.ts";

/**
 * The audit log of a program's server; null where `audit_log` names none. Throws an `Error` for the user when the file
 * can't be opened.
 */
export function openAudit(server: Server, { audit_log }: Options, log: Log): Audit | null {
  if (audit_log === "") return null;
  const audit = new Audit(server.broker, openAuditFile(audit_log, log));
  server.broker.events.add(audit);
  void server.closed.then(() => audit.close());
  return audit;
}

/** Tells `audit` what a reload changes. */
export function auditReload(audit: Audit): ReloadPart {
  return {
    prepare: (current, next) => ({
      commit() {
        audit.noteConfigChanged(diffOptions(current, next, null).changed);
        audit.follow();
      },
    }),
  };
}
