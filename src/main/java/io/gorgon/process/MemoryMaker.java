package io.gorgon.process;

import java.util.concurrent.CompletableFuture;

/** This makes memory that a JVM and its workers can share. Thread-safe; nothing blocks. */
public interface MemoryMaker {

  /** Makes {@code size} bytes of it; fails where that cannot be. */
  CompletableFuture<KeptMemory> memory(long size);

  /**
   * Closes what was made; who has mapped it keeps it.
   *
   * @param empty whether nobody wants what is in it any more
   */
  void drop(KeptMemory kept, boolean empty);
}
