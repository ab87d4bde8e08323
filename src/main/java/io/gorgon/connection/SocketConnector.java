package io.gorgon.connection;

import io.gorgon.message.WorkerId;
import io.gorgon.process.Keeper;
import io.gorgon.process.Launch;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** This connects to real Python processes: one keeper per pool, one unix socket per worker. */
public final class SocketConnector implements Connector {

  private final Keeper keeper;
  private final Launch launch;
  private final Executor blocking;
  private final SharedMemory memory;

  /**
   * Prepares; starts nothing yet.
   *
   * @param blocking runs what waits for the system: large writes and the end of the keeper
   */
  public SocketConnector(Keeper keeper, Launch launch, Executor blocking) {
    this.keeper = keeper;
    this.launch = launch;
    this.blocking = blocking;
    this.memory = new SharedMemory(keeper, launch.sharedFrom(), launch.sharedLimit());
  }

  @Override
  public Connection open(WorkerId id, Connection.Listener listener) {
    return SocketConnection.start(id, keeper, launch, blocking, memory, listener);
  }

  @Override
  public void renew() {
    keeper.renewTemplate();
  }

  @Override
  public SharedFigures shared() {
    return memory.figures();
  }

  @Override
  public void tend() {
    memory.tend(System.nanoTime());
  }

  @Override
  public CompletionStage<Map<WorkerId, Long>> memory() {
    return keeper.memory();
  }

  @Override
  public CompletionStage<String> dump(WorkerId worker) {
    return keeper.dump(worker, blocking);
  }

  @Override
  public CompletionStage<Void> close() {
    return CompletableFuture.runAsync(
        () -> {
          memory.close();
          keeper.close();
          keeper.awaitClosed();
        },
        blocking);
  }
}
