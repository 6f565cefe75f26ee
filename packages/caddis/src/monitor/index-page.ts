import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";

/** What the page says of an endpoint. */
export interface IndexEntry {
  readonly path: string;
  readonly title: string;
}

/** The page under `/`: what can be asked for. Links are relative, so that they work behind a proxy too. */
export function indexPage(base: string, entries: readonly IndexEntry[]): string {
  const links = entries.map(
    ({ path, title }) => `<li><a href=".${escapeHtml(base)}${path}">${title}</a> <code>${path}</code></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Caddis</title>
<style>
body { font-family: system-ui, sans-serif; margin: 2rem; }
li { margin: 0.4rem 0; }
code { color: #777; }
</style>
</head>
<body>
<h1>Caddis ${CADDIS_VERSION}</h1>
<p>Speaks the protocol of NATS ${COMPATIBLE_VERSION}.</p>
<ul>
${links.join("\n")}
</ul>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
