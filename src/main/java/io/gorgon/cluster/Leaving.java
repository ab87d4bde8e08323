package io.gorgon.cluster;

import java.time.Duration;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/** Sees this node's use of a pool to its end, and answers when nothing of it is left. */
final class Leaving extends AbstractBehavior<Leaving.Command> {

  /** What it tells itself. */
  sealed interface Command {}

  private record Look() implements Command {}

  private record TimeUp() implements Command {}

  private record GraceUp() implements Command {}

  private static final Duration LOOK = Duration.ofMillis(20);

  /** What was cut short is answered by its node, or else without it, within this time. */
  private static final Duration GRACE = Duration.ofMillis(500);

  static Behavior<Command> create(
      Router router,
      ActorRef<Borrower.Command> borrower,
      Duration timeout,
      ActorRef<Done> replyTo) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new Leaving(context, timers, router, borrower, timeout, replyTo)));
  }

  private final TimerScheduler<Command> timers;
  private final Router router;
  private final ActorRef<Borrower.Command> borrower;
  private final ActorRef<Done> replyTo;

  private Leaving(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Router router,
      ActorRef<Borrower.Command> borrower,
      Duration timeout,
      ActorRef<Done> replyTo) {
    super(context);
    this.timers = timers;
    this.router = router;
    this.borrower = borrower;
    this.replyTo = replyTo;
    timers.startTimerWithFixedDelay(new Look(), Duration.ZERO, LOOK);
    timers.startSingleTimer(new TimeUp(), timeout);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Look.class, look -> onLook())
        .onMessage(TimeUp.class, timeUp -> onTimeUp())
        .onMessage(GraceUp.class, graceUp -> onGraceUp())
        .build();
  }

  private Behavior<Command> onLook() {
    return router.isQuiet() ? onGraceUp() : this;
  }

  private Behavior<Command> onTimeUp() {
    router.cutShort("the time is up that this node had to leave the pool");
    borrower.tell(new Borrower.End());
    timers.startSingleTimer(new GraceUp(), GRACE);
    return this;
  }

  private Behavior<Command> onGraceUp() {
    router.stopped();
    replyTo.tell(Done.getInstance());
    return Behaviors.stopped();
  }
}
