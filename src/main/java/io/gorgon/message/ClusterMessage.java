package io.gorgon.message;

/**
 * This marks what may go from one node of a cluster to another. It travels as CBOR, written and
 * read by Jackson: a field that the reader does not know is passed over, one that it misses is null
 * or zero, so nodes of neighbouring versions understand each other.
 */
public interface ClusterMessage {}
