package io.gorgon.cluster;

import io.gorgon.PythonPool;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * This is a pool that runs on this node and is open to the others.
 *
 * @param pool the pool itself
 * @param visits the calls of other nodes in it
 * @param gate lets those in
 */
record Hosted(PythonPool pool, Visits visits, ActorRef<Gate.Command> gate) {}
