/** What came of a file operation; `problem` names the file and the system's reason. */
export type FileResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/**
 * A folder of small text files that one server has to itself, handed in. Names are plain: whoever calls has
 * checked that they hold no separator. Nothing here rejects.
 */
export interface ClaimsDirectory {
  /** For messages to people. */
  readonly path: string;
  /** Makes the folder if there is none, and clears away what a crash left of unfinished writes. */
  open(): Promise<FileResult<void>>;
  /** The names of the files in it, sorted; folders are left out. */
  names(): Promise<FileResult<readonly string[]>>;
  /** The text of a file; null: there is no such file. */
  read(name: string): Promise<FileResult<string | null>>;
  /**
   * Writes a file that only the server's user may read. After a crash, or when the disk is full, either the new
   * text is there in full or what was there before.
   */
  write(name: string, text: string): Promise<FileResult<void>>;
  /** Gives a file another name, replacing what has it; false: there is no such file. */
  rename(name: string, to: string): Promise<FileResult<boolean>>;
  /** Removes a file; false: there was none. */
  remove(name: string): Promise<FileResult<boolean>>;
}
