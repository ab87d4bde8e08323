package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.session.SessionState;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;

/** This asks the node that has a session what is no call. Thread-safe. */
final class SessionQuestions {

  /** How long an answer is waited for that may be asked for again; a store has its own limit. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Function<String, EntityRef<SessionEntity.Command>> entities;
  private final Parcels parcels;
  private final Duration timeout;

  /**
   * For one pool on one node.
   *
   * @param entities finds a session by its key
   */
  SessionQuestions(
      Function<String, EntityRef<SessionEntity.Command>> entities,
      Parcels parcels,
      Duration timeout) {
    this.entities = entities;
    this.parcels = parcels;
    this.timeout = timeout;
  }

  /** Has the state forgotten. */
  CompletionStage<Done> end(String key) {
    return this.<SessionEntity.Ended>ask(
            key,
            SessionEntity.End::new,
            timeout,
            why -> new CommitUnknown(key, CommitUnknown.UNKNOWN_VERSION, "it was to end; " + why))
        .thenCompose(
            ended -> {
              FailureForm failure = ended.failure();
              return failure == null
                  ? CompletableFuture.completedFuture(Done.getInstance())
                  : CompletableFuture.failedFuture(failure.failure());
            });
  }

  /** The state that was kept last; asked for again where a moving session has lost the question. */
  CompletionStage<SessionState> read(String key) {
    return read(key, timeout);
  }

  private CompletionStage<SessionState> read(String key, Duration left) {
    Duration limit = left.compareTo(PATIENCE) < 0 ? left : PATIENCE;
    Duration then = left.minus(limit);
    return this.<SessionEntity.Seen>ask(key, SessionEntity.Look::new, limit, why -> away(key, why))
        .handle(
            (seen, failure) ->
                seen != null
                    ? state(key, seen)
                    : then.isZero()
                        ? CompletableFuture.<SessionState>failedFuture(failure)
                        : read(key, then))
        .thenCompose(state -> state);
  }

  private CompletionStage<SessionState> state(String key, SessionEntity.Seen seen) {
    FailureForm failure = seen.failure();
    Parcel state = seen.state();
    return failure != null || state == null
        ? CompletableFuture.failedFuture(
            failure == null ? away(key, "no state was told") : failure.failure())
        : parcels.unpack(state).thenApply(StateForm::state);
  }

  private <A> CompletionStage<A> ask(
      String key,
      Function<ActorRef<A>, SessionEntity.Command> question,
      Duration limit,
      Function<String, PythonFailure> unanswered) {
    return entities
        .apply(key)
        .<A>ask(question::apply, limit)
        .exceptionallyCompose(
            failure ->
                CompletableFuture.failedFuture(
                    unanswered.apply(
                        "the node that has it did not answer: " + failure.getMessage())));
  }

  private static StoreUnavailable away(String key, String problem) {
    return new StoreUnavailable(key, false, problem);
  }
}
