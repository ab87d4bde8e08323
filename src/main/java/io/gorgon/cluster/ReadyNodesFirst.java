package io.gorgon.cluster;

import java.util.function.Predicate;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Address;
import org.apache.pekko.cluster.sharding.ShardCoordinator.ActorSystemDependentAllocationStrategy;
import org.apache.pekko.cluster.sharding.ShardCoordinator.ShardAllocationStrategy;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Map;
import scala.collection.immutable.Set;
import scala.concurrent.Future;

/**
 * Gives sessions to nodes that can serve them: sharding's own strategy prefers the node that has
 * fewest, which is the one that has just come, and whose workers may still import. Where no node is
 * ready, all count. Called by one thread at a time.
 */
final class ReadyNodesFirst implements ActorSystemDependentAllocationStrategy {

  private final ShardAllocationStrategy among;
  private final Predicate<Address> isReady;

  /** {@code among}: chooses one of several nodes that are ready. */
  ReadyNodesFirst(ShardAllocationStrategy among, Predicate<Address> isReady) {
    this.among = among;
    this.isReady = isReady;
  }

  @Override
  public void start(ActorSystem system) {
    if (among instanceof ActorSystemDependentAllocationStrategy own) {
      own.start(system);
    }
  }

  @Override
  public Future<ActorRef> allocateShard(
      ActorRef requester, String shard, Map<ActorRef, IndexedSeq<String>> current) {
    return among.allocateShard(requester, shard, ready(current));
  }

  @Override
  public Future<Set<String>> rebalance(
      Map<ActorRef, IndexedSeq<String>> current, Set<String> inProgress) {
    return among.rebalance(ready(current), inProgress);
  }

  /** Java sees less of the type of a filtered map than Scala does. */
  @SuppressWarnings("unchecked")
  private Map<ActorRef, IndexedSeq<String>> ready(Map<ActorRef, IndexedSeq<String>> all) {
    Map<ActorRef, IndexedSeq<String>> ready =
        (Map<ActorRef, IndexedSeq<String>>)
            all.filter(region -> isReady.test(region._1().path().address()));
    return ready.isEmpty() ? all : ready;
  }
}
