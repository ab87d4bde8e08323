package io.gorgon.scoreboard;

import com.typesafe.config.Config;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.session.MemoryStore;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import io.gorgon.session.durable.DurableStore;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Extension;
import org.apache.pekko.actor.typed.ExtensionId;

/**
 * A real store that is slow at times, and away, and that at times cannot say whether it has kept
 * something: because it has, because it has not, or because it is going to. A seed draws which.
 */
public final class TriedStore implements SessionStore {

  /** What is drawn for a question, of a thousand. */
  private static final int AWAY = 8;

  private static final int LOST_WITHOUT_A_WORD = AWAY + 4;
  private static final int KEPT_WITHOUT_A_WORD = LOST_WITHOUT_A_WORD + 4;
  private static final int KEPT_LATER = KEPT_WITHOUT_A_WORD + 4;
  private static final int SLOW = KEPT_LATER + 40;
  private static final int MOST_MILLIS = 40;

  private static final Id ID = new Id();

  private final SessionStore real;
  private final Random random;
  private final int lies;
  private final Queue<CompletableFuture<?>> late;

  /** As the pool makes it, by the settings of {@link #settings}. */
  public TriedStore(ActorSystem<?> system, String pool) {
    Config config = system.settings().config().getConfig("tried-store");
    this.real =
        config.getBoolean("durable") ? new DurableStore(system, pool) : memory(system).store;
    this.random = new Random(config.getLong("seed"));
    this.lies = config.getInt("lies");
    this.late = memory(system).late;
  }

  /**
   * The settings of the actor system.
   *
   * @param lies of a thousand saves, how many it says it has done and does not
   */
  static String settings(boolean durable, long seed, int lies) {
    return "tried-store { durable = " + durable + ", seed = " + seed + ", lies = " + lies + " }";
  }

  /** What outlives the pool. */
  static final class Memory implements Extension {
    final MemoryStore store = new MemoryStore();
    final Queue<CompletableFuture<?>> late = new ConcurrentLinkedQueue<>();

    /** When nothing is going to be kept any more. */
    CompletableFuture<Void> atRest() {
      return CompletableFuture.allOf(late.toArray(CompletableFuture[]::new))
          .handle((done, failure) -> null);
    }
  }

  private static final class Id extends ExtensionId<Memory> {
    @Override
    public Memory createExtension(ActorSystem<?> system) {
      return new Memory();
    }
  }

  static Memory memory(ActorSystem<?> system) {
    return system.registerExtension(ID);
  }

  private <T> CompletionStage<T> slowly(Supplier<CompletionStage<T>> question) {
    var later =
        CompletableFuture.delayedExecutor(random.nextInt(MOST_MILLIS), TimeUnit.MILLISECONDS);
    CompletableFuture<T> answer =
        CompletableFuture.supplyAsync(() -> question.get().toCompletableFuture(), later)
            .thenCompose(stage -> stage);
    late.add(answer);
    return answer;
  }

  private static <T> CompletionStage<T> away(String key) {
    return CompletableFuture.failedFuture(new StoreUnavailable(key, false, "drawn"));
  }

  private static <T> CompletionStage<T> unknown() {
    return CompletableFuture.failedFuture(new IllegalStateException("the connection broke"));
  }

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    int drawn = random.nextInt(1_000);
    if (drawn < AWAY) {
      return away(key);
    }
    return drawn < SLOW ? slowly(() -> real.load(key)) : real.load(key);
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    int drawn = random.nextInt(1_000);
    if (drawn >= 1_000 - lies) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    if (drawn < AWAY) {
      return away(next.key());
    }
    if (drawn < LOST_WITHOUT_A_WORD) {
      return unknown();
    }
    if (drawn < KEPT_WITHOUT_A_WORD) {
      return real.save(next).thenCompose(done -> unknown());
    }
    if (drawn < KEPT_LATER) {
      slowly(() -> real.save(next));
      return unknown();
    }
    return drawn < SLOW ? slowly(() -> real.save(next)) : real.save(next);
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    return real.remove(key, version);
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    return real.remove(key);
  }

  @Override
  public CompletionStage<Long> count() {
    return real.count();
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return real.untouchedSince(then, most);
  }
}
