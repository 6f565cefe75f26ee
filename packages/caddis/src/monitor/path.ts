/** Paths, spelled as the reference spells them. */

/** One slash between parts, no `.` and `..`, a slash in front, and one at the end where there was one. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.length === 0 ? "/" : `/${parts.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** The path that all others begin with, as configured: empty, or with a slash in front and none at the end. */
export function basePath(configured: string): string {
  return cleanPath(configured).replace(/\/$/, "");
}
