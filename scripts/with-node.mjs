// Runs a TypeScript program of this repository, or says in one line which Node it needs. Plain old
// JavaScript, since it has to run on whatever Node is there.
var needed = [24, 20];
var found = process.versions.node.split(".").map(Number);
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  console.error(
    "caddis needs Node.js " +
      needed.join(".") +
      " or newer (found: " +
      process.version +
      "); `npm ci` brings one on Linux x64",
  );
  process.exit(1);
}
var program = new URL(process.argv[2], "file://" + process.cwd() + "/");
process.argv.splice(1, 2, program.pathname);
void import(program.href);
