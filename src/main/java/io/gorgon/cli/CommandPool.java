package io.gorgon.cli;

import com.typesafe.config.Config;
import io.gorgon.PythonPool;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolSettings;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** A pool and its actor system for the time of one command. */
final class CommandPool implements AutoCloseable {

  private static final Duration DRAIN = Duration.ofSeconds(2);

  private final ActorSystem<?> system;
  private final PythonPool pool;

  CommandPool(PoolOptions options, Map<String, Object> extra) {
    Config whole = options.whole();
    PoolSettings settings = options.settings(whole, extra);
    system = ActorSystem.create(Behaviors.empty(), "gorgon", whole);
    pool = PythonPool.start(system, settings);
  }

  PythonPool pool() {
    return pool;
  }

  ActorSystem<?> system() {
    return system;
  }

  /** Waits for a stage; a command may block. */
  static <T> T await(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof PythonFailure typed) {
        throw typed;
      }
      throw failed;
    }
  }

  /** Ends every process and then the system. */
  @Override
  public void close() {
    await(pool.drain(DRAIN));
    system.terminate();
    await(system.getWhenTerminated());
  }
}
