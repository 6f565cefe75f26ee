import type { AccountConfig, ExportConfig, ImportConfig } from "../../packages/caddis/src/config/accounts.ts";

/**
 * Accounts in the configuration language, each with one user of its own name and no password to speak of.
 * Texts are such that JSON's strings are NATS's as well.
 */
export function accountsToText(configs: readonly AccountConfig[]): string {
  const accounts = configs.map(
    ({ name, exports, imports, mappings, limits }) => `${JSON.stringify(name)} {
  users: [{user: ${JSON.stringify(name)}, password: pw}]
  limits { max_connections: ${limits.max_connections} }
  exports: [
${exports.map(exportText).join("\n")}
  ]
  imports: [
${imports.map(importText).join("\n")}
  ]
  mappings {
${mappings.map(({ source, destinations }) => `${JSON.stringify(source)}: ${JSON.stringify(destinations)}`).join("\n")}
  }
}`,
  );
  return `accounts {\n${accounts.join("\n")}\n}\n`;
}

function exportText(config: ExportConfig): string {
  const parts = [`${config.kind}: ${JSON.stringify(config.subject)}`];
  if (config.approval.kind === "accounts")
    parts.push(`accounts: ${JSON.stringify(config.approval.accounts)}`);
  if (config.account_token_position > 0) {
    parts.push(`account_token_position: ${config.account_token_position}`);
  }
  if (config.kind === "service") {
    parts.push(`response_type: ${config.response_type}`, `threshold: "${config.response_threshold}ms"`);
    const { latency } = config;
    if (latency !== null) {
      const sampling = latency.sampling === "headers" ? "headers" : `${latency.sampling}%`;
      parts.push(`latency: {subject: ${JSON.stringify(latency.subject)}, sampling: "${sampling}"}`);
    }
  }
  return `{${parts.join(", ")}}`;
}

function importText(config: ImportConfig): string {
  const { kind, account, subject, to } = config;
  const parts = [`${kind}: {account: ${JSON.stringify(account)}, subject: ${JSON.stringify(subject)}}`];
  if (to !== "") parts.push(`to: ${JSON.stringify(to)}`);
  if (config.kind === "stream" && config.prefix !== "")
    parts.push(`prefix: ${JSON.stringify(config.prefix)}`);
  if (config.kind === "service" && config.share) parts.push("share: true");
  return `{${parts.join(", ")}}`;
}
