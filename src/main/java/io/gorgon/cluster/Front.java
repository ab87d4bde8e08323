package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.AskedCall;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import io.gorgon.pool.Verdict;
import io.gorgon.session.SessionHome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.pattern.StatusReply;

/**
 * Answers in the protocol of a pool's actor for a pool that is spread over many nodes. Limits are
 * those of each node: a resize sets them on every one. A drain ends this node's use of the pool,
 * not the pool: who has drained is told so by everything, and the other nodes go on.
 */
final class Front extends AbstractBehavior<Pool.Command> {

  /** What a front works with: made before it. */
  record Parts(
      Entrance entrance,
      Router router,
      SessionHome sessions,
      ActorRef<Borrower.Command> borrower,
      Parcels parcels,
      Site site) {}

  /** A process prints its stacks within two seconds, or not at all. */
  private static final Duration DUMP_PATIENCE = Duration.ofSeconds(4);

  static Behavior<Pool.Command> create(Parts parts) {
    return Behaviors.setup(context -> new Front(context, parts));
  }

  private final Parts parts;
  private final Entrance entrance;
  private final Router router;
  private final Executor tools;
  private final Census census;
  private final Set<ActorRef<Ear.Command>> ears = new HashSet<>();

  private Front(ActorContext<Pool.Command> context, Parts parts) {
    super(context);
    this.parts = parts;
    this.entrance = parts.entrance();
    this.router = parts.router();
    this.tools =
        context
            .getSystem()
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig("gorgon.tool-dispatcher"));
    this.census = new Census(context.getSystem(), context.getLog());
  }

  @Override
  public Receive<Pool.Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Pool.Execute.class, this::onExecute)
        .onMessage(Pool.Checkout.class, this::onCheckout)
        .onMessage(Pool.Acknowledge.class, this::onAcknowledge)
        .onMessage(Pool.Renew.class, this::onRenew)
        .onMessage(Pool.Run.class, this::onRun)
        .onMessage(Pool.Return.class, this::onReturn)
        .onMessage(Pool.Cancel.class, this::onCancel)
        .onMessage(Pool.Submit.class, this::onSubmit)
        .onMessage(Pool.EndSession.class, end -> onEndSession())
        .onMessage(Pool.Resize.class, this::onResize)
        .onMessage(Pool.Reset.class, reset -> onReset())
        .onMessage(Pool.Drain.class, this::onDrain)
        .onMessage(Pool.GetStats.class, this::onGetStats)
        .onMessage(Pool.Subscribe.class, this::onSubscribe)
        .onMessage(Pool.Dump.class, this::onDump)
        .onMessage(Pool.Introduce.class, this::onIntroduce)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  // ---- calls and checkouts

  private Behavior<Pool.Command> onExecute(Pool.Execute execute) {
    AskedCall.of(entrance, execute.call(), execute.replyTo(), tools).ifPresent(entrance::offer);
    return this;
  }

  private Behavior<Pool.Command> onCheckout(Pool.Checkout checkout) {
    parts.borrower().tell(new Borrower.Borrow(checkout));
    return this;
  }

  private Behavior<Pool.Command> onAcknowledge(Pool.Acknowledge it) {
    parts.borrower().tell(new Borrower.Keep(it.lease(), Gate.Step.ACKNOWLEDGE, Verdict.CLEAN));
    return this;
  }

  private Behavior<Pool.Command> onRenew(Pool.Renew renew) {
    parts.borrower().tell(new Borrower.Keep(renew.lease(), Gate.Step.RENEW, Verdict.CLEAN));
    return this;
  }

  private Behavior<Pool.Command> onReturn(Pool.Return back) {
    parts.borrower().tell(new Borrower.Keep(back.lease(), Gate.Step.RETURN, back.verdict()));
    return this;
  }

  private Behavior<Pool.Command> onRun(Pool.Run run) {
    AskedCall.of(entrance, run.call(), run.replyTo(), tools)
        .ifPresent(call -> parts.borrower().tell(new Borrower.Run(run.lease(), call)));
    return this;
  }

  private Behavior<Pool.Command> onCancel(Pool.Cancel cancel) {
    parts.borrower().tell(new Borrower.Cancel(cancel.replyTo()));
    return this;
  }

  private Behavior<Pool.Command> onSubmit(Pool.Submit submit) {
    String key = submit.kind().session().orElse(null);
    if (key == null) {
      entrance.offer(submit.call());
    } else {
      parts
          .sessions()
          .submit(key, submit.call(), submit.kind().affinity(), (call, preferred) -> {});
    }
    return this;
  }

  /** The session's own node has been told with the end of its state. */
  private Behavior<Pool.Command> onEndSession() {
    return this;
  }

  // ---- operators

  private Behavior<Pool.Command> onResize(Pool.Resize resize) {
    gates().forEach(gate -> gate.tell(new Gate.Resize(resize.min(), resize.max())));
    return this;
  }

  private Behavior<Pool.Command> onReset() {
    gates().forEach(gate -> gate.tell(new Gate.Reset()));
    return this;
  }

  /** Of all nodes that run the pool: a message to one that is cut off may be lost. */
  private List<ActorRef<Gate.Command>> gates() {
    return router.stations().stream().map(Station::gate).toList();
  }

  private Behavior<Pool.Command> onGetStats(Pool.GetStats ask) {
    PoolStats own = PoolStats.empty(parts.site().pool(), router.status(), router.waiting());
    List<ActorRef<Gate.Command>> reachable =
        router.stations().stream().filter(Station::isReachable).map(Station::gate).toList();
    census.take(own, reachable).thenAccept(ask.replyTo()::tell);
    return this;
  }

  private Behavior<Pool.Command> onDump(Pool.Dump dump) {
    WorkerId worker = dump.worker();
    CompletionStage<String> stacks =
        router.stations().stream()
            .filter(Station::isReachable)
            .filter(station -> site(station).name().equals(worker.pool()))
            .findFirst()
            .map(station -> stacks(station, worker))
            .orElseGet(
                () ->
                    CompletableFuture.failedFuture(
                        gone(worker, "no node that can be reached has a worker of that name")));
    stacks.whenComplete(
        (text, failure) ->
            dump.replyTo()
                .tell(
                    failure == null
                        ? StatusReply.success(text)
                        : StatusReply.error(FailureForm.of(failure).failure())));
    return this;
  }

  private Site site(Station station) {
    return station.own() == null
        ? Site.at(parts.site().pool(), station.gate().path().address())
        : parts.site();
  }

  private static NoDump gone(WorkerId worker, String problem) {
    return new NoDump(worker, NoDump.Reason.GONE, problem);
  }

  private CompletionStage<String> stacks(Station station, WorkerId worker) {
    return AskPattern.<Gate.Command, Gate.Dumped>ask(
            station.gate(),
            replyTo -> new Gate.Dump(site(station).inside(worker), replyTo),
            DUMP_PATIENCE,
            getContext().getSystem().scheduler())
        .exceptionallyCompose(
            silent ->
                CompletableFuture.failedFuture(
                    new NoDump(worker, NoDump.Reason.SILENT, "its node did not answer in time")))
        .thenCompose(
            dumped -> {
              FailureForm failure = dumped.failure();
              Parcel text = dumped.stacks();
              if (failure != null || text == null) {
                PythonFailure why =
                    failure == null ? gone(worker, "its node told nothing") : failure.failure();
                return CompletableFuture.failedFuture(why);
              }
              return parts
                  .parcels()
                  .unpack(text)
                  .thenApply(payload -> new String(payload.body(), StandardCharsets.UTF_8));
            });
  }

  private Behavior<Pool.Command> onSubscribe(Pool.Subscribe subscribe) {
    if (router.status() == PoolStatus.STOPPED) {
      subscribe.subscriber().tell(new PoolEvent.PoolStopped(parts.site().pool()));
      return this;
    }
    ActorRef<Ear.Command> ear =
        getContext()
            .spawnAnonymous(
                Ear.create(Gate.serviceKey(parts.site().pool()), subscribe.subscriber()));
    ears.add(ear);
    getContext().watch(ear);
    return this;
  }

  private Behavior<Pool.Command> onIntroduce(Pool.Introduce introduce) {
    introduce.replyTo().tell(entrance);
    return this;
  }

  // ---- the end of this node's use

  private Behavior<Pool.Command> onDrain(Pool.Drain drain) {
    if (router.isOpen()) {
      router.close();
      parts.borrower().tell(new Borrower.Close());
      tellEars(new PoolEvent.PoolDraining(parts.site().pool()));
    }
    ActorRef<Leaving.Command> leaving =
        getContext()
            .spawnAnonymous(
                Leaving.create(router, parts.borrower(), drain.timeout(), drain.replyTo()));
    getContext().watch(leaving);
    return this;
  }

  private Behavior<Pool.Command> onTerminated(Terminated ended) {
    boolean wasEar = ears.removeIf(ear -> ear.path().equals(ended.getRef().path()));
    if (!wasEar && router.status() == PoolStatus.STOPPED) {
      tellEars(new PoolEvent.PoolStopped(parts.site().pool()));
    }
    return this;
  }

  private void tellEars(PoolEvent event) {
    ears.forEach(ear -> ear.tell(new Ear.Heard(event)));
  }
}
