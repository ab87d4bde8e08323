/**
 * One pool over many nodes, behind the same face. Knows: the root, sessions, pools, workers, the
 * wire and messages; of Pekko the cluster, its receptionist and its sharding.
 */
@org.jspecify.annotations.NullMarked
package io.gorgon.cluster;
