import type { AuthRequest } from "../../auth/identity.ts";
import { JWT_PREFIX } from "../../auth/jwt.ts";
import { isPublicNkey } from "../../base/nkey-text.ts";
import { defaultConnectOptions } from "../../wire/connect.ts";
import type { PolicyQuestion } from "./policy.ts";

/** From where a user comes when nothing is said. */
const LOCAL_HOST = "127.0.0.1";

/** What the user in question would show when it connects, apart from secrets. */
export function requestOf(
  question: PolicyQuestion,
  shown: Partial<AuthRequest["connect"]> = {},
): AuthRequest {
  const { user = "", connectionType = "STANDARD", host = LOCAL_HOST } = question;
  const name = isPublicNkey("user", user) ? { nkey: user } : { user };
  return {
    connect: { ...defaultConnectOptions(), ...name, ...shown },
    nonce: "",
    connectionType,
    cid: 0,
    host: connectionType === "IN_PROCESS" ? "" : host,
    tls: null,
  };
}

/** Whether a text is a JWT, and not the name of a file that has one. */
export function isJwtText(text: string): boolean {
  return text.startsWith(JWT_PREFIX);
}
