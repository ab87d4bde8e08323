package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.pattern.StatusReply;
import org.jspecify.annotations.Nullable;

/**
 * This has the leases of this node's workers that other nodes hold. A part of {@link Gate}: touched
 * by that alone.
 */
final class Lender {

  /** How much later than the pool's own word its question gives up. */
  private static final Duration SLACK = Duration.ofSeconds(5);

  private record Request(ActorRef<Borrower.Command> borrower, long number) {}

  private record Asked(ActorRef<StatusReply<Granted>> replyTo, ActorRef<Void> tenant) {}

  /** A lease that is out; its calls run in the order in which they come. */
  record Held(
      Granted granted,
      ActorRef<Borrower.Command> borrower,
      ActorRef<Desk.Command> desk,
      ActorRef<Void> tenant,
      InOrder line) {}

  private final ActorContext<Gate.Command> context;
  private final ActorRef<Pool.Command> pool;
  private final Site site;
  private final Map<Request, Asked> asked = new HashMap<>();
  private final Map<Lease, Held> held = new HashMap<>();

  Lender(ActorContext<Gate.Command> context, ActorRef<Pool.Command> pool, Site site) {
    this.context = context;
    this.pool = pool;
    this.site = site;
  }

  /** Asks the pool for a worker; what it says comes as a {@link Gate.Settled}. */
  void lend(Gate.Lend lend) {
    var request = new Request(lend.borrower(), lend.number());
    if (asked.containsKey(request)) {
      return;
    }
    ActorRef<Void> tenant = context.spawnAnonymous(Tenant.create(lend.borrower()));
    String session = lend.session();
    CheckoutKind kind =
        session == null ? CheckoutKind.anonymous() : CheckoutKind.session(session, lend.affinity());
    context.askWithStatus(
        Granted.class,
        pool,
        lend.timeout().plus(SLACK),
        (ActorRef<StatusReply<Granted>> replyTo) -> {
          asked.put(request, new Asked(replyTo, tenant));
          return new Pool.Checkout(kind, Optional.of(tenant), lend.timeout(), replyTo);
        },
        (granted, failure) -> new Gate.Settled(lend, granted, failure));
  }

  /** The pool has answered. */
  void settled(Gate.Settled settled) {
    Gate.Lend lend = settled.lend();
    Asked question = asked.remove(new Request(lend.borrower(), lend.number()));
    Granted granted = settled.granted();
    if (question == null) {
      return;
    }
    if (granted == null || !granted.isCurrent()) {
      context.stop(question.tenant());
      lend.borrower().tell(new Borrower.Refused(lend.number(), FailureForm.of(why(settled))));
      return;
    }
    held.put(
        granted.lease(),
        new Held(granted, lend.borrower(), lend.desk(), question.tenant(), new InOrder()));
    lend.borrower()
        .tell(
            new Borrower.Lent(
                lend.number(), context.getSelf(), granted.lease(), site.outside(granted.worker())));
  }

  private PythonFailure why(Gate.Settled settled) {
    Throwable failure = settled.failure();
    if (failure instanceof PythonFailure typed) {
      return site.outside(typed);
    }
    return new CheckoutRefused(
        site.name(),
        Reason.NO_CAPACITY,
        failure == null ? "the worker ended as it was lent" : "its node failed: " + failure);
  }

  /** Nobody wants that worker any more. */
  void withdraw(Gate.Withdraw withdraw) {
    Asked question = asked.get(new Request(withdraw.borrower(), withdraw.number()));
    if (question != null) {
      pool.tell(new Pool.Cancel(question.replyTo()));
    }
  }

  /** What its holder says of a lease. */
  void keep(Gate.Keep keep) {
    Lease lease = keep.lease();
    Gate.Step step = keep.step();
    if (step == null || !held.containsKey(lease)) {
      return; // nothing of what other nodes have
    }
    switch (step) {
      case ACKNOWLEDGE -> pool.tell(new Pool.Acknowledge(lease));
      case RENEW -> pool.tell(new Pool.Renew(lease));
      case RETURN -> pool.tell(new Pool.Return(lease, keep.verdict()));
      case LEAVE -> {
        Held left = held.get(lease);
        if (left != null) {
          context.stop(left.tenant());
        }
      }
    }
  }

  /** A lease has ended, however that came. */
  void on(PoolEvent.LeaseEnded ended) {
    held.keySet().stream()
        .filter(lease -> lease.sequence() == ended.lease())
        .findFirst()
        .ifPresent(this::end);
  }

  private void end(Lease lease) {
    Held over = held.remove(lease);
    if (over != null) {
      context.stop(over.tenant());
      over.borrower().tell(new Borrower.Ended(context.getSelf(), lease));
    }
  }

  /** The lease, if it has not ended. */
  @Nullable Held find(Lease lease) {
    return held.get(lease);
  }

  /** Runs a call on the worker of a lease, or answers it: there is no such lease any more. */
  void run(@Nullable Held lent, Lease lease, PendingCall call) {
    if (lent == null || !lent.granted().start(call)) {
      call.fail(
          new CheckoutRefused(
              site.name(), Reason.LEASE_ENDED, lease + " has ended: check out again"));
    }
  }

  /** How many workers are lent to others than that node. */
  int others(ActorRef<Desk.Command> desk) {
    return (int) held.values().stream().filter(lent -> !lent.desk().equals(desk)).count();
  }
}
