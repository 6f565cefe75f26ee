/** Longest description and URL; as in the reference. */
const INFO_CHARS_MAX = 8 * 1024;

/** What is wrong with the description and the URL of an account or an export, in the reference's words. */
export function infoProblems(info: { readonly description: string; readonly info_url: string }): string[] {
  const { description, info_url: url } = info;
  const problems: string[] = [];
  if (description.length > INFO_CHARS_MAX) problems.push("Description is too long");
  if (url.length > INFO_CHARS_MAX) problems.push("Info URL is too long");
  if (url !== "" && !/^[a-z][a-z\d+.-]*:\/\/[^/?#]/i.test(url)) {
    problems.push("error parsing info url: no hostname or scheme");
  }
  return problems;
}
