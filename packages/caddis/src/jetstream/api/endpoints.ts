import { ACCOUNT_INFO } from "./account-info.ts";
import { CLUSTER_ENDPOINTS } from "./cluster.ts";
import { CONSUMER_CREATE_ENDPOINTS } from "./consumer-create.ts";
import { CONSUMER_LIST_ENDPOINTS } from "./consumer-list.ts";
import { CONSUMER_ENDPOINTS } from "./consumer-requests.ts";
import type { ApiEndpoint } from "./endpoint.ts";
import { MESSAGE_GET_ENDPOINT } from "./message-get.ts";
import { SNAPSHOT_ENDPOINTS } from "./snapshot.ts";
import { STREAM_CREATE } from "./stream-create.ts";
import { STREAM_INFO } from "./stream-info.ts";
import { STREAM_LISTS } from "./stream-list.ts";
import { STREAM_REMOVALS } from "./stream-remove.ts";
import { STREAM_UPDATE } from "./stream-update.ts";

/** All that can be asked of the API but for messages, which consumers and streams bring by themselves. */
export const ENDPOINTS: readonly ApiEndpoint[] = [
  ACCOUNT_INFO,
  STREAM_CREATE,
  STREAM_UPDATE,
  STREAM_INFO,
  ...STREAM_LISTS,
  ...STREAM_REMOVALS,
  MESSAGE_GET_ENDPOINT,
  ...SNAPSHOT_ENDPOINTS,
  ...CONSUMER_CREATE_ENDPOINTS,
  ...CONSUMER_LIST_ENDPOINTS,
  ...CONSUMER_ENDPOINTS,
  ...CLUSTER_ENDPOINTS,
];
