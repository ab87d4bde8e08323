package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.pattern.StatusReply;
import org.jspecify.annotations.Nullable;

/**
 * These are the actors and calls that wait for a worker of a {@link Pool}, by the numbers that
 * {@link PoolState} knows them by, and those that have one. It hands workers over to them, or tells
 * them why not.
 */
final class Askers {

  private final ActorContext<Pool.Command> context;
  private final PoolSettings settings;
  private final PoolState state;
  private final Hands hands;
  private final Peers peers;
  private final Subscribers subscribers;
  private final Consumer<PoolInput> later;
  private final Map<Long, Asker> waiting = new HashMap<>();
  private final Map<Lease, Asker> holders = new HashMap<>();
  private long requests;
  private PythonFailure broken = new PythonFailure.NoCapacity("", "", List.of());

  Askers(
      ActorContext<Pool.Command> context,
      PoolSettings settings,
      PoolState state,
      long requestsBefore,
      Hands hands,
      Peers peers,
      Subscribers subscribers,
      Consumer<PoolInput> later) {
    this.context = context;
    this.settings = settings;
    this.state = state;
    this.requests = requestsBefore;
    this.hands = hands;
    this.peers = peers;
    this.subscribers = subscribers;
    this.later = later;
  }

  /** How many have asked, those of the pool's former lives included. */
  long requests() {
    return requests;
  }

  /** Notes who wants a lease; the number of the request. */
  long add(Pool.Checkout checkout) {
    return add(checkout.replyTo(), null, checkout.kind(), checkout.owner().orElse(null));
  }

  /** Notes whose call is to be run; the number of the request. */
  long add(Pool.Submit submit) {
    long request = add(null, submit.call(), submit.kind(), null);
    submit.call().heldBy(new SessionPlace(request, later));
    return request;
  }

  private long add(
      @Nullable ActorRef<StatusReply<Granted>> replyTo,
      @Nullable PendingCall call,
      CheckoutKind kind,
      @Nullable ActorRef<?> owner) {
    long request = ++requests;
    waiting.put(request, new Asker(request, replyTo, call, kind, owner));
    return request;
  }

  /** The requests whose answer goes, or went, there. */
  List<Long> requestsOf(ActorRef<StatusReply<Granted>> replyTo) {
    return Stream.concat(waiting.values().stream(), holders.values().stream())
        .filter(asker -> replyTo.equals(asker.replyTo()))
        .map(Asker::request)
        .toList();
  }

  /** Hands a worker over; what follows at once if that cannot be. */
  Optional<PoolInput> grant(PoolEffect.Grant grant) {
    Lease lease = grant.lease();
    Asker asker = waiting.remove(grant.request());
    if (asker == null) {
      return Optional.of(new PoolInput.Reclaimed(lease, Runner.Leftover.UNUSED));
    }
    Runner runner = hands.runnerOf(lease);
    Optional<HandOver.Problem> problem =
        runner == null
            ? Optional.of(HandOver.Problem.PROCESS_DEAD)
            : handOver(asker, runner, lease);
    if (problem.isPresent() || runner == null) {
      waiting.put(grant.request(), asker);
      return Optional.of(new PoolInput.HandOverFailed(lease, problem.orElseThrow()));
    }
    holders.put(lease, asker);
    if (asker.replyTo() != null) {
      subscribers.publish(
          new PoolEvent.LeaseGranted(
              runner.id(), lease.sequence(), asker.kind().session().orElse(null)));
      asker.replyTo().tell(StatusReply.success(new Granted(lease, runner)));
    }
    return Optional.empty();
  }

  private Optional<HandOver.Problem> handOver(Asker asker, Runner runner, Lease lease) {
    Optional<HandOver.Problem> problem =
        HandOver.lend(
            runner,
            lease,
            () -> asker.owner() == null || peers.isOwnerAlive(asker.owner()),
            context.getLog());
    PendingCall call = asker.call();
    boolean lost = problem.isEmpty() && call != null && !runner.startLeased(lease, call);
    return lost ? Optional.of(HandOver.Problem.CONNECTION_CLOSED) : problem;
  }

  /** What calls are told that are refused for want of capacity, from now on. */
  void broken(PythonFailure failure) {
    broken = failure;
  }

  void refuse(PoolEffect.Refuse refuse) {
    Asker asker = waiting.remove(refuse.request());
    if (asker == null) {
      return;
    }
    Refusal refusal = refuse.refusal();
    if (asker.replyTo() != null) {
      PythonFailure failure = Refusals.failure(settings.name(), asker.kind(), refusal);
      subscribers.publish(
          new PoolEvent.CheckoutRefused(
              settings.name(), refusal.reason().toString(), String.valueOf(failure.getMessage())));
      asker.replyTo().tell(StatusReply.error(failure));
    } else if (asker.call() != null) {
      asker
          .call()
          .fail(
              Refusals.callFailure(
                  settings,
                  asker.call(),
                  asker.kind(),
                  refusal,
                  broken,
                  state.line().size(),
                  state.figures()));
    }
  }

  /** Refuses all who wait: the calls with {@code failure}, those who want a lease otherwise. */
  void refuseAll(PythonFailure failure, Refusal refusal) {
    for (Asker asker : waiting.values()) {
      if (asker.replyTo() != null) {
        asker
            .replyTo()
            .tell(StatusReply.error(Refusals.failure(settings.name(), asker.kind(), refusal)));
      } else if (asker.call() != null) {
        asker.call().fail(failure);
      }
    }
    waiting.clear();
  }

  /** Runs a call on a worker that somebody has, or answers it: there is no such lease any more. */
  void run(Lease lease, PendingCall call) {
    Runner runner = hands.runnerOf(lease);
    if (runner == null || !runner.startLeased(lease, call)) {
      call.fail(
          new PythonFailure.CheckoutRefused(
              settings.name(),
              PythonFailure.CheckoutRefused.Reason.LEASE_ENDED,
              lease + " has ended: check out again"));
    }
  }

  /** Takes a worker back; what its holder left. */
  Runner.Leftover reclaim(Lease lease) {
    holders.remove(lease);
    Runner runner = hands.runnerOf(lease);
    return runner == null ? Runner.Leftover.NOT_OWNED : runner.reclaim(lease);
  }

  /** Stops what runs under a lease. */
  void abandon(PoolEffect.Abandon abandon) {
    Runner runner = hands.runnerOf(abandon.lease());
    if (runner != null) {
      runner.abandonAll(
          call -> new PythonFailure.Cancelled(call.call().target(), true, abandon.why()));
    }
  }

  /** The worker died before it started the call that the lease was for: it waits again. */
  boolean takeBack(Lease lease) {
    Asker asker = holders.remove(lease);
    if (asker == null) {
      return false;
    }
    if (asker.call() != null) {
      asker.call().heldBy(new SessionPlace(asker.request(), later));
    }
    waiting.put(asker.request(), asker);
    return true;
  }

  /** Whether the lease was taken for one call, and so ends with it. */
  boolean isForOneCall(Lease lease) {
    Asker holder = holders.get(lease);
    return holder != null && holder.call() != null;
  }

  /** The process is gone, and with it what was lent of it. */
  void forgetHoldersOf(WorkerId id) {
    holders
        .keySet()
        .removeIf(lease -> lease.slot() == id.slot() && lease.generation() == id.generation());
  }
}
