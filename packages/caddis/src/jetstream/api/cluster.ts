import { type ApiEndpoint, clusterEndpoint } from "./endpoint.ts";

/** What only servers of a cluster can do for streams. */
export const CLUSTER_ENDPOINTS: readonly ApiEndpoint[] = [
  clusterEndpoint("STREAM.PEER.REMOVE.*", "stream_remove_peer"),
  clusterEndpoint("STREAM.PEER.EVACUATE.*", "stream_evacuate_peer"),
  clusterEndpoint("STREAM.CANCEL_MOVE.*", "stream_cancel_move"),
  clusterEndpoint("STREAM.LEADER.STEPDOWN.*", "stream_leader_stepdown"),
];
