package io.gorgon.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.dspy.ProgramFailure;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolSettings;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** A pool and its actor system for the time of one command. */
final class CommandPool implements AutoCloseable {

  private static final Duration DRAIN = Duration.ofSeconds(2);

  private static final Duration DRAIN_INTERRUPTED = Duration.ofMillis(100);

  /**
   * The hook is ours, which says what was done; Pekko's would wait for running calls. And a command
   * is no node, also where its file is that of one: it must neither join nor take a node's port,
   * and its exit code is its own.
   */
  private static final Config ALONE =
      ConfigFactory.parseString(
          """
          pekko.coordinated-shutdown { run-by-jvm-shutdown-hook = off, exit-jvm = off }
          pekko.actor.provider = local
          pekko.extensions = []
          """);

  private final ActorSystem<?> system;
  private final PythonPool pool;
  private final Thread hook = new Thread(this::onInterrupt, "gorgon-interrupt");
  private volatile Supplier<String> soFar = () -> "";
  private volatile boolean interrupted;

  CommandPool(PoolOptions options, Map<String, Object> extra) {
    Config whole = options.whole();
    PoolSettings settings = options.settings(whole, extra);
    system = ActorSystem.create(Behaviors.empty(), "gorgon", ALONE.withFallback(whole));
    pool = PythonPool.start(system, settings);
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** What an interrupt says behind "interrupted", for example how much was done. */
  void tellWhenInterrupted(Supplier<String> done) {
    soFar = done;
  }

  /** Whether Ctrl-C or TERM came: from then on nothing more is written. */
  boolean isInterrupted() {
    return interrupted;
  }

  /** The JVM is ending by a signal: the exit code, 130 or 143, is its affair. */
  private void onInterrupt() {
    interrupted = true;
    String done = soFar.get();
    if (Descriptor.of(Descriptor.ERR).isTerminal()) {
      System.err.println(); // the terminal has shown ^C
    }
    System.err.println("gorgon: interrupted" + done);
    pool.drain(DRAIN_INTERRUPTED)
        .toCompletableFuture()
        .completeOnTimeout(Done.getInstance(), DRAIN.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  PythonPool pool() {
    return pool;
  }

  ActorSystem<?> system() {
    return system;
  }

  /**
   * Waits for a stage; a command may block. After an interrupt this does not come back: the command
   * has nothing more to say.
   */
  <T> T await(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().join();
    } catch (CompletionException failed) {
      throw failed.getCause() instanceof PythonFailure
              || failed.getCause() instanceof ProgramFailure
          ? (RuntimeException) failed.getCause()
          : failed;
    } finally {
      while (interrupted) {
        LockSupport.park();
      }
    }
  }

  /** Ends every process and then the system. */
  @Override
  public void close() {
    await(pool.drain(DRAIN));
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException ending) {
      // It runs now, and finds all ended.
    }
    system.terminate();
    await(system.getWhenTerminated());
  }
}
